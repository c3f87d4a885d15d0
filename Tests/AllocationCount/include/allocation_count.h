// Counts what one thread takes from the heap: the test program's own malloc stands before glibc's.
// In C, since Swift allocates on its own account.
#pragma once

// From now on the calling thread is counted, from zero.
void lenscap_count_allocations(void);

// Stops counting the calling thread; how many blocks it took or gave back.
long lenscap_counted_allocations(void);

// System calls that Swift's Glibc module leaves out: their headers are not part of it, or they
// are declared for _GNU_SOURCE only, are variadic, or are macros. No logic.
// It is not defined here either: it changes types such as fd_set, and two modules that see such a
// type differently cannot be imported together.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

// ppoll is declared for _GNU_SOURCE only, which Swift's clang importer does not set for poll.h.
static inline int lenscap_ppoll(struct pollfd *list, nfds_t count, struct timespec *time) {
    return (int)syscall(SYS_ppoll, list, count, time, NULL, 0);
}

// renameat2 and its flag are declared for _GNU_SOURCE only.
static inline int lenscap_rename_noreplace(int from, const char *old, int to, const char *new_name) {
    return (int)syscall(SYS_renameat2, from, old, to, new_name, 1u);
}

// dl_iterate_phdr and what it says of an object are declared for _GNU_SOURCE only (<link.h>).
struct lenscap_linked_object {
    ElfW(Addr) address;
    const char *name;
    const ElfW(Phdr) *segments;
    ElfW(Half) segment_count;
};
struct dl_phdr_info;
extern int dl_iterate_phdr(int (*)(struct dl_phdr_info *, size_t, void *), void *);
static inline int lenscap_each_linked_object(
    int (*body)(struct lenscap_linked_object *, size_t, void *)) {
    return dl_iterate_phdr((int (*)(struct dl_phdr_info *, size_t, void *))(void *)body, NULL);
}

// ioctl is variadic.
static inline int lenscap_ioctl(int descriptor, unsigned long request, void *argument) {
    return ioctl(descriptor, request, argument);
}

// pthread_setname_np is declared for _GNU_SOURCE only; this names the calling thread.
static inline int lenscap_name_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

// prctl is variadic.
static inline int lenscap_set_not_dumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
static inline int lenscap_disable_huge_pages(void) {
    return prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}
static inline int lenscap_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

// The value is a macro for _GNU_SOURCE only.
static inline int lenscap_lock_memory_on_fault(void) {
    return mlockall(MCL_CURRENT | MCL_FUTURE | 4 /* MCL_ONFAULT */);
}

// Macros.
static inline unsigned lenscap_major(dev_t device) { return major(device); }
static inline unsigned lenscap_minor(dev_t device) { return minor(device); }

// O_PATH is a macro for _GNU_SOURCE only.
static inline int lenscap_open_path_flag(void) { return 010000000; }

// major and minor are macros.
static inline unsigned lenscap_device_major(dev_t number) { return major(number); }
static inline unsigned lenscap_device_minor(dev_t number) { return minor(number); }

// Thread-safe, unlike strerror; declared for _GNU_SOURCE only.
extern const char *strerrordesc_np(int number);
static inline const char *lenscap_error_text(int number) { return strerrordesc_np(number); }

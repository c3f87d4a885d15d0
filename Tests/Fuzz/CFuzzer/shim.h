// libFuzzer's entry point (FuzzerInterface.h, "LLVMFuzzerRunDriver"): the toolchain has the library
// and no header for it. No logic.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern int LLVMFuzzerRunDriver(
    int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

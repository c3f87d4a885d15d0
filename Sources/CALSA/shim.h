#ifndef LENSCAP_CALSA_H
#define LENSCAP_CALSA_H

#include <alsa/asoundlib.h>

/* The error handler is variadic, which Swift can neither write nor pass. libasound's own
 * writes to standard error; every failure also comes back as a return value. */
static void lenscap_alsa_say_nothing(
    const char *file, int line, const char *function, int err, const char *fmt, ...) {
    (void)file;
    (void)line;
    (void)function;
    (void)err;
    (void)fmt;
}
static inline void lenscap_alsa_quiet(void) {
    snd_lib_error_set_handler(lenscap_alsa_say_nothing);
}

#endif

// The parts of libavcodec, libavformat, libavutil and libswresample that the pipeline calls. The
// functions below stand for macros, which Swift does not import. No logic.
#pragma once

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/hwcontext.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

// AVERROR(e) is a function-like macro.
static inline int lenscap_av_error_again(void) { return AVERROR(EAGAIN); }
static inline int lenscap_av_error_no_memory(void) { return AVERROR(ENOMEM); }

// AVERROR_* are macros over MKTAG with casts.
static inline int lenscap_av_error_eof(void) { return AVERROR_EOF; }
static inline int lenscap_av_error_encoder_not_found(void) { return AVERROR_ENCODER_NOT_FOUND; }

// AV_NOPTS_VALUE is a macro with a cast.
static inline int64_t lenscap_av_no_time(void) { return AV_NOPTS_VALUE; }

/* Kernel interfaces whose macros Swift does not import. Each function below only
 * names a value; decisions are made in Swift. */
#ifndef LENSCAP_CLINUX_H
#define LENSCAP_CLINUX_H

#include <linux/videodev2.h>

/* The VIDIOC_ requests are _IOWR() expressions over sizeof, which the importer skips. */
static inline unsigned long lenscap_VIDIOC_QUERYCAP(void) { return VIDIOC_QUERYCAP; }
static inline unsigned long lenscap_VIDIOC_ENUM_FMT(void) { return VIDIOC_ENUM_FMT; }
static inline unsigned long lenscap_VIDIOC_S_FMT(void) { return VIDIOC_S_FMT; }
static inline unsigned long lenscap_VIDIOC_S_PARM(void) { return VIDIOC_S_PARM; }
static inline unsigned long lenscap_VIDIOC_REQBUFS(void) { return VIDIOC_REQBUFS; }
static inline unsigned long lenscap_VIDIOC_QUERYBUF(void) { return VIDIOC_QUERYBUF; }
static inline unsigned long lenscap_VIDIOC_QBUF(void) { return VIDIOC_QBUF; }
static inline unsigned long lenscap_VIDIOC_DQBUF(void) { return VIDIOC_DQBUF; }
static inline unsigned long lenscap_VIDIOC_STREAMON(void) { return VIDIOC_STREAMON; }
static inline unsigned long lenscap_VIDIOC_STREAMOFF(void) { return VIDIOC_STREAMOFF; }

/* Four-character codes are v4l2_fourcc() shifts, which the importer skips. */
static inline unsigned int lenscap_V4L2_PIX_FMT_NV12(void) { return V4L2_PIX_FMT_NV12; }
static inline unsigned int lenscap_V4L2_PIX_FMT_YUYV(void) { return V4L2_PIX_FMT_YUYV; }

/* Function-like macros with the kernel's own rules for colour fields left at DEFAULT. */
static inline unsigned int lenscap_V4L2_MAP_YCBCR_ENC_DEFAULT(unsigned int colorspace) {
    return V4L2_MAP_YCBCR_ENC_DEFAULT(colorspace);
}
static inline unsigned int lenscap_V4L2_MAP_QUANTIZATION_DEFAULT(
    unsigned int colorspace, unsigned int ycbcr_enc) {
    return V4L2_MAP_QUANTIZATION_DEFAULT(0, colorspace, ycbcr_enc);
}

#endif

/* Kernel interfaces whose macros Swift does not import, and libv4lconvert, which speaks in the
 * kernel's structures. Each function below only names a value; decisions are made in Swift. */
#ifndef LENSCAP_CLINUX_H
#define LENSCAP_CLINUX_H

#include <libv4l-plugin.h>
#include <libv4lconvert.h>
#include <linux/videodev2.h>

/* The VIDIOC_ requests are _IOWR() expressions over sizeof, which the importer skips. */
static inline unsigned long lenscap_VIDIOC_QUERYCAP(void) { return VIDIOC_QUERYCAP; }
static inline unsigned long lenscap_VIDIOC_ENUM_FMT(void) { return VIDIOC_ENUM_FMT; }
static inline unsigned long lenscap_VIDIOC_TRY_FMT(void) { return VIDIOC_TRY_FMT; }
static inline unsigned long lenscap_VIDIOC_S_FMT(void) { return VIDIOC_S_FMT; }
static inline unsigned long lenscap_VIDIOC_S_PARM(void) { return VIDIOC_S_PARM; }
static inline unsigned long lenscap_VIDIOC_REQBUFS(void) { return VIDIOC_REQBUFS; }
static inline unsigned long lenscap_VIDIOC_QUERYBUF(void) { return VIDIOC_QUERYBUF; }
static inline unsigned long lenscap_VIDIOC_QBUF(void) { return VIDIOC_QBUF; }
static inline unsigned long lenscap_VIDIOC_DQBUF(void) { return VIDIOC_DQBUF; }
static inline unsigned long lenscap_VIDIOC_STREAMON(void) { return VIDIOC_STREAMON; }
static inline unsigned long lenscap_VIDIOC_STREAMOFF(void) { return VIDIOC_STREAMOFF; }

/* Four-character codes are v4l2_fourcc() shifts, which the importer skips. */
static inline unsigned int lenscap_V4L2_PIX_FMT_H264(void) { return V4L2_PIX_FMT_H264; }
static inline unsigned int lenscap_V4L2_PIX_FMT_NV12(void) { return V4L2_PIX_FMT_NV12; }
static inline unsigned int lenscap_V4L2_PIX_FMT_YUV420(void) { return V4L2_PIX_FMT_YUV420; }
static inline unsigned int lenscap_V4L2_PIX_FMT_YUYV(void) { return V4L2_PIX_FMT_YUYV; }
static inline unsigned int lenscap_V4L2_PIX_FMT_UYVY(void) { return V4L2_PIX_FMT_UYVY; }
static inline unsigned int lenscap_V4L2_PIX_FMT_YVYU(void) { return V4L2_PIX_FMT_YVYU; }
static inline unsigned int lenscap_V4L2_PIX_FMT_VYUY(void) { return V4L2_PIX_FMT_VYUY; }
static inline unsigned int lenscap_V4L2_PIX_FMT_YVU420(void) { return V4L2_PIX_FMT_YVU420; }
static inline unsigned int lenscap_V4L2_PIX_FMT_M420(void) { return V4L2_PIX_FMT_M420; }
static inline unsigned int lenscap_V4L2_PIX_FMT_HM12(void) { return V4L2_PIX_FMT_HM12; }
static inline unsigned int lenscap_V4L2_PIX_FMT_GREY(void) { return V4L2_PIX_FMT_GREY; }
static inline unsigned int lenscap_V4L2_PIX_FMT_RGB565(void) { return V4L2_PIX_FMT_RGB565; }
static inline unsigned int lenscap_V4L2_PIX_FMT_JPEG(void) { return V4L2_PIX_FMT_JPEG; }
static inline unsigned int lenscap_V4L2_PIX_FMT_PJPG(void) { return V4L2_PIX_FMT_PJPG; }
static inline unsigned int lenscap_V4L2_PIX_FMT_MJPEG(void) { return V4L2_PIX_FMT_MJPEG; }

/* Function-like macros with the kernel's own rules for colour fields left at DEFAULT. */
static inline unsigned int lenscap_V4L2_MAP_YCBCR_ENC_DEFAULT(unsigned int colorspace) {
    return V4L2_MAP_YCBCR_ENC_DEFAULT(colorspace);
}
static inline unsigned int lenscap_V4L2_MAP_QUANTIZATION_DEFAULT(
    unsigned int colorspace, unsigned int ycbcr_enc) {
    return V4L2_MAP_QUANTIZATION_DEFAULT(0, colorspace, ycbcr_enc);
}

#endif

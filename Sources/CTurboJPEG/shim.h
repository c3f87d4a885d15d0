/* What decoding MJPEG needs of libturbojpeg. */
#ifndef LENSCAP_CTURBOJPEG_H
#define LENSCAP_CTURBOJPEG_H

#include <turbojpeg.h>

#endif

/* libyuv has no pkg-config file and its umbrella header pulls in C++ when it can; the
 * pipeline needs only the planar functions. */
#ifndef LENSCAP_CYUV_H
#define LENSCAP_CYUV_H

#include <libyuv/planar_functions.h>

#endif

/* libyuv has no pkg-config file and its umbrella header pulls in C++ when it can; the
 * pipeline needs only the planar functions, one conversion and the scaling of a plane. */
#ifndef LENSCAP_CYUV_H
#define LENSCAP_CYUV_H

#include <libyuv/convert_from.h>
#include <libyuv/planar_functions.h>
#include <libyuv/scale.h>

#endif

/* Keys and lines: the kernel's evdev and GPIO interfaces, whose macros Swift does not import.
 * Each function below only names a value; decisions are made in Swift. */
#ifndef LENSCAP_CINPUT_H
#define LENSCAP_CINPUT_H

#include <linux/gpio.h>
#include <linux/input.h>

/* The EVIOCG requests are function-like macros over the length of the answer. */
static inline unsigned long lenscap_EVIOCGNAME(unsigned int length) { return EVIOCGNAME(length); }
static inline unsigned long lenscap_EVIOCGKEY(unsigned int length) { return EVIOCGKEY(length); }
static inline unsigned long lenscap_EVIOCGBIT_KEY(unsigned int length) {
    return EVIOCGBIT(EV_KEY, length);
}

/* The GPIO requests are _IOR() and _IOWR() expressions over sizeof, which the importer skips. */
static inline unsigned long lenscap_GPIO_GET_CHIPINFO(void) { return GPIO_GET_CHIPINFO_IOCTL; }
static inline unsigned long lenscap_GPIO_V2_GET_LINE(void) { return GPIO_V2_GET_LINE_IOCTL; }
static inline unsigned long lenscap_GPIO_V2_LINE_GET_VALUES(void) {
    return GPIO_V2_LINE_GET_VALUES_IOCTL;
}

/* The flags are _BITULL() expressions, which the importer skips. */
static inline unsigned long long lenscap_GPIO_V2_LINE_FLAG_INPUT(void) {
    return GPIO_V2_LINE_FLAG_INPUT;
}
static inline unsigned long long lenscap_GPIO_V2_LINE_FLAG_ACTIVE_LOW(void) {
    return GPIO_V2_LINE_FLAG_ACTIVE_LOW;
}

#endif

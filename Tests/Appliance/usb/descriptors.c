// The descriptors of the device: USB 2.0 chapter 9, USB Video Class 1.1 section 3, USB Audio Class 1.0 section 4.
#include "device.h"

#include <string.h>

// A descriptor being written.
struct writer {
    uint8_t *bytes;
    size_t count;
};

static void put_bytes(struct writer *to, const uint8_t *bytes, size_t count) {
    memcpy(to->bytes + to->count, bytes, count);
    to->count += count;
}
#define PUT(to, ...) put_bytes(to, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
static void put16(struct writer *to, unsigned value) { PUT(to, value & 0xff, value >> 8 & 0xff); }
static void put24(struct writer *to, unsigned value) {
    put16(to, value);
    PUT(to, value >> 16 & 0xff);
}
static void put32(struct writer *to, unsigned value) {
    put16(to, value);
    put16(to, value >> 16);
}
// Writes the total length of what began at `start` into its own length field.
static void total(struct writer *to, size_t start, size_t field) {
    size_t length = to->count - start;
    to->bytes[start + field] = length & 0xff;
    to->bytes[start + field + 1] = length >> 8;
}

enum { DEVICE = 1, CONFIGURATION = 2, STRING = 3, INTERFACE = 4, ENDPOINT = 5, ASSOCIATION = 11 };
enum { CLASS_INTERFACE = 0x24, CLASS_ENDPOINT = 0x25 };
enum { AUDIO_CLASS = 0x01, VIDEO_CLASS = 0x0e };
enum { BULK = 2, ISOCHRONOUS_ASYNCHRONOUS = 5 };
enum { MANUFACTURER_NAME = 1, PRODUCT_NAME = 2, SERIAL_NUMBER = 3 };

static void interface(struct writer *to, unsigned number, unsigned alternate, unsigned endpoints, unsigned class,
                      unsigned subclass) {
    PUT(to, 9, INTERFACE, number, alternate, endpoints, class, subclass, 0, 0);
}

// USB 2.0, 9.6.1. Class ef/02/01: the functions are told apart by interface associations.
size_t describe_device(uint8_t *bytes) {
    struct writer to = {bytes, 0};
    PUT(&to, 18, DEVICE, 0x00, 0x02, 0xef, 0x02, 0x01, 64);
    put16(&to, options.vendor);
    put16(&to, options.product_id);
    put16(&to, 0x0100);
    PUT(&to, MANUFACTURER_NAME, PRODUCT_NAME, SERIAL_NUMBER, 1);
    return to.count;
}

// USB 2.0, 9.6.7.
size_t describe_string(unsigned index, uint8_t *to) {
    const char *text;
    switch (index) {
    case 0:
        memcpy(to, "\x04\x03\x09\x04", 4);  // the one language: US English
        return 4;
    case MANUFACTURER_NAME: text = "Lenscap tests"; break;
    case PRODUCT_NAME: text = options.product; break;
    case SERIAL_NUMBER: text = options.serial; break;
    default: return 0;
    }
    size_t count = 2;
    for (; *text && count < 254; text++) {
        to[count++] = (uint8_t)*text;
        to[count++] = 0;
    }
    to[0] = (uint8_t)count;
    to[1] = STRING;
    return count;
}

// UVC 3.9.2.2: one size with its rates. `subtype` 5 is of an uncompressed format, 7 of MJPEG.
static void video_frame(struct writer *to, unsigned subtype, unsigned index, enum picture_format format) {
    struct picture_size size = options.sizes[index];
    unsigned bytes = video_bytes(format, size), intervals[MAX_RATES], count = 0;
    for (unsigned i = 0; i < options.rate_count; i++)
        if (video_fits(format, size, options.rates[i]))
            intervals[count++] = video_interval(options.rates[i]);
    PUT(to, 26 + 4 * count, CLASS_INTERFACE, subtype, index + 1, 0);
    put16(to, size.width);
    put16(to, size.height);
    put32(to, bytes * 8);
    put32(to, bytes * 8 * options.rates[0]);
    put32(to, bytes);
    put32(to, intervals[0]);
    PUT(to, count);
    for (unsigned i = 0; i < count; i++)
        put32(to, intervals[i]);
}

// UVC payload specifications: uncompressed 3.1.1, motion JPEG 3.1.1; colours UVC 3.9.2.6 (BT.709 primaries and
// transfer, the BT.601 matrix).
static void video_format(struct writer *to, unsigned index, enum picture_format format) {
    static const uint8_t yuy2[16] = "YUY2\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
    if (format == YUYV) {
        PUT(to, 27, CLASS_INTERFACE, 4, index, options.size_count);
        put_bytes(to, yuy2, sizeof yuy2);
        PUT(to, 16, 1, 0, 0, 0, 0);
    } else {
        PUT(to, 11, CLASS_INTERFACE, 6, index, options.size_count, 0, 1, 0, 0, 0, 0);
    }
    for (unsigned i = 0; i < options.size_count; i++)
        video_frame(to, format == YUYV ? 5 : 7, i, format);
    PUT(to, 6, CLASS_INTERFACE, 0x0d, 1, 1, 4);
}

static void video_function(struct writer *to) {
    PUT(to, 8, ASSOCIATION, VIDEO_CONTROL, 2, VIDEO_CLASS, 3, 0, PRODUCT_NAME);

    // UVC 3.7.2: camera terminal → processing unit (with a brightness) → USB.
    interface(to, VIDEO_CONTROL, 0, 0, VIDEO_CLASS, 1);
    size_t start = to->count;
    PUT(to, 13, CLASS_INTERFACE, 0x01, 0x10, 0x01, 0, 0);
    put32(to, 48000000);
    PUT(to, 1, VIDEO_STREAMING);
    PUT(to, 18, CLASS_INTERFACE, 0x02, CAMERA_TERMINAL, 0x01, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0);
    PUT(to, 12, CLASS_INTERFACE, 0x05, PROCESSING_UNIT, CAMERA_TERMINAL, 0, 0, 2, 0x01, 0x00, 0, 0);
    PUT(to, 9, CLASS_INTERFACE, 0x03, VIDEO_OUTPUT, 0x01, 0x01, 0, PROCESSING_UNIT, 0);
    total(to, start, 5);

    // UVC 3.9: a bulk endpoint is always there; an isochronous one comes with an alternate setting.
    interface(to, VIDEO_STREAMING, 0, options.isochronous ? 0 : 1, VIDEO_CLASS, 2);
    start = to->count;
    PUT(to, 13 + options.format_count, CLASS_INTERFACE, 0x01, options.format_count, 0, 0, VIDEO_ENDPOINT, 0,
        VIDEO_OUTPUT, 0, 0, 0, 1);
    for (unsigned i = 0; i < options.format_count; i++)
        PUT(to, 0);
    for (unsigned i = 0; i < options.format_count; i++)
        video_format(to, i + 1, options.formats[i]);
    total(to, start, 4);

    if (!options.isochronous) {
        PUT(to, 7, ENDPOINT, VIDEO_ENDPOINT, BULK, 512 & 0xff, 512 >> 8, 0);
        return;
    }
    for (unsigned i = 0; video_packet_sizes[i]; i++) {
        // USB 2.0, 9.6.6: bits 12…11 are further transactions of up to 1024 bytes in the microframe.
        unsigned more = (video_packet_sizes[i] - 1) / 1024;
        interface(to, VIDEO_STREAMING, i + 1, 1, VIDEO_CLASS, 2);
        PUT(to, 7, ENDPOINT, VIDEO_ENDPOINT, ISOCHRONOUS_ASYNCHRONOUS);
        put16(to, video_packet_sizes[i] / (more + 1) | more << 11);
        PUT(to, 1);
    }
}

static void audio_function(struct writer *to) {
    unsigned control = audio_control_interface(), streaming = audio_streaming_interface();
    PUT(to, 8, ASSOCIATION, control, 2, AUDIO_CLASS, 0, 0, PRODUCT_NAME);

    // UAC 4.3.2: microphone → feature unit (mute and volume of all channels) → USB.
    interface(to, control, 0, 0, AUDIO_CLASS, 1);
    size_t start = to->count;
    PUT(to, 9, CLASS_INTERFACE, 0x01, 0x00, 0x01, 0, 0, 1, streaming);
    PUT(to, 12, CLASS_INTERFACE, 0x02, MICROPHONE_TERMINAL, 0x01, 0x02, 0, options.channels,
        options.channels == 2 ? 0x03 : 0x00, 0x00, 0, 0);
    PUT(to, 8 + options.channels, CLASS_INTERFACE, 0x06, FEATURE_UNIT, MICROPHONE_TERMINAL, 1, 0x03);
    for (unsigned i = 0; i < options.channels; i++)
        PUT(to, 0);
    PUT(to, 0);
    PUT(to, 9, CLASS_INTERFACE, 0x03, AUDIO_OUTPUT, 0x01, 0x01, 0, FEATURE_UNIT, 0);
    total(to, start, 5);

    // UAC 4.5: alternate setting 0 is silent, 1 has 16-bit PCM (format 1) of one rate, a packet each
    // millisecond with room for one sample more than usual.
    interface(to, streaming, 0, 0, AUDIO_CLASS, 2);
    interface(to, streaming, 1, 1, AUDIO_CLASS, 2);
    PUT(to, 7, CLASS_INTERFACE, 0x01, AUDIO_OUTPUT, 1, 0x01, 0x00);
    PUT(to, 11, CLASS_INTERFACE, 0x02, 1, options.channels, 2, 16, 1);
    put24(to, SAMPLE_RATE);
    PUT(to, 9, ENDPOINT, AUDIO_ENDPOINT, ISOCHRONOUS_ASYNCHRONOUS);
    put16(to, (SAMPLE_RATE / 1000 + 1) * 2 * options.channels);
    PUT(to, 4, 0, 0);
    PUT(to, 7, CLASS_ENDPOINT, 0x01, 0, 0, 0, 0);
}

// USB 2.0, 9.6.3: self-powered.
size_t describe_configuration(uint8_t *bytes) {
    struct writer to = {bytes, 0};
    PUT(&to, 9, CONFIGURATION, 0, 0, (options.camera ? 2 : 0) + (options.microphone ? 2 : 0), 1, 0, 0xc0, 0);
    if (options.camera)
        video_function(&to);
    if (options.microphone)
        audio_function(&to);
    total(&to, 0, 2);
    return to.count;
}

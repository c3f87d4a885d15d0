// What the parts of the virtual device share.
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND 1000000000LL  // Times are nanoseconds of CLOCK_MONOTONIC.
#define NEVER INT64_MAX

enum { MAX_SIZES = 8, MAX_RATES = 8, SAMPLE_RATE = 48000 };

enum picture_format { YUYV, MJPEG, FORMAT_COUNT };

struct picture_size {
    unsigned width, height;
};

// What the command line asked for; constant once the device is plugged in.
struct options {
    bool camera, microphone;
    bool isochronous;     // pictures over an isochronous endpoint instead of a bulk one
    bool freeze_control;  // a frozen device does not answer control requests either
    enum picture_format formats[FORMAT_COUNT];
    unsigned format_count;
    struct picture_size sizes[MAX_SIZES];
    unsigned size_count;
    unsigned rates[MAX_RATES];  // pictures a second, fastest first
    unsigned rate_count;
    unsigned jpeg_bytes;  // JPEGs are filled up to this size
    unsigned channels;
    double ppm;  // how much faster than CLOCK_MONOTONIC the microphone samples
    uint16_t vendor, product_id;
    const char *product, *serial;
    unsigned port;
    uint32_t unplug_after, freeze_after;  // pictures; 0 for never
};
extern struct options options;

// Interface numbers, endpoints and unit ids: descriptors.c declares them, the other parts answer to them.
enum {
    VIDEO_CONTROL = 0,
    VIDEO_STREAMING = 1,
    VIDEO_ENDPOINT = 0x81,
    AUDIO_ENDPOINT = 0x82,
    CAMERA_TERMINAL = 1,
    PROCESSING_UNIT = 2,
    VIDEO_OUTPUT = 3,
    MICROPHONE_TERMINAL = 1,
    FEATURE_UNIT = 2,
    AUDIO_OUTPUT = 3,
};
static inline unsigned audio_control_interface(void) { return options.camera ? 2 : 0; }
static inline unsigned audio_streaming_interface(void) { return audio_control_interface() + 1; }

// A setup packet (USB 2.0, 9.3) in the host's byte order.
struct setup {
    uint8_t type, request;
    uint16_t value, index, length;
};

// A transfer that the host has asked for and waits for.
struct transfer {
    struct transfer *next;
    uint32_t sequence, length, packet_count;
    uint32_t packets[];  // room in each packet of an isochronous one
};

// The transfers of one endpoint, oldest first.
struct endpoint {
    struct transfer *first, **end;
    int64_t bus_time;  // isochronous: when the packets answered so far had passed on the bus; 0 for not yet
};

int64_t monotonic(void);
// One line of the device's report: time, then what happened.
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
void failed(const char *what) __attribute__((noreturn));

// descriptors.c. Each writes one descriptor and returns its length; 0 where there is none.
size_t describe_device(uint8_t *to);
size_t describe_configuration(uint8_t *to);
size_t describe_string(unsigned index, uint8_t *to);

// video.c. Answers are the length of the data to return, or -1 for a stall.
int video_control_request(const struct setup *setup, uint8_t *data);
int video_streaming_request(const struct setup *setup, uint8_t *data);
void video_alternate(unsigned alternate);
void video_endpoint_cleared(void);
void video_reset(void);
// Answers what is due and returns when more will be.
int64_t video_serve(struct endpoint *endpoint);
uint32_t video_pictures(void);
extern const unsigned video_packet_sizes[];  // bytes a microframe, alternate setting 1 and up, 0 at the end
unsigned video_interval(unsigned rate);      // in units of 100 ns
unsigned video_bytes(enum picture_format format, struct picture_size size);
// Whether the endpoint can carry pictures of this size and rate.
bool video_fits(enum picture_format format, struct picture_size size, unsigned rate);

// pictures.c
size_t draw_yuyv(uint8_t *to, struct picture_size size, uint32_t counter, bool flash);
size_t draw_jpeg(uint8_t *to, struct picture_size size, uint32_t counter, bool flash);

// audio.c
int audio_control_request(const struct setup *setup, uint8_t *data);
void audio_alternate(unsigned alternate);
void audio_reset(void);
int64_t audio_serve(struct endpoint *endpoint);

// usbip.c
void plug_in(void);
void receive(void);
void send_bulk(struct endpoint *endpoint, const uint8_t *bytes, uint32_t count);
// `fill` writes one packet of at most `room` bytes and returns how many it wrote.
void send_isochronous(struct endpoint *endpoint, uint32_t (*fill)(uint8_t *to, uint32_t room));
// Moves the bus on by whole transfers of `packet_time` a packet, as far as the clock has come. A bus that was
// held up catches up; after more than two seconds it goes on from now. Returns when the next one is due.
int64_t serve_isochronous(struct endpoint *endpoint, int64_t packet_time,
                          uint32_t (*fill)(uint8_t *to, uint32_t room));
int usb_socket(void);
extern struct endpoint video_endpoint, audio_endpoint;
extern bool frozen;
int device_request(const struct setup *setup, uint8_t *data);

#endif

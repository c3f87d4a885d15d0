// The camera: the controls of USB Video Class 1.1 chapter 4 and its payloads (2.4.3).
#include "device.h"

#include <stdlib.h>
#include <string.h>

enum { SET_CUR = 0x01, GET_CUR = 0x81, GET_MIN, GET_MAX, GET_RES, GET_LEN, GET_INFO, GET_DEF };  // UVC A.8
enum { PROBE = 1, COMMIT = 2 };            // VideoStreaming control selectors, UVC A.9.8
enum { BRIGHTNESS = 2, ERROR_CODE = 2 };   // of the processing unit (A.9.5) and of the interface (A.9.1)
enum { PROBE_LENGTH = 34, HEADER = 2 };
enum { PICTURE_ID = 0x01, END_OF_PICTURE = 0x02, END_OF_HEADER = 0x80 };  // UVC 2.4.3.3
enum { MICROFRAME = 125000 };

const unsigned video_packet_sizes[] = {512, 1024, 2048, 3072, 0};

// What the host negotiates; indices count from 1.
struct choice {
    uint8_t format, size;
    uint32_t interval;
};
static struct choice probed, committed;

static struct {
    bool on;
    int64_t began, due;
    uint32_t pictures, skipped;
} stream;
static uint32_t counter;  // pictures since the device was plugged in
static uint8_t picture_id;
static uint8_t *payload;  // HEADER bytes of room, then the picture being sent
static size_t length, sent;
static uint16_t brightness = 128;

unsigned video_interval(unsigned rate) { return 10000000 / rate; }

unsigned video_bytes(enum picture_format format, struct picture_size size) {
    unsigned pixels = size.width * size.height;
    if (format == YUYV)
        return pixels * 2;
    return options.jpeg_bytes > pixels / 2 ? options.jpeg_bytes + 4096 : pixels / 2 + 4096;
}

// Bytes in each microframe that a picture of this size needs to arrive before the next.
static unsigned microframe_bytes(enum picture_format format, struct picture_size size, unsigned interval) {
    unsigned microframes = interval / (MICROFRAME / 100);
    return video_bytes(format, size) / microframes * 21 / 20 + HEADER + 1;
}

bool video_fits(enum picture_format format, struct picture_size size, unsigned rate) {
    return !options.isochronous || microframe_bytes(format, size, video_interval(rate)) <= 3072;
}

static enum picture_format format_of(struct choice choice) { return options.formats[choice.format - 1]; }
static struct picture_size size_of(struct choice choice) { return options.sizes[choice.size - 1]; }

// The nearest thing to the host's wish that the device has.
static struct choice possible(struct choice wish) {
    if (wish.format < 1 || wish.format > options.format_count)
        wish.format = 1;
    if (wish.size < 1 || wish.size > options.size_count)
        wish.size = 1;
    uint32_t best = 0;
    for (unsigned i = 0; i < options.rate_count; i++) {
        if (!video_fits(format_of(wish), size_of(wish), options.rates[i]))
            continue;
        best = video_interval(options.rates[i]);
        if (best >= wish.interval)
            break;
    }
    wish.interval = best;
    return wish;
}

// Bulk: a picture is one payload. Isochronous: what the endpoint must carry in a microframe.
static uint32_t payload_size(struct choice choice) {
    if (options.isochronous)
        return microframe_bytes(format_of(choice), size_of(choice), choice.interval);
    return video_bytes(format_of(choice), size_of(choice)) + HEADER;
}

static void put32(uint8_t *to, uint32_t value) {
    for (int i = 0; i < 4; i++)
        to[i] = value >> 8 * i;
}
static uint32_t get32(const uint8_t *from) {
    return from[0] | from[1] << 8 | from[2] << 16 | (uint32_t)from[3] << 24;
}

// UVC table 4-75.
static int put_choice(struct choice choice, uint8_t *to) {
    memset(to, 0, PROBE_LENGTH);
    to[0] = 1;
    to[2] = choice.format;
    to[3] = choice.size;
    put32(to + 4, choice.interval);
    put32(to + 18, video_bytes(format_of(choice), size_of(choice)));
    put32(to + 22, payload_size(choice));
    put32(to + 26, 48000000);
    to[30] = 3;
    return PROBE_LENGTH;
}

static void start(void) {
    struct picture_size size = size_of(committed);
    payload = realloc(payload, HEADER + video_bytes(format_of(committed), size) + size.width * 64 + 65536);
    if (!payload)
        failed("picture");
    int64_t now = monotonic();
    stream.on = true;
    stream.began = stream.due = now;
    stream.pictures = stream.skipped = 0;
    length = sent = 0;
    video_endpoint.bus_time = 0;
    report("video streaming-on format=%s size=%ux%u rate=%.3g", format_of(committed) == YUYV ? "YUYV" : "MJPG",
           size.width, size.height, 1e7 / committed.interval);
}

static void stop(void) {
    if (stream.on)
        report("video streaming-off pictures=%u skipped=%u seconds=%.3f", stream.pictures, stream.skipped,
               (double)(monotonic() - stream.began) / SECOND);
    stream.on = false;
    length = sent = 0;
}

uint32_t video_pictures(void) { return counter; }

void video_reset(void) {
    stop();
    probed = committed = possible((struct choice){1, 1, 0});
}

void video_alternate(unsigned alternate) {
    stop();
    if (alternate)
        start();
}

// Linux ends a bulk stream with CLEAR_FEATURE(ENDPOINT_HALT), there being no alternate setting to leave.
void video_endpoint_cleared(void) {
    if (!options.isochronous)
        stop();
}

int video_streaming_request(const struct setup *setup, uint8_t *data) {
    unsigned selector = setup->value >> 8;
    if (selector != PROBE && selector != COMMIT)
        return -1;
    struct choice *choice = selector == PROBE ? &probed : &committed;
    switch (setup->request) {
    case SET_CUR:
        *choice = possible((struct choice){data[2], data[3], get32(data + 4)});
        if (selector == COMMIT && !options.isochronous) {
            stop();
            start();
        }
        return 0;
    case GET_CUR: return put_choice(*choice, data);
    case GET_MIN: return put_choice(possible((struct choice){choice->format, choice->size, 0}), data);
    case GET_MAX: return put_choice(possible((struct choice){choice->format, choice->size, UINT32_MAX}), data);
    case GET_DEF: return put_choice(possible((struct choice){1, 1, 0}), data);
    case GET_LEN: data[0] = PROBE_LENGTH; data[1] = 0; return 2;
    case GET_INFO: data[0] = 3; return 1;
    default: return -1;
    }
}

int video_control_request(const struct setup *setup, uint8_t *data) {
    static uint8_t error;  // of the last request, UVC 4.2.1.2
    unsigned entity = setup->index >> 8, selector = setup->value >> 8, value;
    if (entity == 0 && selector == ERROR_CODE && setup->request == GET_CUR) {
        data[0] = error;
        return 1;
    }
    if (entity != PROCESSING_UNIT || selector != BRIGHTNESS) {
        error = entity == PROCESSING_UNIT ? 6 : 5;
        return -1;
    }
    error = 0;
    switch (setup->request) {
    case SET_CUR: brightness = data[0] | data[1] << 8; report("video brightness=%u", brightness); return 0;
    case GET_CUR: value = brightness; break;
    case GET_MIN: value = 0; break;
    case GET_MAX: value = 255; break;
    case GET_RES: value = 1; break;
    case GET_DEF: value = 128; break;
    case GET_LEN: value = 2; break;
    case GET_INFO: data[0] = 3; return 1;
    default: error = 7; return -1;
    }
    data[0] = value & 0xff;
    data[1] = value >> 8;
    return 2;
}

// Draws the picture that is due, or returns false.
static bool next_picture(int64_t now) {
    if (!stream.on || now < stream.due)
        return false;
    if (options.unplug_after && counter >= options.unplug_after) {
        report("unplugged pictures=%u", counter);
        exit(0);
    }
    if (options.freeze_after && counter == options.freeze_after) {
        options.freeze_after = 0;
        frozen = true;
        report("frozen pictures=%u", counter);
        return false;
    }
    int64_t interval = committed.interval * 100LL, late = now - stream.due;
    if (late > SECOND / 2) {
        stream.skipped += late / interval;
        stream.due += late / interval * interval;
    }
    bool flash = stream.due / SECOND != (stream.due - interval) / SECOND;
    bool jpeg = format_of(committed) == MJPEG;
    length = HEADER + (jpeg ? draw_jpeg : draw_yuyv)(payload + HEADER, size_of(committed), counter++, flash);
    // A bulk payload ends with a short transfer: whatever follows a JPEG's end is ignored.
    if (jpeg && length % 512 == 0)
        payload[length++] = 0;
    sent = 0;
    stream.due += interval;
    stream.pictures++;
    picture_id ^= PICTURE_ID;
    return true;
}

static uint32_t video_packet(uint8_t *to, uint32_t room) {
    if (sent >= length && !next_picture(video_endpoint.bus_time))
        return 0;
    if (sent == 0)
        sent = HEADER;
    uint32_t count = room - HEADER;
    if (count > length - sent)
        count = length - sent;
    memcpy(to + HEADER, payload + sent, count);
    sent += count;
    to[0] = HEADER;
    to[1] = END_OF_HEADER | picture_id | (sent >= length ? END_OF_PICTURE : 0);
    return HEADER + count;
}

int64_t video_serve(struct endpoint *endpoint) {
    if (frozen)
        return NEVER;
    if (options.isochronous)
        return serve_isochronous(endpoint, MICROFRAME, video_packet);
    while (endpoint->first) {
        if (sent >= length) {
            if (!next_picture(monotonic()))
                return stream.on && !frozen ? stream.due : NEVER;
            payload[0] = HEADER;
            payload[1] = END_OF_HEADER | END_OF_PICTURE | picture_id;
        }
        uint32_t count = endpoint->first->length;
        if (count > length - sent)
            count = length - sent;
        send_bulk(endpoint, payload + sent, count);
        sent += count;
    }
    return NEVER;
}

// The microphone: the controls of USB Audio Class 1.0 (5.2.2.4) and its sound, a 1 kHz beep of 100 ms at each whole
// second of CLOCK_MONOTONIC, when the camera flashes, and faint noise between.
#include "device.h"

#include <math.h>
#include <string.h>

enum { SET_CUR = 0x01, GET_CUR = 0x81, GET_MIN, GET_MAX, GET_RES };  // UAC A.9
enum { MUTE = 1, VOLUME = 2 };                                       // UAC A.10.2
enum { MILLISECOND = 1000000, BEEP = 100 * MILLISECOND };

static struct {
    bool on;
    int64_t began;
    uint64_t samples;  // that the microphone has taken, sent or lost
    uint64_t lost;
} stream;
static bool muted;
static int16_t volume;  // 1/256 dB; told and kept, not applied

static double rate(void) { return SAMPLE_RATE * (1 + options.ppm * 1e-6); }

static void stop(void) {
    if (stream.on)
        report("microphone streaming-off samples=%llu lost=%llu seconds=%.3f", (unsigned long long)stream.samples,
               (unsigned long long)stream.lost, (double)(monotonic() - stream.began) / SECOND);
    stream.on = false;
}

void audio_reset(void) { stop(); }

void audio_alternate(unsigned alternate) {
    stop();
    if (!alternate)
        return;
    memset(&stream, 0, sizeof stream);
    stream.on = true;
    stream.began = monotonic();
    audio_endpoint.bus_time = 0;
    report("microphone streaming-on rate=%.3f channels=%u", rate(), options.channels);
}

int audio_control_request(const struct setup *setup, uint8_t *data) {
    unsigned selector = setup->value >> 8;
    if (setup->index >> 8 != FEATURE_UNIT)
        return -1;
    if (selector == MUTE) {
        if (setup->request == SET_CUR) {
            muted = data[0];
            report("microphone mute=%d", muted);
            return 0;
        }
        data[0] = muted;
        return setup->request == GET_CUR ? 1 : -1;
    }
    if (selector != VOLUME)
        return -1;
    int16_t value;
    switch (setup->request) {
    case SET_CUR:
        volume = (int16_t)(data[0] | data[1] << 8);
        report("microphone volume=%.1f", volume / 256.0);
        return 0;
    case GET_CUR: value = volume; break;
    case GET_MIN: value = -20 * 256; break;
    case GET_MAX: value = 20 * 256; break;
    case GET_RES: value = 256; break;
    default: return -1;
    }
    data[0] = value & 0xff;
    data[1] = (uint16_t)value >> 8;
    return 2;
}

static int16_t sample(uint64_t index) {
    static uint32_t noise = 1;
    if (muted)
        return 0;
    int64_t time = stream.began + (int64_t)((double)index * SECOND / rate()), into = time % SECOND;
    if (into < BEEP)
        return (int16_t)(16000 * sin(2 * M_PI * 1000 * (double)into / SECOND));
    noise = noise * 1664525 + 1013904223;
    return (int16_t)((int)(noise >> 26) - 32);
}

static uint32_t audio_packet(uint8_t *to, uint32_t room) {
    if (!stream.on)
        return 0;
    uint64_t taken = (uint64_t)((double)(audio_endpoint.bus_time - stream.began) * rate() / SECOND);
    uint64_t count = taken > stream.samples ? taken - stream.samples : 0;
    uint32_t frame = 2 * options.channels;
    // The microphone holds 10 ms; what the bus did not fetch by then is lost.
    if (count > SAMPLE_RATE / 100) {
        uint64_t kept = SAMPLE_RATE / 1000;
        stream.lost += count - kept;
        stream.samples += count - kept;
        count = kept;
    }
    if (count > room / frame)
        count = room / frame;
    for (uint64_t i = 0; i < count; i++) {
        int16_t value = sample(stream.samples++);
        for (unsigned channel = 0; channel < options.channels; channel++, to += 2) {
            to[0] = value & 0xff;
            to[1] = (uint16_t)value >> 8;
        }
    }
    return (uint32_t)count * frame;
}

int64_t audio_serve(struct endpoint *endpoint) {
    return frozen ? NEVER : serve_isochronous(endpoint, MILLISECOND, audio_packet);
}

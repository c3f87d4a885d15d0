// virtual-usb: a USB camera, microphone, or both in one device, for tests in a virtual machine.
//
// The device is this program: it attaches itself to the kernel's vhci_hcd and answers the host's requests, so that
// the real uvcvideo and snd-usb-audio drive it. It is unplugged by ending it (SIGTERM, SIGKILL). SIGUSR1 freezes it:
// no transfer is answered until SIGUSR2. (SIGSTOP is not for that: a host that cancels a transfer waits for the
// device's word for ever.) It says what the host asks of it on standard error or in --report, one line for each
// event: time on CLOCK_MONOTONIC, what happened, name=value…
//
// One thread: poll for the host's next message until the next packet is due.
#define _GNU_SOURCE  // ppoll
#include "device.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct options options = {.channels = 1, .vendor = 0x1209, .product_id = 0x0001,  // pid.codes, for tests
                          .product = "Virtual camera", .serial = "0001"};
bool frozen;
static FILE *report_file;
static volatile sig_atomic_t freeze_wanted, resume_wanted, unplug_wanted;

static const char usage[] =
    "Usage: virtual-usb [options]\n"
    "  --camera               a UVC camera (the default)\n"
    "  --microphone           a UAC microphone, alone or beside the camera\n"
    "  --format yuyv|mjpeg    repeatable; default both\n"
    "  --size WxH             repeatable, first is default; at least 256x160; default 640x480\n"
    "  --rate N               pictures a second, repeatable; default 30 and 15\n"
    "  --isochronous          pictures over an isochronous endpoint instead of a bulk one\n"
    "  --jpeg-bytes N         fill JPEGs up to about N bytes\n"
    "  --channels 1|2         of the microphone; default 1\n"
    "  --ppm N                the microphone's clock is N millionths fast; default 0\n"
    "  --id VENDOR:PRODUCT    hexadecimal; default 1209:0001\n"
    "  --product TEXT         --serial TEXT\n"
    "  --port N               port of vhci_hcd; default 0\n"
    "  --unplug-after N       end after N pictures\n"
    "  --freeze-after N       freeze after N pictures\n"
    "  --freeze-control       a frozen device does not answer control requests either\n"
    "  --report FILE          append the report there instead of standard error\n";

int64_t monotonic(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

void report(const char *format, ...) {
    va_list arguments;
    int64_t now = monotonic();
    va_start(arguments, format);
    fprintf(report_file, "%lld.%06lld ", now / SECOND, now % SECOND / 1000);
    vfprintf(report_file, format, arguments);
    fputc('\n', report_file);
    fflush(report_file);
    va_end(arguments);
}

void failed(const char *what) {
    report("failed: %s: %s", what, strerror(errno));
    exit(1);
}

static void on_signal(int signal) {
    switch (signal) {
    case SIGUSR1: freeze_wanted = 1; break;
    case SIGUSR2: resume_wanted = 1; break;
    default: unplug_wanted = 1;
    }
}

enum { GET_STATUS = 0, CLEAR_FEATURE = 1, SET_FEATURE = 3, GET_DESCRIPTOR = 6 };  // USB 2.0, table 9-4
enum { GET_CONFIGURATION = 8, SET_CONFIGURATION = 9, GET_INTERFACE = 10, SET_INTERFACE = 11 };

static uint8_t configuration, video_setting, audio_setting;

static int descriptor_request(const struct setup *setup, uint8_t *data) {
    size_t length = 0;
    switch (setup->value >> 8) {
    case 1: length = describe_device(data); break;
    case 2: length = describe_configuration(data); break;
    case 3: length = describe_string(setup->value & 0xff, data); break;
    case 6:  // device qualifier: there is no other speed
        break;
    }
    return length ? (int)length : -1;
}

// USB 2.0, 9.4.
static int standard_request(const struct setup *setup, uint8_t *data) {
    bool video = options.camera && setup->index == VIDEO_STREAMING;
    bool audio = options.microphone && setup->index == audio_streaming_interface();
    switch (setup->request) {
    case GET_STATUS: data[0] = setup->type == 0x80; data[1] = 0; return 2;
    case GET_DESCRIPTOR: return descriptor_request(setup, data);
    case GET_CONFIGURATION: data[0] = configuration; return 1;
    case SET_CONFIGURATION:
        video_reset();
        audio_reset();
        video_setting = audio_setting = 0;
        configuration = (uint8_t)setup->value;
        report("configured %u", configuration);
        return 0;
    case GET_INTERFACE: data[0] = video ? video_setting : audio ? audio_setting : 0; return 1;
    case SET_INTERFACE:
        if (video)
            video_alternate(video_setting = (uint8_t)setup->value);
        if (audio)
            audio_alternate(audio_setting = (uint8_t)setup->value);
        return 0;
    case CLEAR_FEATURE:
        if (setup->type == 0x02 && options.camera && setup->index == VIDEO_ENDPOINT)
            video_endpoint_cleared();
        return 0;
    case SET_FEATURE: return 0;
    default: return -1;
    }
}

int device_request(const struct setup *setup, uint8_t *data) {
    enum { KIND = 0x60, STANDARD = 0x00, CLASS_TO_INTERFACE = 0x21, DIRECTION = 0x80 };
    if ((setup->type & KIND) == STANDARD)
        return standard_request(setup, data);
    if ((setup->type & ~DIRECTION) != CLASS_TO_INTERFACE)
        return -1;
    unsigned interface = setup->index & 0xff;
    if (options.camera && interface == VIDEO_CONTROL)
        return video_control_request(setup, data);
    if (options.camera && interface == VIDEO_STREAMING)
        return video_streaming_request(setup, data);
    if (options.microphone && interface == audio_control_interface())
        return audio_control_request(setup, data);
    return -1;
}

static void misused(const char *what) {
    fprintf(stderr, "virtual-usb: %s\n%s", what, usage);
    exit(64);
}

static void add_rate(const char *text) {
    unsigned rate = (unsigned)atoi(text), at = options.rate_count;
    if (rate < 1 || rate > 120 || at == MAX_RATES)
        misused("bad --rate");
    for (; at > 0 && options.rates[at - 1] < rate; at--)
        options.rates[at] = options.rates[at - 1];
    options.rates[at] = rate;
    options.rate_count++;
}

static void add_size(const char *text) {
    struct picture_size size;
    if (options.size_count == MAX_SIZES || sscanf(text, "%ux%u", &size.width, &size.height) != 2 ||
        size.width < 256 || size.height < 160 || size.width > 4096 || size.height > 4096 || size.width % 2)
        misused("bad --size");
    options.sizes[options.size_count++] = size;
}

static void add_format(const char *text) {
    if (options.format_count == FORMAT_COUNT || (strcmp(text, "yuyv") && strcmp(text, "mjpeg")))
        misused("bad --format");
    options.formats[options.format_count++] = strcmp(text, "yuyv") ? MJPEG : YUYV;
}

static void read_options(int count, char **arguments) {
    static const struct option names[] = {
        {"camera", no_argument, NULL, 'c'}, {"microphone", no_argument, NULL, 'm'},
        {"format", required_argument, NULL, 'f'}, {"size", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'}, {"isochronous", no_argument, NULL, 'i'},
        {"jpeg-bytes", required_argument, NULL, 'j'}, {"channels", required_argument, NULL, 'n'},
        {"ppm", required_argument, NULL, 'p'}, {"id", required_argument, NULL, 'd'},
        {"product", required_argument, NULL, 'P'}, {"serial", required_argument, NULL, 'S'},
        {"port", required_argument, NULL, 'o'}, {"unplug-after", required_argument, NULL, 'u'},
        {"freeze-after", required_argument, NULL, 'z'}, {"freeze-control", no_argument, NULL, 'C'},
        {"report", required_argument, NULL, 'R'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(count, arguments, "", names, NULL)) != -1;)
        switch (option) {
        case 'c': options.camera = true; break;
        case 'm': options.microphone = true; break;
        case 'f': add_format(optarg); break;
        case 's': add_size(optarg); break;
        case 'r': add_rate(optarg); break;
        case 'i': options.isochronous = true; break;
        case 'j': options.jpeg_bytes = (unsigned)atoi(optarg); break;
        case 'n': options.channels = (unsigned)atoi(optarg); break;
        case 'p': options.ppm = atof(optarg); break;
        case 'd':
            if (sscanf(optarg, "%hx:%hx", &options.vendor, &options.product_id) != 2)
                misused("bad --id");
            break;
        case 'P': options.product = optarg; break;
        case 'S': options.serial = optarg; break;
        case 'o': options.port = (unsigned)atoi(optarg); break;
        case 'u': options.unplug_after = (uint32_t)atol(optarg); break;
        case 'z': options.freeze_after = (uint32_t)atol(optarg); break;
        case 'C': options.freeze_control = true; break;
        case 'R':
            if (!(report_file = fopen(optarg, "a")))
                misused("cannot write the report");
            break;
        case 'h': fputs(usage, stdout); exit(0);
        default: misused("unknown option");
        }
    if (optind != count || options.channels < 1 || options.channels > 2)
        misused("bad arguments");
}

static void fill_in_defaults(void) {
    if (!options.microphone)
        options.camera = true;
    if (!options.size_count)
        add_size("640x480");
    if (!options.rate_count) {
        add_rate("30");
        add_rate("15");
    }
    if (!options.format_count) {
        add_format("yuyv");
        add_format("mjpeg");
    }
    for (unsigned f = 0; f < options.format_count; f++)
        for (unsigned s = 0; s < options.size_count; s++)
            if (!video_fits(options.formats[f], options.sizes[s], options.rates[options.rate_count - 1]))
                misused("a size is too large for an isochronous endpoint at any --rate");
}

// Returns the signal mask to poll with: signals come while the program waits, and at no other time.
static sigset_t catch_signals(void) {
    static const int caught[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked, waiting;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        sigaddset(&blocked, caught[i]);
        sigaction(caught[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &blocked, &waiting);
    return waiting;
}

static void obey_signals(void) {
    if (unplug_wanted) {
        report("unplugged pictures=%u", video_pictures());
        exit(0);
    }
    if (freeze_wanted && !frozen)
        report("frozen pictures=%u", video_pictures());
    if (resume_wanted)
        report("resumed");
    frozen = (frozen || freeze_wanted) && !resume_wanted;
    freeze_wanted = resume_wanted = 0;
}

int main(int count, char **arguments) {
    report_file = stderr;
    read_options(count, arguments);
    fill_in_defaults();
    video_reset();
    sigset_t waiting = catch_signals();
    plug_in();
    report("plugged-in port=%u", options.port);
    for (;;) {
        obey_signals();
        int64_t video = video_serve(&video_endpoint), audio = audio_serve(&audio_endpoint);
        int64_t due = video < audio ? video : audio, now = monotonic(), wait = due > now ? due - now : 0;
        struct timespec limit = {wait / SECOND, wait % SECOND};
        struct pollfd cable = {usb_socket(), POLLIN, 0};
        if (ppoll(&cable, 1, due == NEVER ? NULL : &limit, &waiting) > 0)
            receive();
    }
}

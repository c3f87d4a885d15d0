// The cable: USB/IP (Linux Documentation/usb/usbip_protocol.rst) over a loopback TCP connection whose other end
// vhci_hcd, the kernel's virtual host controller, is given.
#include "device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SUBMIT = 1, UNLINK = 2, SUBMIT_ANSWER = 3, UNLINK_ANSWER = 4 };
enum { HIGH_SPEED = 3, MAX_PACKETS = 1024, MAX_CONTROL = 4096 };

struct message {
    uint32_t command, sequence, device, direction, endpoint;
    union {
        struct {
            uint32_t flags, length, start_frame, packet_count, interval;
            uint8_t setup[8];
        } submit;
        struct {
            uint32_t status, length, start_frame, packet_count, errors;
            uint8_t padding[8];
        } answer;
        struct {
            uint32_t sequence;
            uint8_t padding[24];
        } unlink;
    };
};
_Static_assert(sizeof(struct message) == 48, "the header of every USB/IP message");

struct packet {
    uint32_t offset, length, actual_length, status;
};

struct endpoint video_endpoint, audio_endpoint;
static struct endpoint unanswered;  // control requests to a frozen device
static int cable;

int usb_socket(void) { return cable; }

void plug_in(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), host = socket(AF_INET, SOCK_STREAM, 0), yes = 1, room = 1 << 20;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&address, &size) ||
        connect(host, (struct sockaddr *)&address, size) || (cable = accept(listener, NULL, NULL)) < 0)
        failed("loopback connection (is lo up?)");
    close(listener);
    int ends[] = {host, cable};
    for (int i = 0; i < 2; i++) {
        setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
        setsockopt(ends[i], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    }
    char line[64];
    int count = snprintf(line, sizeof line, "%u %d %u %u", options.port, host, 0x10001u, HIGH_SPEED);
    int attach = open("/sys/devices/platform/vhci_hcd.0/attach", O_WRONLY);
    if (attach < 0 || write(attach, line, (size_t)count) != count)
        failed("vhci_hcd: attach");
    close(attach);
    close(host);
}

static void detached(void) {
    report("detached");
    exit(0);
}

static void read_all(void *to, size_t count) {
    while (count) {
        ssize_t got = read(cable, to, count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            detached();
        to = (char *)to + got;
        count -= (size_t)got;
    }
}

static void write_all(struct iovec *parts, int count) {
    while (count) {
        ssize_t done = writev(cable, parts, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            detached();
        for (; count && (size_t)done >= parts->iov_len; parts++, count--)
            done -= (ssize_t)parts->iov_len;
        if (count) {
            parts->iov_base = (char *)parts->iov_base + done;
            parts->iov_len -= (size_t)done;
        }
    }
}

static void answer(uint32_t command, uint32_t sequence, int status, uint32_t length, uint32_t packet_count,
                   const void *bytes, size_t count, const struct packet *packets) {
    struct message message = {.command = htonl(command), .sequence = htonl(sequence)};
    message.answer.status = htonl((uint32_t)status);
    message.answer.length = htonl(length);
    message.answer.packet_count = htonl(packet_count);
    struct iovec parts[] = {
        {&message, sizeof message},
        {(void *)bytes, count},
        {(void *)packets, packets ? packet_count * sizeof *packets : 0},
    };
    write_all(parts, 3);
}

static void append(struct endpoint *to, struct transfer *transfer) {
    if (!to->first)
        to->end = &to->first;
    transfer->next = NULL;
    *to->end = transfer;
    to->end = &transfer->next;
}

static bool take_out(struct endpoint *from, uint32_t sequence) {
    for (struct transfer **at = &from->first; *at; at = &(*at)->next) {
        struct transfer *transfer = *at;
        if (transfer->sequence != sequence)
            continue;
        *at = transfer->next;
        if (!transfer->next)
            from->end = at;
        free(transfer);
        return true;
    }
    return false;
}

void send_bulk(struct endpoint *endpoint, const uint8_t *bytes, uint32_t count) {
    answer(SUBMIT_ANSWER, endpoint->first->sequence, 0, count, endpoint->first->packet_count, bytes, count, NULL);
    take_out(endpoint, endpoint->first->sequence);
}

int64_t serve_isochronous(struct endpoint *endpoint, int64_t packet_time,
                          uint32_t (*fill)(uint8_t *to, uint32_t room)) {
    static uint8_t bytes[MAX_PACKETS * 3072];
    static struct packet packets[MAX_PACKETS];
    int64_t now = monotonic();
    if (!endpoint->bus_time || endpoint->bus_time < now - 2 * SECOND)
        endpoint->bus_time = now;
    while (endpoint->first) {
        struct transfer *transfer = endpoint->first;
        int64_t passed = endpoint->bus_time + transfer->packet_count * packet_time;
        if (passed > now)
            return passed;
        uint32_t offset = 0, total = 0;
        for (uint32_t i = 0; i < transfer->packet_count; i++) {
            endpoint->bus_time += packet_time;
            uint32_t count = fill(bytes + total, transfer->packets[i]);
            packets[i] = (struct packet){htonl(offset), htonl(transfer->packets[i]), htonl(count), 0};
            offset += transfer->packets[i];
            total += count;
        }
        answer(SUBMIT_ANSWER, transfer->sequence, 0, total, transfer->packet_count, bytes, total, packets);
        take_out(endpoint, transfer->sequence);
    }
    return NEVER;
}

// vhci_hcd may send an UNLINK before the SUBMIT that it is about. It must be answered after that SUBMIT has come
// and the SUBMIT must not be, for an answer to a request that is gone makes vhci_hcd drop the device.
static struct {
    uint32_t victim, sequence;
} early[64];
static unsigned early_count;
static uint32_t last_submitted;

static void unlink_transfer(uint32_t sequence, uint32_t victim) {
    bool found = take_out(&video_endpoint, victim) || take_out(&audio_endpoint, victim) ||
                 take_out(&unanswered, victim);
    if (!found && (int32_t)(victim - last_submitted) > 0 && early_count < 64) {
        early[early_count].victim = victim;
        early[early_count++].sequence = sequence;
        return;
    }
    answer(UNLINK_ANSWER, sequence, found ? -ECONNRESET : 0, 0, 0, NULL, 0, NULL);
}

static bool unlinked_early(uint32_t sequence) {
    for (unsigned i = 0; i < early_count; i++)
        if (early[i].victim == sequence) {
            answer(UNLINK_ANSWER, early[i].sequence, -ECONNRESET, 0, 0, NULL, 0, NULL);
            early[i] = early[--early_count];
            return true;
        }
    return false;
}

static void control_transfer(const struct message *message, struct transfer *transfer, bool in) {
    static uint8_t data[MAX_CONTROL];
    const uint8_t *bytes = message->submit.setup;
    struct setup setup = {bytes[0], bytes[1], (uint16_t)(bytes[2] | bytes[3] << 8),
                          (uint16_t)(bytes[4] | bytes[5] << 8), (uint16_t)(bytes[6] | bytes[7] << 8)};
    memset(data, 0, sizeof data);
    if (!in) {
        if (transfer->length > sizeof data)
            failed("control transfer is too long");
        read_all(data, transfer->length);
    }
    if (frozen && options.freeze_control) {
        append(&unanswered, transfer);
        return;
    }
    int result = device_request(&setup, data);
    uint32_t length = in ? (uint32_t)(result < 0 ? 0 : result) : transfer->length;
    if (length > transfer->length)
        length = transfer->length;
    answer(SUBMIT_ANSWER, transfer->sequence, result < 0 ? -EPIPE : 0, result < 0 ? 0 : length,
           transfer->packet_count, data, in ? length : 0, NULL);
    free(transfer);
}

static void submit(const struct message *message) {
    uint32_t packet_count = ntohl(message->submit.packet_count), number = ntohl(message->endpoint);
    bool in = ntohl(message->direction), isochronous = packet_count && packet_count != UINT32_MAX;
    if (isochronous && packet_count > MAX_PACKETS)
        failed("transfer has too many packets");
    struct transfer *transfer = calloc(1, sizeof *transfer + (isochronous ? packet_count : 0) * sizeof(uint32_t));
    if (!transfer)
        failed("transfer");
    transfer->sequence = last_submitted = ntohl(message->sequence);
    transfer->length = ntohl(message->submit.length);
    transfer->packet_count = packet_count;
    if (number == 0) {
        control_transfer(message, transfer, in);
        return;
    }
    for (uint32_t i = 0; isochronous && i < packet_count; i++) {
        struct packet packet;
        read_all(&packet, sizeof packet);
        transfer->packets[i] = ntohl(packet.length);
    }
    if (unlinked_early(transfer->sequence)) {
        free(transfer);
        return;
    }
    if (in && options.camera && number == (VIDEO_ENDPOINT & 15)) {
        append(&video_endpoint, transfer);
    } else if (in && options.microphone && number == (AUDIO_ENDPOINT & 15)) {
        append(&audio_endpoint, transfer);
    } else {
        answer(SUBMIT_ANSWER, transfer->sequence, -EPIPE, 0, packet_count, NULL, 0, NULL);
        free(transfer);
    }
}

void receive(void) {
    struct message message;
    read_all(&message, sizeof message);
    switch (ntohl(message.command)) {
    case SUBMIT: submit(&message); break;
    case UNLINK: unlink_transfer(ntohl(message.sequence), ntohl(message.unlink.sequence)); break;
    default: failed("unknown USB/IP command");
    }
}

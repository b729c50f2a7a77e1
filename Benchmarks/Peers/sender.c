// Sends WebSocket messages of 200 bytes to the first client that connects, then closes.
//
//   sender COUNT RATE KIND      RATE a second, 0: as fast as they are taken
//                               KIND numbered | notification | numbered-deflate
//
// Prints its port. The first message is a subscription's acknowledgment, which receivers may ignore.
#include "common.h"
#include <zlib.h>

enum { SIZE = 200, DIGITS = 10 };
static const uint64_t FIRST = 1000000000;

// A message with a place for ten digits; returns the place.
static char *message(char *m, int notification) {
    const char *head = notification ? "{\"topicName\":\"v2.users.9ac1b2c0-0b9f-4f3e-9c0d-1a2b3c4d5e6f.presence\","
                                      "\"version\":\"2\",\"metadata\":{\"CorrelationId\":\"7b0a4f1e-2c3d-4e5f-"
                                    : "{\"type\":\"queueEvent\",\"sequence\":";
    const char *middle = notification ? "\"},\"eventBody\":{\"v\":\"" : ",\"eventBody\":{\"queue\":\"";
    size_t at = strlen(head);
    memcpy(m, head, at);
    char *digits = m + at;
    at += DIGITS;
    memcpy(m + at, middle, strlen(middle));
    at += strlen(middle);
    for (int i = 0; at < SIZE - 3; i++) m[at++] = "conversation-waiting "[i % 21];
    memcpy(m + at, "\"}}", 3);
    return digits;
}

static void number(char *digits, uint64_t n) {
    for (int i = DIGITS - 1; i >= 0; i--, n /= 10) digits[i] = '0' + n % 10;
}

static void pace(double began, uint64_t sent, double rate) {
    double due = began + sent * 1e9 / rate, now = wall_ns();
    if (due <= now) return;
    struct timespec t = {.tv_sec = (time_t)(due / 1e9)};
    t.tv_nsec = (long)(due - t.tv_sec * 1e9);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static size_t frame(char *out, const char *payload, size_t count, int compressed) {
    size_t header = count < 126 ? 2 : 4;
    out[0] = (char)(compressed ? 0xC1 : 0x81);
    out[1] = count < 126 ? (char)count : 126;
    if (header == 4) out[2] = (char)(count >> 8), out[3] = (char)count;
    memcpy(out + header, payload, count);
    return header + count;
}

static size_t deflate_message(z_stream *z, char *text, char *out, size_t room) {
    z->next_in = (Bytef *)text, z->avail_in = SIZE, z->next_out = (Bytef *)out, z->avail_out = room;
    deflate(z, Z_SYNC_FLUSH);
    return room - z->avail_out - 4;
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: sender COUNT RATE KIND\n"), 2;
    uint64_t count = strtoull(argv[1], 0, 10);
    double rate = atof(argv[2]);
    int notification = strcmp(argv[3], "notification") == 0, compressed = strstr(argv[3], "deflate") != 0;
    int l = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = loopback(0);
    socklen_t size = sizeof a;
    if (bind(l, (struct sockaddr *)&a, sizeof a) || listen(l, 1) || getsockname(l, (struct sockaddr *)&a, &size)) die("listen");
    printf("%d\n", ntohs(a.sin_port));
    fflush(stdout);
    alarm(60);
    int s = accept(l, 0, 0), one = 1;
    if (s < 0) die("accept");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    char head[16384], key[29], answer[512];
    read_head(s, head, sizeof head);
    accept_key(head, key);
    write_all(s, answer, snprintf(answer, sizeof answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
        key, compressed ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : ""));
    char text[SIZE + 1] = {0}, *digits = message(text, notification), *batch = malloc(1 << 16), packed[1024];
    const char *ack = "{\"type\":\"subscriptionAck\"}";
    write_all(s, batch, frame(batch, ack, strlen(ack), 0));
    z_stream z = {0};
    deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    // Compressed messages are made before the clock runs: the sender is not what is measured.
    char *prepared = compressed ? malloc(count * 96 + 4096) : NULL;
    size_t filled = 0;
    for (uint64_t i = 0; compressed && i < count; i++) {
        number(digits, FIRST + i);
        filled += frame(prepared + filled, packed, deflate_message(&z, text, packed, sizeof packed), 1);
        if (filled > count * 96) return fprintf(stderr, "messages do not compress as expected\n"), 1;
    }
    double began = wall_ns();
    if (compressed) write_all(s, prepared, filled);
    size_t used = 0;
    for (uint64_t i = 0; !compressed && i < count; i++) {
        number(digits, FIRST + i);
        used += frame(batch + used, text, SIZE, 0);
        if (rate > 0) pace(began, i, rate);
        if (rate > 0 || used > (1 << 16) - 256) write_all(s, batch, used), used = 0;
    }
    write_all(s, batch, used);
    write_all(s, "\x88\x02\x03\xe8", 4);
    shutdown(s, SHUT_WR);
    while (read(s, head, sizeof head) > 0) {}
    return 0;
}

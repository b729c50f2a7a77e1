// Sends WebSocket messages of 200 bytes to the first client that connects, then closes.
//
//   sender COUNT RATE KIND      RATE a second, 0: as fast as they are taken
//                               KIND numbered | notification | topics | numbered-deflate
//
// Prints its port. The first message is a subscription's acknowledgment, which receivers may ignore.
#include "messages.h"

static void pace(double began, uint64_t sent, double rate) {
    double due = began + sent * 1e9 / rate, now = wall_ns();
    if (due <= now) return;
    struct timespec t = {.tv_sec = (time_t)(due / 1e9)};
    t.tv_nsec = (long)(due - t.tv_sec * 1e9);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: sender COUNT RATE KIND\n"), 2;
    uint64_t count = strtoull(argv[1], 0, 10);
    double rate = atof(argv[2]);
    enum kind kind = kind_of(argv[3]);
    int compressed = strstr(argv[3], "deflate") != 0;
    int l = listen_on_loopback(1);
    alarm(120);
    int s = accept(l, 0, 0), one = 1;
    if (s < 0) die("accept");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    char head[16384];
    read_head(s, head, sizeof head);
    accept_upgrade(s, head, compressed ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
    char text[SIZE + 1] = {0}, *digits = message(text, kind), *batch = malloc(1 << 16), packed[1024];
    const char *ack = "{\"type\":\"subscriptionAck\"}";
    write_all(s, batch, frame(batch, ack, strlen(ack), 0));
    z_stream z = {0};
    deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    // Compressed messages are made before the clock runs: the sender is not what is measured.
    char *prepared = compressed ? malloc(count * PACKED + 4096) : NULL;
    size_t filled = 0;
    for (uint64_t i = 0; compressed && i < count; i++) {
        number(digits, FIRST + i);
        filled += frame(prepared + filled, packed, deflate_message(&z, text, packed, sizeof packed), 1);
        if (filled > count * PACKED) return fprintf(stderr, "messages do not compress as expected\n"), 1;
    }
    double began = wall_ns();
    if (compressed) write_all(s, prepared, filled);
    size_t used = 0;
    for (uint64_t i = 0; !compressed && i < count; i++) {
        number(digits, FIRST + i);
        if (kind == TOPICS) topic(text, i);
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

// The limit: receives WebSocket messages into one buffer, in place, and takes `sequence` out of each.
//
//   receiver PORT [deflate]     prints the processor time of a message in nanoseconds
#include "common.h"
#include <zlib.h>

static uint64_t sequence(const char *text, size_t count) {
    static const char key[] = "\"sequence\":";
    const char *at = memmem(text, count, key, sizeof key - 1);
    if (!at) return 0;
    uint64_t n = 0;
    for (at += sizeof key - 1; at < text + count && *at >= '0' && *at <= '9'; at++) n = n * 10 + (*at - '0');
    return n;
}

static size_t inflate_message(z_stream *z, char *in, size_t count, char *out, size_t room) {
    z->next_out = (Bytef *)out, z->avail_out = room;
    z->next_in = (Bytef *)in, z->avail_in = count;
    if (inflate(z, Z_SYNC_FLUSH) < 0) return 0;
    z->next_in = (Bytef *)"\0\0\xff\xff", z->avail_in = 4;
    inflate(z, Z_SYNC_FLUSH);
    return room - z->avail_out;
}

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: receiver PORT [deflate]\n"), 2;
    int s = connect_to(atoi(argv[1]));
    char request[512], head[4096], out[1024];
    write_all(s, request, snprintf(request, sizeof request,
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
        argc > 2 ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : ""));
    read_head(s, head, sizeof head);
    z_stream z = {0};
    inflateInit2(&z, -15);
    static char buffer[65536];
    size_t filled = 0;
    uint64_t messages = 0, next = 0, lost = 0;
    double began = 0;
    for (;;) {
        ssize_t n = read(s, buffer + filled, sizeof buffer - filled);
        if (n <= 0) break;
        filled += n;
        size_t at = 0;
        while (filled - at >= 4) {
            unsigned char *f = (unsigned char *)buffer + at;
            size_t length = f[1], header = 2;
            if (length == 126) length = f[2] << 8 | f[3], header = 4;
            if (filled - at < header + length) break;
            if ((f[0] & 0xF) == 8) goto end;
            char *text = (char *)f + header;
            uint64_t number = f[0] & 0x40 ? sequence(out, inflate_message(&z, text, length, out, sizeof out))
                                          : sequence(text, length);
            if (next && number > next) lost += number - next;
            if (number) next = number + 1;
            if (messages++ == 0) began = processor_ns();
            at += header + length;
        }
        memmove(buffer, buffer + at, filled - at);
        filled -= at;
    }
end:
    printf("%.1f\n", (processor_ns() - began) / (messages - 1));
    fprintf(stderr, "receiver: %lu messages, %lu lost\n", (unsigned long)messages, (unsigned long)lost);
    return 0;
}

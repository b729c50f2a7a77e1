// The limit: receives WebSocket messages into one buffer, in place, and takes `sequence` out of each.
//
//   receiver PORT [deflate]     prints the processor time of a message in nanoseconds
#include "messages.h"

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: receiver PORT [deflate]\n"), 2;
    int s = connect_to(atoi(argv[1]));
    char out[1024];
    upgrade(s, "/", argc > 2 ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
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

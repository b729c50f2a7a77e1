// The limit of permessage-deflate: zlib inflating the same messages out of memory.   inflate_limit COUNT
//
// Prints the processor time of a message in nanoseconds.
#include "messages.h"

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    size_t count = strtoull(argv[1], 0, 10), filled = 0, total = 0;
    char text[SIZE + 1] = {0}, *digits = message(text, NUMBERED), out[1024];
    char *packed = malloc(count * PACKED + 4096);
    unsigned short *sizes = malloc(count * sizeof *sizes);
    z_stream z = {0}, back = {0};
    deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    inflateInit2(&back, -15);
    for (size_t i = 0; i < count; i++) {
        number(digits, FIRST + i);
        sizes[i] = deflate_message(&z, text, packed + filled, 1024);
        filled += sizes[i];
        if (filled > count * PACKED) return fprintf(stderr, "messages do not compress as expected\n"), 1;
    }
    double began = processor_ns();
    for (size_t i = 0, at = 0; i < count; at += sizes[i++]) {
        total += inflate_message(&back, packed + at, sizes[i], out, sizeof out);
    }
    double elapsed = processor_ns() - began;
    if (total != count * SIZE) return fprintf(stderr, "inflated %zu bytes\n", total), 1;
    printf("%.1f\n", elapsed / count);
    return 0;
}

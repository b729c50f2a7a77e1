// The limit: how many lines of 200 bytes a second this disk takes for good, where so many share one fsync.
//
//   fsync_limit FILE COUNT LINES
#include "common.h"
#include <fcntl.h>

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int f = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), count = atoi(argv[2]), lines = atoi(argv[3]);
    if (f < 0) die("open");
    char *text = malloc(200 * lines);
    memset(text, 'x', 200 * lines);
    double began = wall_ns();
    for (int i = 0; i < count; i++)
        if (write(f, text, 200 * lines) != 200 * lines || fsync(f)) die("write");
    printf("%.0f\n", count * lines / ((wall_ns() - began) / 1e9));
    unlink(argv[1]);
    return 0;
}

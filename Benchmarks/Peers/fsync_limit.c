// The limit: how often this disk forces a line of 200 bytes a second.   fsync_limit FILE COUNT
#include "common.h"
#include <fcntl.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int f = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), count = atoi(argv[2]);
    if (f < 0) die("open");
    char line[200];
    memset(line, 'x', sizeof line);
    double began = wall_ns();
    for (int i = 0; i < count; i++)
        if (write(f, line, sizeof line) != sizeof line || fsync(f)) die("write");
    printf("%.0f\n", count / ((wall_ns() - began) / 1e9));
    unlink(argv[1]);
    return 0;
}

// Scrapes: fetches a path so many times over one connection and throws the bytes away.
//
//   fetch PORT PATH COUNT [gzip]   prints bytes of one body and the median milliseconds of an answer
//   fetch PORT PATH ready          asks until 200 is answered, at most 60 s
#include "common.h"

static char buffer[1 << 18];

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static size_t get(int s, const char *path, int gzip, int *status) {
    char request[512], head[8192];
    write_all(s, request, snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", path,
                                   gzip ? "Accept-Encoding: gzip\r\n" : ""));
    read_head(s, head, sizeof head);
    *status = atoi(head + 9);
    char *length = strcasestr(head, "content-length:");
    size_t count = length ? strtoull(length + 15, 0, 10) : 0;
    for (size_t left = count; left > 0;) {
        ssize_t n = read(s, buffer, left < sizeof buffer ? left : sizeof buffer);
        if (n <= 0) die("read");
        left -= n;
    }
    return count;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    int port = atoi(argv[1]), status = 0;
    alarm(60);
    if (strcmp(argv[3], "ready") == 0) {
        for (;;) {
            int s = socket(AF_INET, SOCK_STREAM, 0);
            struct sockaddr_in a = loopback(port);
            if (connect(s, (struct sockaddr *)&a, sizeof a) == 0) {
                get(s, argv[2], 0, &status);
                if (status == 200) return 0;
            }
            close(s);
            usleep(1000);
        }
    }
    int count = atoi(argv[3]);
    double *times = calloc(count, sizeof *times);
    int s = connect_to(port);
    size_t bytes = 0;
    for (int i = 0; i < count; i++) {
        double began = wall_ns();
        bytes = get(s, argv[2], argc > 4, &status);
        times[i] = (wall_ns() - began) / 1e6;
    }
    qsort(times, count, sizeof *times, by_value);
    printf("%zu %.3f\n", bytes, count ? times[count / 2] : 0);
    return 0;
}

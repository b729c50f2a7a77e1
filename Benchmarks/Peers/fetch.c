// Scrapes: fetches a path over and over on one connection and throws the bytes away.
//
//   fetch [-n COUNT] [-s SECONDS] [-p PAUSE_MS] [-z] PORT PATH
//       COUNT answers, or as many as come in SECONDS; prints bytes of one body, and the milliseconds of an answer:
//       median, 99th percentile, longest, and how many answers there were
//   fetch -r PORT PATH            asks until 200 is answered; prints when that was, in seconds of the monotonic clock
//   fetch -f FAMILY PORT PATH     prints the sum of the values of a family of metrics
//   fetch -x METHOD PORT PATH     one request of another method; prints status and milliseconds
//   -0 speaks HTTP/1.0, on a connection for each answer: for servers that would send chunks
//
// Gives up after 120 s.
#include "common.h"

static char buffer[1 << 20];
// The server ends the connection with each answer, as HTTP/1.0 has it.
static int closes;

struct answer {
    int status;
    size_t bytes;
    double sum;
};

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// Adds up the values of the lines that begin with `family`; returns how many bytes are of a line not yet whole.
static size_t add_lines(char *text, size_t count, const char *family, size_t length, double *sum) {
    char *at = text, *end;
    while ((end = memchr(at, '\n', text + count - at))) {
        if ((size_t)(end - at) > length && memcmp(at, family, length) == 0 && (at[length] == '{' || at[length] == ' ')) {
            *end = 0;
            char *value = strrchr(at, ' ');
            if (value) *sum += atof(value);
        }
        at = end + 1;
    }
    size_t rest = text + count - at;
    memmove(text, at, rest);
    return rest;
}

static struct answer get(int s, const char *method, const char *path, int gzip, const char *family) {
    char request[512], head[8192];
    struct answer answer = {0};
    write_all(s, request, snprintf(request, sizeof request, "%s %s HTTP/1.%d\r\nHost: 127.0.0.1\r\n%s%s\r\n", method, path,
                                   !closes, gzip ? "Accept-Encoding: gzip\r\n" : "",
                                   *method == 'P' ? "Content-Length: 0\r\n" : ""));
    read_head(s, head, sizeof head);
    answer.status = atoi(head + 9);
    char *length = strcasestr(head, "content-length:");
    answer.bytes = length ? strtoull(length + 15, 0, 10) : 0;
    if (!length && closes) answer.bytes = SIZE_MAX;
    size_t kept = 0, got = 0, width = family ? strlen(family) : 0;
    while (got < answer.bytes) {
        size_t room = sizeof buffer - 1 - kept, left = answer.bytes - got;
        ssize_t n = read(s, buffer + kept, left < room ? left : room);
        if (n == 0 && closes) break;
        if (n <= 0) die("read");
        got += n;
        if (family) kept = add_lines(buffer, kept + n, family, width, &answer.sum);
    }
    answer.bytes = got;
    return answer;
}

// Prints when it was, by the monotonic clock: whoever waits for this program to end learns that later.
static int wait_until_ready(int port, const char *path) {
    for (;;) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in a = loopback(port);
        if (connect(s, (struct sockaddr *)&a, sizeof a) == 0 && get(s, "GET", path, 0, NULL).status == 200)
            return printf("%.6f\n", wall_ns() / 1e9), 0;
        close(s);
        usleep(1000);
    }
}

int main(int argc, char **argv) {
    int count = 1, gzip = 0, pause = 0, option, ready = 0;
    double seconds = 0;
    const char *family = NULL, *method = NULL;
    while ((option = getopt(argc, argv, "n:s:p:f:x:zr0")) != -1) {
        switch (option) {
        case 'n': count = atoi(optarg); break;
        case 's': seconds = atof(optarg), count = 1 << 20; break;
        case 'p': pause = atoi(optarg); break;
        case 'f': family = optarg; break;
        case 'x': method = optarg; break;
        case 'z': gzip = 1; break;
        case 'r': ready = 1; break;
        case '0': closes = 1; break;
        default: return 2;
        }
    }
    if (argc - optind != 2 || count < 1) return fprintf(stderr, "usage: fetch [OPTIONS] PORT PATH\n"), 2;
    int port = atoi(argv[optind]);
    const char *path = argv[optind + 1];
    alarm(120);
    if (ready) return wait_until_ready(port, path);
    int s = closes ? -1 : connect_to(port), made = 0;
    double *times = malloc(count * sizeof *times), start = wall_ns();
    struct answer answer = {0};
    while (made < count && (seconds <= 0 || made == 0 || wall_ns() - start < seconds * 1e9)) {
        double began = wall_ns();
        if (closes) s = connect_to(port);
        answer = get(s, method ? method : "GET", path, gzip, family);
        times[made++] = (wall_ns() - began) / 1e6;
        if (closes) close(s);
        if (pause) usleep(pause * 1000);
    }
    if (family) return printf("%.0f\n", answer.sum), 0;
    if (method) return printf("%d %.3f\n", answer.status, times[0]), 0;
    if (answer.status != 200) return fprintf(stderr, "fetch: status %d\n", answer.status), 1;
    qsort(times, made, sizeof *times, by_value);
    printf("%zu %.3f %.3f %.3f %d\n", answer.bytes, times[made / 2], times[(int)(made * 0.99)], times[made - 1], made);
    return 0;
}

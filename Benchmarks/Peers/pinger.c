// How long the clients of WebSocket connections take to answer a ping: the longest answer is the longest pause in which
// a client handled nothing of a stream.
//
//   pinger STREAMS      listens for so many connections, each of which gets an acknowledgment and a ping every 2 ms
//
// Beside them it pings a client of its own, which does nothing but answer: what that one waits for is the machine.
// Prints its port; then, at each line on standard input, the milliseconds since the last one: of the streams median,
// 99th percentile and longest, the same of its own client, and the number of streams. Ends with its standard input.
#include "messages.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>

enum { MOST = 64, SAMPLES = 1 << 20 };

struct peer {
    int socket, own;
    size_t filled;
    unsigned char buffer[4096];
};

static struct peer peers[MOST];
static int peer_count;
static double samples[2][SAMPLES];
static int sample_count[2];

// Answers each ping, and does nothing else.
static void answer_pings(int port) {
    int s = connect_to(port);
    upgrade(s, "/own", "");
    unsigned char in[4096];
    size_t filled = 0;
    for (;;) {
        ssize_t n = read(s, in + filled, sizeof in - filled);
        if (n <= 0) _exit(0);
        filled += n;
        size_t at = 0;
        while (filled - at >= 2 && filled - at >= 2u + in[at + 1]) {
            size_t length = in[at + 1];
            if ((in[at] & 0xF) == 9) {
                unsigned char pong[256] = {0x8A, 0x80 | (unsigned char)length};
                memcpy(pong + 6, in + at + 2, length);
                write_all(s, pong, 6 + length);
            }
            at += 2 + length;
        }
        memmove(in, in + at, filled - at);
        filled -= at;
    }
}

static void add_peer(int l) {
    int s = accept(l, 0, 0), one = 1;
    if (s < 0 || peer_count == MOST) die("accept");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    char head[16384], out[128];
    read_head(s, head, sizeof head);
    accept_upgrade(s, head, "");
    int own = strncmp(head, "GET /own", 8) == 0;
    const char *ack = "{\"type\":\"subscriptionAck\"}";
    if (!own) write_all(s, out, frame(out, ack, strlen(ack), 0));
    fcntl(s, F_SETFL, O_NONBLOCK);
    peers[peer_count++] = (struct peer){.socket = s, .own = own};
}

static void ping(struct peer *p) {
    unsigned char out[10] = {0x89, 8};
    double now = wall_ns();
    memcpy(out + 2, &now, 8);
    if (send(p->socket, out, sizeof out, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof out) return;
    // A stream that has gone, or that answers nothing for as long as its socket's buffer takes.
    close(p->socket);
    p->socket = -1;
}

static void hear(struct peer *p) {
    ssize_t n = read(p->socket, p->buffer + p->filled, sizeof p->buffer - p->filled);
    if (n <= 0) {
        close(p->socket);
        p->socket = -1;
        return;
    }
    p->filled += n;
    size_t at = 0;
    double now = wall_ns();
    while (p->filled - at >= 6) {
        unsigned char *f = p->buffer + at;
        size_t length = f[1] & 0x7F, header = 6;
        if (length == 126) length = f[2] << 8 | f[3], header = 8;
        if (p->filled - at < header + length) break;
        if ((f[0] & 0xF) == 10 && length == 8 && sample_count[p->own] < SAMPLES) {
            unsigned char sent[8];
            for (int i = 0; i < 8; i++) sent[i] = f[6 + i] ^ f[2 + i % 4];
            double began;
            memcpy(&began, sent, 8);
            samples[p->own][sample_count[p->own]++] = (now - began) / 1e6;
        }
        at += header + length;
    }
    memmove(p->buffer, p->buffer + at, p->filled - at);
    p->filled -= at;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void report(void) {
    int open = 0;
    for (int i = 0; i < peer_count; i++) open += peers[i].socket >= 0 && !peers[i].own;
    for (int own = 0; own < 2; own++) {
        int n = sample_count[own];
        double *v = samples[own];
        qsort(v, n, sizeof *v, by_value);
        printf("%.3f %.3f %.3f ", n ? v[n / 2] : 0, n ? v[(int)(n * 0.99)] : 0, n ? v[n - 1] : 0);
        sample_count[own] = 0;
    }
    printf("%d\n", open);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "usage: pinger STREAMS\n"), 2;
    int wanted = atoi(argv[1]) + 1;
    alarm(900);
    int l = listen_on_loopback(MOST);
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    getsockname(l, (struct sockaddr *)&a, &size);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        answer_pings(ntohs(a.sin_port));
    }
    struct pollfd polled[MOST + 2];
    double due = wall_ns();
    for (;;) {
        int n = 0;
        polled[n++] = (struct pollfd){.fd = 0, .events = POLLIN};
        polled[n++] = (struct pollfd){.fd = peer_count < wanted ? l : -1, .events = POLLIN};
        for (int i = 0; i < peer_count; i++) polled[n++] = (struct pollfd){.fd = peers[i].socket, .events = POLLIN};
        double left = due - wall_ns();
        struct timespec t = {.tv_nsec = left > 0 ? (long)left : 0};
        ppoll(polled, n, &t, NULL);
        for (int i = 2; i < n; i++)
            if (polled[i].revents) hear(&peers[i - 2]);
        if (polled[1].revents) add_peer(l);
        if (polled[0].revents) {
            char line[256];
            if (read(0, line, sizeof line) <= 0) return 0;
            report();
        }
        if (wall_ns() >= due) {
            for (int i = 0; i < peer_count; i++)
                if (peers[i].socket >= 0) ping(&peers[i]);
            due = wall_ns() + 2e6;
        }
    }
}

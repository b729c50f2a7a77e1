// What the small C programs share: sockets on loopback, processor time, the accept key of RFC 6455.
#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

static inline double processor_ns(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e9 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e3;
}

static inline double wall_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static inline struct sockaddr_in loopback(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static inline int connect_to(int port) {
    int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in a = loopback(port);
    if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof a) != 0) die("connect");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return s;
}

// Listens on a port that the system chose, and prints it.
static inline int listen_on_loopback(int backlog) {
    int l = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = loopback(0);
    socklen_t size = sizeof a;
    if (bind(l, (struct sockaddr *)&a, sizeof a) || listen(l, backlog) ||
        getsockname(l, (struct sockaddr *)&a, &size))
        die("listen");
    printf("%d\n", ntohs(a.sin_port));
    fflush(stdout);
    return l;
}

static inline void write_all(int s, const void *bytes, size_t count) {
    const char *p = bytes;
    while (count > 0) {
        ssize_t n = send(s, p, count, MSG_NOSIGNAL);
        if (n <= 0) exit(0);  // the receiver has gone
        p += n;
        count -= n;
    }
}

// Reads up to and including the empty line that ends a head; what follows it stays in the socket.
static inline void read_head(int s, char *head, size_t room) {
    size_t count = 0;
    while (count + 1 < room && read(s, head + count, 1) == 1) {
        head[++count] = 0;
        if (count >= 4 && memcmp(head + count - 4, "\r\n\r\n", 4) == 0) return;
    }
    fprintf(stderr, "no end of head\n");
    exit(1);
}

static inline uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static inline void sha1(const unsigned char *text, size_t count, unsigned char digest[20]) {
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    unsigned char block[128] = {0};
    size_t size = count + 9 <= 64 ? 64 : 128;
    memcpy(block, text, count);
    block[count] = 0x80;
    for (int i = 0; i < 4; i++) block[size - 1 - i] = (unsigned char)(count * 8 >> 8 * i);
    for (size_t at = 0; at < size; at += 64) {
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)block[at + 4 * i] << 24 | block[at + 4 * i + 1] << 16 | block[at + 4 * i + 2] << 8 |
                   block[at + 4 * i + 3];
        for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 ? b ^ c ^ d : i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
            uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
            uint32_t t = rotate(a, 5) + f + e + k + w[i];
            e = d;
            d = c;
            c = rotate(b, 30);
            b = a;
            a = t;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) digest[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static inline void accept_key(const char *head, char key[29]) {
    const char *found = strcasestr(head, "sec-websocket-key:");
    if (!found) {
        fprintf(stderr, "no key\n");
        exit(1);
    }
    found += 18;
    while (*found == ' ') found++;
    char text[61];
    memcpy(text, found, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 37);
    unsigned char d[21] = {0};
    sha1((unsigned char *)text, 60, d);
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 7; i++) {
        uint32_t v = d[3 * i] << 16 | d[3 * i + 1] << 8 | d[3 * i + 2];
        for (int j = 0; j < 4; j++) key[4 * i + j] = digits[v >> (18 - 6 * j) & 63];
    }
    key[27] = '=';
    key[28] = 0;
}

// Answers the upgrade that `head` asks for; `more` is further header lines.
static inline void accept_upgrade(int s, const char *head, const char *more) {
    char key[29], answer[512];
    accept_key(head, key);
    write_all(s, answer, snprintf(answer, sizeof answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n%s\r\n", key, more));
}

// Asks for the upgrade to WebSocket, and waits for the answer.
static inline void upgrade(int s, const char *path, const char *more) {
    char request[512], head[4096];
    write_all(s, request, snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", path, more));
    read_head(s, head, sizeof head);
}

// The messages that are measured: 200 bytes, with a place for ten digits; and frames around them.
#pragma once
#include "common.h"
#include <zlib.h>

enum { SIZE = 200, DIGITS = 10, PACKED = 96 };
static const uint64_t FIRST = 1000000000;

// numbered; a notification of one topic, its identifier before its body; one of many topics, its identifier last.
enum kind { NUMBERED, NOTIFICATION, TOPICS };

static inline enum kind kind_of(const char *name) {
    return strcmp(name, "notification") == 0 ? NOTIFICATION : strcmp(name, "topics") == 0 ? TOPICS : NUMBERED;
}

#define TOPIC "{\"topicName\":\"v2.users."
#define REST_OF_TOPIC "9ac1b2c0-0b9f-4f3e-9c0d-1a2b3c4d5e6f.presence\",\"version\":\"2\","
#define IDENTIFIER "\"metadata\":{\"CorrelationId\":\"7b0a4f1e-2c3d-4e5f-"
#define BODY "\"eventBody\":{\"v\":\""

// Writes a message; returns the place of its digits.
static inline char *message(char *m, enum kind kind) {
    // Before and behind a text that fills it up, with `#` in place of the first digit.
    static const char *const parts[][2] = {
        {"{\"type\":\"queueEvent\",\"sequence\":#,\"eventBody\":{\"queue\":\"", "\"}}"},
        {TOPIC REST_OF_TOPIC IDENTIFIER "#\"}," BODY, "\"}}"},
        {TOPIC REST_OF_TOPIC BODY, "\"}," IDENTIFIER "#\"}}"},
    };
    char *digits = m;
    size_t at = 0, tail = strlen(parts[kind][1]) + (kind == TOPICS ? DIGITS - 1 : 0);
    for (int part = 0; part < 2; part++) {
        for (const char *c = parts[kind][part]; *c; c++) {
            if (*c == '#') digits = m + at, at += DIGITS;
            else m[at++] = *c;
        }
        for (int i = 0; part == 0 && at < SIZE - tail; i++) m[at++] = "conversation-waiting "[i % 21];
    }
    return digits;
}

// One of a hundred topics, in turn.
static inline void topic(char *m, uint64_t n) {
    m[sizeof TOPIC - 1] = '0' + n / 10 % 10;
    m[sizeof TOPIC] = '0' + n % 10;
}

static inline void number(char *digits, uint64_t n) {
    for (int i = DIGITS - 1; i >= 0; i--, n /= 10) digits[i] = '0' + n % 10;
}

// A final, unmasked text frame.
static inline size_t frame(char *out, const char *payload, size_t count, int compressed) {
    size_t header = count < 126 ? 2 : 4;
    out[0] = (char)(compressed ? 0xC1 : 0x81);
    out[1] = count < 126 ? (char)count : 126;
    if (header == 4) out[2] = (char)(count >> 8), out[3] = (char)count;
    memcpy(out + header, payload, count);
    return header + count;
}

// permessage-deflate with context takeover, as servers do it.
static inline size_t deflate_message(z_stream *z, char *text, char *out, size_t room) {
    z->next_in = (Bytef *)text, z->avail_in = SIZE, z->next_out = (Bytef *)out, z->avail_out = room;
    deflate(z, Z_SYNC_FLUSH);
    return room - z->avail_out - 4;
}

static inline size_t inflate_message(z_stream *z, const char *in, size_t count, char *out, size_t room) {
    z->next_out = (Bytef *)out, z->avail_out = room;
    z->next_in = (Bytef *)in, z->avail_in = count;
    if (inflate(z, Z_SYNC_FLUSH) < 0) return 0;
    z->next_in = (Bytef *)"\0\0\xff\xff", z->avail_in = 4;
    inflate(z, Z_SYNC_FLUSH);
    return room - z->avail_out;
}

// The number in a message, found as cheaply as it can be.
static inline uint64_t sequence(const char *text, size_t count) {
    static const char key[] = "\"sequence\":";
    const char *at = memmem(text, count, key, sizeof key - 1);
    if (!at) return 0;
    uint64_t n = 0;
    for (at += sizeof key - 1; at < text + count && *at >= '0' && *at <= '9'; at++) n = n * 10 + (*at - '0');
    return n;
}

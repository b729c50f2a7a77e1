#pragma once
#include <zlib.h>

// zlib's initialisers are macros, which Swift does not import.

static inline int holdfast_deflateInit2(z_stream *stream, int level, int windowBits, int memLevel) {
    return deflateInit2(stream, level, Z_DEFLATED, windowBits, memLevel, Z_DEFAULT_STRATEGY);
}

static inline int holdfast_inflateInit2(z_stream *stream, int windowBits) {
    return inflateInit2(stream, windowBits);
}

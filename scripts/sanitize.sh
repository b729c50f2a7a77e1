#!/bin/sh
# Runs the tests under the thread sanitizer and the address sanitizer, each in a build folder of its own.
#
#   scripts/sanitize.sh                              both, all tests
#   scripts/sanitize.sh thread                       one of them
#   scripts/sanitize.sh thread StreamRuntimeTests    and only the tests that match
set -eu
cd "$(dirname "$0")/.."

sanitize() {
    sanitizer=$1
    folder=$2
    filter=$3
    echo "$sanitizer sanitizer: tests${filter:+ matching $filter} in $folder"
    # A report ends the run: one that only scrolls by is one that nobody reads.
    TSAN_OPTIONS="halt_on_error=1:${TSAN_OPTIONS:-}" ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}" \
        swift test --disable-xctest --sanitize="$sanitizer" --scratch-path "$folder" ${filter:+--filter "$filter"}
}

case "${1:-all}" in
all)
    sanitize thread .build-tsan ""
    sanitize address .build-asan ""
    ;;
thread) sanitize thread .build-tsan "${2:-}" ;;
address) sanitize address .build-asan "${2:-}" ;;
*)
    echo "usage: $0 [thread|address [FILTER]]" >&2
    exit 64
    ;;
esac

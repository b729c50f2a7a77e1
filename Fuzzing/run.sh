#!/usr/bin/env bash
# Fuzzes a reader with libFuzzer and the address sanitizer.
#
#   Fuzzing/run.sh matcher 60 [FLAG...]   a minute; FLAGs are libFuzzer's, such as -seed=1
#   Fuzzing/run.sh --list                 the names of the readers
#   Fuzzing/run.sh matcher FILE           one input, such as a finding
#
# What it learns is kept in Fuzzing/.build-corpus/NAME, findings are written to Fuzzing/.build-findings. The first build takes some
# minutes. Every input must be done with within ten seconds and a GiB of memory.
set -euo pipefail
cd "$(dirname "$0")"
name=${1:?usage: Fuzzing/run.sh NAME SECONDS|FILE [FLAG...], or --list}
program=fuzz
case $name in configuration | faults) program=fuzz-whole ;; esac

build() {
    swift build --configuration release --product "$1" --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address \
        -Xswiftc -enable-testing >.build-log 2>&1 || { tail -40 .build-log >&2; exit 1; }
}
run() { SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-} ".build/release/$program" "$@"; }

if [ "$name" = --list ]; then
    for program in fuzz fuzz-whole; do build $program; run --list; done
    exit
fi
amount=${2:?usage: Fuzzing/run.sh NAME SECONDS|FILE [FLAG...]}
shift 2
build $program
limits=(-timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256)
if [ -f "$amount" ]; then
    run "--target=$name" "${limits[@]}" "$@" "$amount"
    exit
fi
mkdir -p ".build-corpus/$name" .build-findings
seeds=()
for folder in $(run "--target=$name" --seeds); do seeds+=("../$folder"); done
run "--target=$name" --words >".build-corpus/$name.dict"
run "--target=$name" "${limits[@]}" -max_total_time="$amount" -max_len="$(run "--target=$name" --most)" \
    -dict=".build-corpus/$name.dict" -artifact_prefix=".build-findings/$name-" -print_final_stats=1 "$@" ".build-corpus/$name" "${seeds[@]}"

#!/usr/bin/env bash
# Fuzzes a reader with libFuzzer and the address sanitizer.
#
#   Fuzzing/run.sh matcher 60 [FLAG...]   a minute; FLAGs are libFuzzer's, such as -seed=1
#   Fuzzing/run.sh all 7200               each in turn for an equal share of the time, and a table of what came of it
#   Fuzzing/run.sh --list                 the names of the readers
#   Fuzzing/run.sh matcher FILE           one input, such as a finding
#
# What it learns is kept in Fuzzing/.build-corpus/NAME, findings are written to Fuzzing/.build-findings. The first build takes some
# minutes. Every input must be done with within ten seconds and a GiB of memory.
set -euo pipefail
cd "$(dirname "$0")"
usage="usage: Fuzzing/run.sh NAME|all SECONDS|FILE [FLAG...], or --list"
name=${1:?$usage}

program() { case $1 in configuration | faults) echo fuzz-whole ;; *) echo fuzz ;; esac; }
build() {
    swift build --configuration release --product "$1" --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address \
        -Xswiftc -enable-testing >.build-log 2>&1 || { tail -40 .build-log >&2; exit 1; }
}
# run NAME FLAG...: the program that holds the reader.
run() {
    SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-} \
        ".build/release/$(program "$1")" "--target=$1" "${@:2}"
}
list() {
    for whole in fuzz fuzz-whole; do
        build $whole
        SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 ".build/release/$whole" --list
    done
}

limits=(-timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256)
# fuzz NAME SECONDS FLAG...
fuzz() {
    local name=$1 seconds=$2 seeds=() folder
    shift 2
    mkdir -p ".build-corpus/$name" .build-findings
    for folder in $(run "$name" --seeds); do seeds+=("../$folder"); done
    run "$name" --words >".build-corpus/$name.dict"
    run "$name" "${limits[@]}" -max_total_time="$seconds" -max_len="$(run "$name" --most)" \
        -dict=".build-corpus/$name.dict" -artifact_prefix=".build-findings/$name-" -print_final_stats=1 \
        "$@" ".build-corpus/$name" "${seeds[@]}"
}

if [ "$name" = --list ]; then
    list
    exit
fi
amount=${2:?$usage}
shift 2
if [ "$name" != all ]; then
    build "$(program "$name")"
    if [ -f "$amount" ]; then run "$name" "${limits[@]}" "$@" "$amount"; else fuzz "$name" "$amount" "$@"; fi
    exit
fi

# One that finds something ends early; the others go on, and the end tells.
names=$(list)
share=$((amount / $(wc -w <<<"$names")))
findings=0
echo "| reader | inputs | of them kept | seconds | finding |"
echo "|---|---|---|---|---|"
for name in $names; do
    log=.build-corpus/$name.log
    mkdir -p .build-corpus
    before=$SECONDS
    finding=none
    fuzz "$name" "$share" "$@" >"$log" 2>&1 || {
        finding=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
        finding="Fuzzing/${finding:-$log}"
        findings=$((findings + 1))
    }
    inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    kept=$(sed -n 's/^stat::new_units_added: *//p' "$log")
    echo "| \`$name\` | ${inputs:-?} | ${kept:-?} | $((SECONDS - before)) | $finding |"
done
exit $((findings > 0))

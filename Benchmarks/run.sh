#!/usr/bin/env bash
# Measures Holdfast beside its peers and the limits of this machine, and prints one table.
#
#   Benchmarks/run.sh [--no-build] [NAME...]     NAME: scrape messages match streams start audit; without: all
#   ROUNDS=9 Benchmarks/run.sh                   rounds of each measurement, 5 without
#
# Needs: swift, gcc, zlib1g-dev, libmicrohttpd-dev, libisal-dev. Peers that are not installed are left out with a word:
# Python's websockets and prometheus_client (PyPI; PYTHON names another interpreter than python3), Go with
# golang-github-prometheus-client-golang-dev and golang-github-gorilla-websocket-dev.
set -euo pipefail
cd "$(dirname "$0")"
rounds=${ROUNDS:-5}
python=${PYTHON:-python3}
build=yes
wanted=()
for argument in "$@"; do
    if [ "$argument" = --no-build ]; then build=no; else wanted+=("$argument"); fi
done
work=$(mktemp -d)
bin=.build/peers
program=${PROGRAM:-.build/release}
children=()
end() {
    for child in "${children[@]:-}"; do [ -z "$child" ] || kill "$child" 2>/dev/null || true; done
    rm -rf "$work"
}
trap end EXIT

note() { echo "# $*" >&2; }
wants() { [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]]; }

# MARK: Building

build_peers() {
    mkdir -p $bin
    local name
    for name in sender receiver http_limit fetch fsync_limit; do
        gcc -O2 -Wno-unused-result -o "$bin/$name" "Peers/$name.c" -lz -lmicrohttpd
    done
    gcc -O2 -shared -fPIC -o $bin/allocations.so Peers/allocations.c
    for name in encode receiver; do
        [ -x "$bin/$name-go" ] && continue
        GO111MODULE=off GOPATH=/usr/share/gocode go build -o "$bin/$name-go" "Peers/$name.go" 2>/dev/null ||
            note "left out: Go's peer in Peers/$name.go, which needs Go and the packages named above"
    done
}

has_python() { "$python" -c "import $1" 2>/dev/null || { note "left out: Python's $1, which is not installed"; false; }; }

# MARK: The table

table=$work/table
row() { printf '%-34s %12s  %-26s %12s %7s  %s\n' "$1" "$2" "$3" "$4" "$5" "$6" | tee -a "$table"; }
middle() { sort -g "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else print "-" }'; }

# compare NAME COMMAND-TO-SHOW LABEL COMMAND [LABEL COMMAND]...: the first is ours. Each round runs all of them, one after
# the other, and every other round backwards, so that what else the machine does falls on all alike.
compare() {
    local name=$1 shown=$2 labels=() commands=() round index order
    shift 2
    while [ $# -gt 0 ]; do labels+=("$1") commands+=("$2"); shift 2; done
    rm -f "$work"/value.*
    for ((round = 0; round < rounds; round++)); do
        order=$(seq 0 $((${#commands[@]} - 1)))
        [ $((round % 2)) -eq 0 ] || order=$(tac <<<"$order")
        for index in $order; do
            ${commands[$index]} 2>>"$work/errors" | head -1 | awk '{ print $1 }' >>"$work/value.$index" ||
                note "$name: ${labels[$index]} failed: $(tail -1 "$work/errors")"
        done
    done
    local ours theirs
    ours=$(middle "$work/value.0")
    [ ${#labels[@]} -gt 1 ] || row "$name" "$ours" - - - "$shown"
    for ((index = 1; index < ${#labels[@]}; index++)); do
        theirs=$(middle "$work/value.$index")
        row "$name" "$ours" "${labels[$index]}" "$theirs" "$(ratio "$ours" "$theirs")" "$shown"
    done
}

wait_for() { local i; for ((i = 0; i < 1000; i++)); do [ ! -s "$1" ] || return 0; sleep 0.02; done; return 1; }

# MARK: Scrape

ours_encode() { "$program/Benchmarks" encode "$1"; }
memcpy_encode() { "$program/Benchmarks" encode "$1" | awk '{ print $2 }'; }
python_encode() { "$python" Peers/encode.py "$1"; }
go_encode() { "$bin/encode-go" "$1"; }

# Processor milliseconds of the server for a scrape.
serve() {
    local server=$1 argument=$2 count=$3 end=$4 gzip=${5:-}
    rm -f "$work/port"
    "$server" $argument "$work/port" >"$work/served" &
    local process=$!
    children+=($process)
    wait_for "$work/port"
    "$bin/fetch" "$(cat "$work/port")" /metrics "$count" $gzip >"$work/fetched"
    "$bin/fetch" "$(cat "$work/port")" "$end" 1 >/dev/null
    wait $process
    awk -v n="$count" '{ printf "%.3f\n", $1 / n / 1e6 }' "$work/served"
}
ours_serve() { serve "$program/Benchmarks" "serve $1" "$2" /-/ready "${3:-}"; }
limit_serve() { serve "$bin/http_limit" "$1" "$2" /end; }
ours_encode_ms() { "$program/Benchmarks" encode "$1" | awk '{ printf "%.3f\n", $1 * $4 / 1e6 }'; }

scrape() {
    local streams bytes peers
    for streams in 1000 10000; do
        peers=(memcpy "memcpy_encode $streams")
        if [ -x $bin/encode-go ]; then peers+=(client_golang "go_encode $streams"); fi
        if has_python prometheus_client && [ $streams = 1000 ]; then peers+=(prometheus_client "python_encode $streams"); fi
        compare "encode $streams, ns/line" "Benchmarks encode $streams" ours "ours_encode $streams" "${peers[@]}"
    done
    for streams in 1000 10000; do
        local count=$((100000 / streams))
        bytes=$("$program/Benchmarks" encode $streams | awk '{ print $3 }')
        compare "scrape $streams, server CPU ms" "Benchmarks serve $streams" ours "ours_serve $streams $count" \
            "libmicrohttpd, ready buffer" "limit_serve $bytes $count"
        compare "gzip scrape $streams, CPU ms" "Benchmarks serve $streams" ours "ours_serve $streams $count gzip" \
            "plain encoding" "ours_encode_ms $streams"
    done
}

# MARK: Messages

# with_sender COUNT RATE KIND BEFORE AFTER: runs BEFORE PORT AFTER against a sender.
with_sender() {
    rm -f "$work/port"
    "$bin/sender" "$1" "$2" "$3" >"$work/port" &
    local process=$!
    children+=($process)
    wait_for "$work/port"
    $4 "$(cat "$work/port")" ${5:-}
    wait $process || true
}
ours_receive() { with_sender "$1" "$2" "$3" "$program/Benchmarks receive" "${3%-deflate}"; }
c_receive() {
    local deflate=
    [[ $3 != *-deflate ]] || deflate=deflate
    with_sender "$1" "$2" "$3" "$bin/receiver" $deflate
}
go_receive() { with_sender "$1" "$2" "$3" "$bin/receiver-go"; }
python_receive() { with_sender "$1" "$2" "$3" "$python Peers/receiver.py"; }
probed() { LD_PRELOAD=$PWD/$bin/allocations.so "$program/Benchmarks" "$@"; }
ours_allocations() { with_sender "$1" "$2" "$3" "probed receive" "${3%-deflate}" | awk '{ print $2 }'; }

messages() {
    local kind count rate peers
    for kind in numbered notification numbered-deflate; do
        count=1000000
        peers=("C loop" "c_receive $count 0 $kind")
        if [ -x $bin/receiver-go ] && [ $kind != numbered-deflate ]; then peers+=(gorilla "go_receive $count 0 $kind"); fi
        if has_python websockets && [ $kind = numbered ]; then peers+=("Python websockets" "python_receive 100000 0 $kind"); fi
        compare "flood $kind, CPU ns" "Benchmarks receive" ours "ours_receive $count 0 $kind" "${peers[@]}"
        compare "allocations, 1000 $kind" "LD_PRELOAD=allocations.so" ours "ours_allocations 300000 0 $kind"
    done
    peers=("C loop" "c_receive 100000 20000 numbered")
    if [ -x $bin/receiver-go ]; then peers+=(gorilla "go_receive 100000 20000 numbered"); fi
    compare "paced 20,000/s, CPU ns" "Benchmarks receive" ours "ours_receive 100000 20000 numbered" "${peers[@]}"
}

# MARK: Match

ours_match() { "$program/Benchmarks" match "$1"; }
by_hand_match() { "$program/Benchmarks" match "$1" | awk '{ print $2 }'; }

# Reading the facts of a message through a described profile.
match() {
    local shape
    for shape in early late long keys spaced acknowledgment; do
        compare "match $shape, ns" "Benchmarks match $shape" ours "ours_match $shape" "by hand" "by_hand_match $shape"
    done
}

# MARK: Streams

configuration() {
    echo "credentials: {simulated: {type: oauth2_client_credentials, token_url: \"http://$2/oauth/token\","
    echo "  client_id: any, client_secret: any}}"
    echo "connect_budget: {rate: 1000, burst: 1000, concurrent: 500}"
    echo "streams:"
    local number
    for ((number = 0; number < $1; number++)); do
        echo "  - {name: stream-$number, profile: genesys-architect, url: \"$3\", credential: simulated," \
            "subscriptions: [queueEvents]}"
    done
}

free_port() { echo $((20000 + RANDOM % 12000)); }

gateway() {
    local port
    port=$(free_port)
    "$program/holdfast" gateway --port "$port" --rate 0 >"$work/gateway" 2>&1 &
    gateway=$!
    children+=($gateway)
    "$bin/fetch" "$port" /-/truth ready
    authority=127.0.0.1:$port
    url=$(grep -o "ws://[^ ]*" "$work/gateway" | head -1)
}

processor_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
live_streams() { exec 3<>"/dev/tcp/127.0.0.1/$1"; printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3; grep -c '^holdfast_stream_up{.* 1' <&3 || true; exec 3<&-; }

streams() {
    local port count=10000 process before base live i
    [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 12000 ] || count=$(($(ulimit -Hn) - 2000))
    ulimit -n "$(ulimit -Hn)"
    gateway
    for i in 1 $count; do
        configuration "$i" "$authority" "$url" >"$work/config.yml"
        port=$(free_port)
        "$program/holdfast" run --config.file "$work/config.yml" --web.listen-address "127.0.0.1:$port" \
            --log.level error >"$work/run" 2>&1 &
        process=$!
        children+=($process)
        "$bin/fetch" "$port" /-/ready ready
        live=0
        for ((tries = 0; tries < 60 && live < i; tries++)); do sleep 1; live=$(live_streams "$port"); done
        if [ "$i" = 1 ]; then
            base=$(resident $process)
        else
            sleep 35  # past the first heartbeats
            row "memory, $live live streams, KiB each" "$(ratio $(($(resident $process) - base)) "$live")" - - - "holdfast run"
            before=$(processor_ticks $process)
            sleep 30
            row "idle CPU, $live streams, % of a core" \
                "$(awk -v t=$(($(processor_ticks $process) - before)) 'BEGIN { printf "%.2f", t / 30 }')" - - - "holdfast run"
        fi
        kill $process
        wait $process || true
    done
    kill $gateway
}

# MARK: Start

# Milliseconds from the start of the process to the answer that all streams have been started.
started() {
    local port began process
    port=$(free_port)
    began=$(date +%s%N)
    "$program/holdfast" run --config.file "$work/config-$1.yml" --web.listen-address "127.0.0.1:$port" \
        --log.level error >"$work/run" 2>&1 &
    process=$!
    children+=($process)
    "$bin/fetch" "$port" /-/ready ready
    awk -v t=$(($(date +%s%N) - began)) 'BEGIN { printf "%.1f\n", t / 1e6 }'
    kill -9 $process
    wait $process 2>/dev/null || true
}

start() {
    local streams
    for streams in 1 1000 10000; do
        # Port 1 refuses: what is measured is the start, not the peer.
        configuration $streams 127.0.0.1:1 ws://127.0.0.1:1/ >"$work/config-$streams.yml"
        compare "ready with $streams streams, ms" "holdfast run" ours "started $streams"
    done
    cp "$program/holdfast" "$work/stripped"
    strip "$work/stripped"
    row "program, stripped, MB" "$(awk -v b="$(stat -c %s "$work/stripped")" 'BEGIN { printf "%.1f", b / 1e6 }')" - - - \
        "swift build -c release; strip"
}

# MARK: Audit

audit() {
    compare "audit interval, events/s" "Benchmarks audit interval" ours "$program/Benchmarks audit interval $work/audit.log"
    compare "audit always, events/s" "Benchmarks audit always" ours "$program/Benchmarks audit always $work/audit.log" \
        "raw fsync" "$bin/fsync_limit $work/fsync 300"
}

# Loopback only, bounded: every part ends by itself.
if [ $build = yes ]; then swift build -c release; fi
build_peers
row measurement median peer "peer's" ratio command
for part in scrape messages match streams start audit; do
    if wants $part; then $part; fi
done

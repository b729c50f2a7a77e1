#!/usr/bin/env bash
# Measures Holdfast beside its peers and the limits of this machine, and prints one table.
#
#   Benchmarks/run.sh [--no-build] [NAME...]     NAME: encode scrape messages match growth streams storm audit start;
#                                                without: all, about 20 minutes on a quiet machine
#   ROUNDS=9 Benchmarks/run.sh encode            rounds of each measurement, 5 without
#   MINUTES=60 Benchmarks/run.sh                 ends by itself after so long, 30 without
#   STREAMS=100 Benchmarks/run.sh start          the most streams, 10,000 without
#   PROGRAM=DIRECTORY Benchmarks/run.sh          where `Benchmarks` and `holdfast` are, .build/release without
#
# Everything stays on loopback. The figures are also written to .build/results.json, the growth to .build/growth.svg.
set -euo pipefail
cd "$(dirname "$0")"
build=yes
if [ "${1:-}" = --no-build ]; then
    build=no
    shift
fi

# What cannot be installed is left out of the table, with a word.
note() { echo "# $*" >&2; }
../scripts/deps.sh bench >&2 || note "not all peers could be installed"

# build NAME COMMAND...: a program that is newer than what it is made of stays.
peer() {
    local name=$1 source=$2
    shift 2
    [ -n "$(find Peers -maxdepth 1 \( -name "$source" -o -name '*.h' \) -newer "$bin/$name" 2>/dev/null)" ] ||
        [ ! -e "$bin/$name" ] || return 0
    "$@" -o "$bin/$name" "Peers/$source" ${libraries:-} 2>"$bin/errors" || {
        rm -f "$bin/$name"
        note "left out: $name: $(head -1 "$bin/errors")"
    }
}

bin=.build/peers
mkdir -p $bin
for name in sender receiver inflate_limit fetch pinger fsync_limit; do
    libraries=-lz peer $name $name.c gcc -O2 -Wno-unused-result
done
libraries=-lmicrohttpd peer http_limit http_limit.c gcc -O2 -Wno-unused-result
libraries="-lwebsockets -lz" peer receiver-lws receiver_lws.c gcc -O2 -Wno-unused-result
libraries="-lprometheus-cpp-core -lz" peer encode-cpp encode.cpp g++ -O2
libraries='' peer allocations.so allocations.c gcc -O2 -shared -fPIC
export GO111MODULE=off GOPATH=/usr/share/gocode
for name in encode encode_victoria receiver; do
    libraries='' peer $name-go $name.go go build
done

# With Swift's libraries inside, as `make install` builds it.
if [ $build = yes ]; then swift build -c release --static-swift-stdlib >&2; fi
exec python3 -m suite "$@"

#!/usr/bin/env bash
# Installs what is missing to build, test or try Holdfast on Debian or Ubuntu, and says what it installs.
#
#     scripts/deps.sh build     # to build and run: what `make demo` and `make install` need
#     scripts/deps.sh test      # that, and what the tests compare Holdfast with
#     scripts/deps.sh try       # what `make try-deb` and `make try-trail` need
#     scripts/deps.sh bench     # to build and run, and what `make bench` compares Holdfast with
#
# With everything there it only looks, which takes a moment. No service is started.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-test}
case $purpose in
build | test | try | bench) ;;
*) echo "scripts/deps.sh: the purpose is build, test, try or bench, not \`$purpose\`" >&2; exit 64 ;;
esac

scripts/toolchain.sh

packages=()
want() { # want PACKAGE COMMAND…: the package, unless the command says that what it brings is there
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || packages+=("$package")
}

want pkg-config command -v pkg-config
want libmicrohttpd-dev pkg-config --exists 'libmicrohttpd >= 0.9.71'
want libgnutls28-dev pkg-config --exists gnutls
want zlib1g-dev pkg-config --exists zlib
want libisal-dev pkg-config --exists libisal
want libcrypt-dev pkg-config --exists libcrypt
if [ "$purpose" = test ]; then
    want prometheus command -v promtool
    want prometheus-alertmanager command -v prometheus-alertmanager
    want chromium command -v chromium
    want python3-venv python3 -c 'import ensurepip, venv'
    want openssl command -v openssl
    want curl command -v curl
fi
if [ "$purpose" = bench ]; then
    go=/usr/share/gocode/src/github.com
    want gcc command -v gcc
    want g++ command -v g++
    want golang-go command -v go
    want golang-github-prometheus-client-golang-dev test -d $go/prometheus/client_golang
    want golang-github-victoriametrics-metrics-dev test -d $go/VictoriaMetrics/metrics
    want golang-github-gorilla-websocket-dev test -d $go/gorilla/websocket
    want prometheus-cpp-dev test -e /usr/include/prometheus/registry.h
    want libwebsockets-dev pkg-config --exists libwebsockets
    want python3-venv python3 -c 'import ensurepip, venv'
fi

if [ "$purpose" = try ]; then
    want mmdebstrap command -v mmdebstrap
    want dpkg-dev command -v dpkg-shlibdeps
    want rsyslog command -v rsyslogd
    want logrotate command -v logrotate
    want python3 command -v python3
    want curl command -v curl
fi

if [ ${#packages[@]} -gt 0 ]; then
    list=${packages[*]}
    if ! command -v apt-get >/dev/null; then
        echo "deps: this is neither Debian nor Ubuntu, so please install what these packages of Debian bring," \
            "and try again: $list" >&2
        exit 1
    fi
    root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "deps: these packages are missing and there is no sudo; as root, run: apt-get install -y $list" >&2
            exit 1
        fi
        root=(sudo)
    fi
    echo "deps: installing $list"
    # Debian starts a service as soon as it is installed, unless this file says no; here they are only tools.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap '"${root[@]}" rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee $policy >/dev/null
        "${root[@]}" chmod 755 $policy
    fi
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}"
    if [ -d /run/systemd/system ]; then
        for unit in prometheus prometheus-alertmanager rsyslog logrotate; do
            # Nor at the next boot, where it was not there before.
            case " $list " in *" $unit "*) "${root[@]}" systemctl disable --quiet "$unit" || true ;; esac
        done
    fi
fi

[ "$purpose" != test ] || scripts/venv.sh

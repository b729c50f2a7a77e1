#!/usr/bin/env bash
# Tries the Debian package in a clean Debian: installs, starts, scrapes, upgrades, removes and purges it, and looks at what
# is there after each step.
#
#     packaging/deb/try.sh PROGRAM
#
# PROGRAM is a release build with Swift's libraries inside. The clean Debian is a folder, made by mmdebstrap and entered by
# chroot: there is no systemd in it, so that the service is started as its unit says, by hand. Needs root. WORK is where
# it is made (.build/try-deb); the downloaded Debian stays there for the next try, and with REUSE=1 the package is not made
# anew. Nothing but loopback is listened on.
set -euo pipefail

if [ $# -ne 1 ]; then
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 64
fi
if [ -z "${HOLDFAST_TRY:-}" ]; then
    # Mounts of its own, which end with it.
    HOLDFAST_TRY=1 exec unshare --mount --propagation private "$0" "$@"
fi
program=$(realpath -- "$1")
cd "$(dirname -- "$0")/../.."
mkdir -p "${WORK:=.build/try-deb}"
work=$(realpath -- "$WORK")
root=$work/root
suite=${SUITE:-bookworm}
version=$("$program" --version | sed -n 's/^holdfast \([^ ]*\).*/\1/p')

say() { printf '\n== %s\n' "$*"; }
fail() {
    echo "FAILED: $*" >&2
    [ ! -s "$work/service.log" ] || tail -n 20 "$work/service.log" >&2
    exit 1
}
inside() { chroot "$root" "$@"; }
wait_for() { # wait_for FILE PATTERN: the first line of FILE that matches; a minute at most
    for _ in $(seq 600); do
        grep -m 1 -E "$2" "$1" 2>/dev/null && return
        sleep 0.1
    done
    fail "no \`$2\` in $1"
}
processes=()
finish() {
    for one in "${processes[@]}"; do kill -KILL "$one" 2>/dev/null || true; done
    umount "$root/proc" 2>/dev/null || true
    rm -rf --one-file-system "$root"
}
trap finish EXIT

say "a clean Debian ($suite)"
if [ ! -s "$work/$suite.tar" ]; then
    mmdebstrap --quiet --variant=minbase --include=ca-certificates "$suite" "$work/$suite.tar.part"
    mv "$work/$suite.tar.part" "$work/$suite.tar"
fi
rm -rf --one-file-system "$root"
mkdir -p "$root"
tar -C "$root" -xf "$work/$suite.tar"
mount -t proc proc "$root/proc"
# Services are not started by their packages here; and the network's names are the host's.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
for place in /etc/apt/apt.conf.d; do # a proxy of this machine, if it has one
    for file in $(grep -ls -i 'acquire.*proxy' $place/* || true); do cp "$file" "$root$place/"; done
done
inside apt-get update -qq
inventory() {
    inside find / -xdev \( -path /proc -o -path /sys -o -path /tmp -o -path /var/cache -o -path /var/lib/apt \
        -o -path /var/lib/dpkg -o -path /var/log/apt -o -path /var/lib/systemd/deb-systemd-helper-enabled \) -prune \
        -o -print | grep -v -E '^/(var/log/(dpkg|alternatives|fontconfig)\.log|etc/.*-|etc/ld\.so\.cache|root/.*)$' \
        | sort
}
inventory >"$work/before"

say "two versions of the package"
first=$work/holdfast_$version-1_$(dpkg --print-architecture).deb
[ -n "${REUSE:-}" ] && [ -s "$first" ] || first=$(VERSION=$version-1 COMPRESSION=none packaging/deb/build.sh "$program" "$work")
# The second is the first one under another number.
second=${first/-1_/-2_}
rm -rf "$work/second"
dpkg-deb --raw-extract "$first" "$work/second"
sed -i "s/^Version: .*/Version: $version-2/" "$work/second/DEBIAN/control"
dpkg-deb --root-owner-group -Znone --build "$work/second" "$second" >/dev/null
rm -rf "$work/second"
dpkg-deb --info "$first" | sed -n '/Package/,$p'
cp "$first" "$second" "$root/tmp/"

say "install"
inside env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    "/tmp/$(basename "$first")" >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; fail "it does not install"; }
inside dpkg --status holdfast | grep -E '^(Status|Version):'
inside holdfast --version
inside holdfast check /etc/holdfast/holdfast.yml
[ "$(inside stat -c '%U:%G %a' /var/lib/holdfast)" = "holdfast:holdfast 750" ] || fail "the state folder is not the service's"
if command -v systemd-analyze >/dev/null; then
    # Of what systemd itself would bring, nothing is there; the paths in the units are looked up in the clean Debian.
    complaints=$(systemd-analyze verify --root="$root" --man=no holdfast.service holdfast.socket 2>&1 \
        | grep -i holdfast | grep -v -e 'sysinit.target not found' -e 'Command /bin/kill is not executable' || true)
    [ -z "$complaints" ] || fail "systemd does not like the units: $complaints"
fi
# Whatever is in the package belongs to root, and nobody else may write to it.
strange=$(inside sh -c 'dpkg --listfiles holdfast | xargs -d "\n" stat -c "%U:%G %A %n"' \
    | grep -v -E '^root:root .(....-..-.|rwxrwxrwx) ' || true)
[ -z "$strange" ] || fail "files that others own or may write to: $strange"

say "start, as the unit says, against the simulated gateway of the same package"
inside holdfast gateway --port 0 >"$work/gateway.log" 2>&1 &
processes+=($!)
gateway=$(wait_for "$work/gateway.log" 'listens on' | grep -o -E '127\.0\.0\.1:[0-9]+' | head -n 1)
cat >"$root/etc/holdfast/holdfast.yml" <<CONFIGURATION
# Changed by an administrator.
credentials:
  simulated: {type: oauth2_client_credentials, token_url: "http://$gateway/oauth/token", client_id: any, client_secret_file: "\${CREDENTIALS_DIRECTORY}/simulated"}
streams:
  - {name: queue-events, profile: genesys-architect, url: "ws://$gateway/api/v2/architect/websocket", credential: simulated, subscriptions: [queueEvents]}
audit: {stdout: false, file: {path: /var/log/holdfast/audit.jsonl}}
state: {directory: /var/lib/holdfast}
CONFIGURATION
install -d -m 755 "$root/run/credentials/holdfast.service"
echo secret >"$root/run/credentials/holdfast.service/simulated"
chmod 644 "$root/run/credentials/holdfast.service/simulated"
command=$(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/holdfast.service" | sed 's/ \$HOLDFAST_OPTIONS//')
start() {
    : >"$work/service.log"
    # shellcheck disable=SC2086  # words of a command line
    chroot --userspec=holdfast:holdfast "$root" env -i CREDENTIALS_DIRECTORY=/run/credentials/holdfast.service \
        $command --web.listen-address=127.0.0.1:0 >"$work/service.out" 2>"$work/service.log" &
    service=$!
    processes+=("$service")
    url=$(wait_for "$work/service.log" 'msg=listening' | sed -n 's/.* url=\([^ ]*\).*/\1/p')
    echo "$command: $url"
    for _ in $(seq 600); do
        curl -fsS "$url" >"$work/scrape.txt" 2>/dev/null && grep -q '^holdfast_stream_up{.*} 1$' "$work/scrape.txt" && break
        sleep 0.1
    done
    grep '^holdfast_stream_up{' "$work/scrape.txt" || fail "no scrape"
    grep -q '^holdfast_stream_up{.*} 1$' "$work/scrape.txt" || fail "the stream is not live"
    grep '^holdfast_build_info{' "$work/scrape.txt"
    echo "scraped: $(grep -c '^holdfast_' "$work/scrape.txt") samples"
}
stop() {
    kill -TERM "$service"
    wait "$service" || fail "the service ended with status $?"
    echo "stopped with status 0"
}
start
for _ in $(seq 600); do
    curl -fsS "$url" | grep -q '^holdfast_last_sequence{.*} [1-9]' && break
    sleep 0.1
done

say "upgrade, with a configuration that was changed"
inside env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends -o Dpkg::Options::=--force-confdef \
    "/tmp/$(basename "$second")" >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; fail "it does not upgrade"; }
inside dpkg --status holdfast | grep -E '^(Status|Version):'
curl -fsS "$url" >/dev/null || fail "the running service did not survive the upgrade of its files"
stop
lines=$(wc -l <"$root/var/log/holdfast/audit.jsonl")
head -n 1 "$root/etc/holdfast/holdfast.yml" | grep 'Changed by an administrator' || fail "the configuration was replaced"
start
sed -n "$((lines + 1))p" "$root/var/log/holdfast/audit.jsonl" | grep -E '"line":'$((lines + 1))',"event":"stream_started".*"lastSequence":' \
    || fail "the stream did not resume from its cursor, or the trail did not go on"
stop
inside holdfast replay /var/log/holdfast/audit.jsonl --whole-trail >/dev/null || fail "the trail has a hole"
echo "the trail goes on without a hole over the upgrade"

say "remove: the program goes, configuration, cursors and trail stay"
inside env DEBIAN_FRONTEND=noninteractive apt-get remove -qq -y holdfast >"$work/apt.log" 2>&1 || fail "it cannot be removed"
[ ! -e "$root/usr/bin/holdfast" ] || fail "the program is still there"
ls "$root/etc/holdfast/holdfast.yml" "$root/var/log/holdfast/audit.jsonl" "$root"/var/lib/holdfast/* | sed "s|$root||"

say "purge: nothing remains"
kill -KILL "${processes[0]}" 2>/dev/null || true
inside env DEBIAN_FRONTEND=noninteractive apt-get purge -qq -y holdfast >"$work/apt.log" 2>&1 || fail "it cannot be purged"
inside env DEBIAN_FRONTEND=noninteractive apt-get autoremove -qq -y --purge >>"$work/apt.log" 2>&1
rm -rf "$root/run/credentials"
inventory >"$work/after"
diff "$work/before" "$work/after" || fail "something remains"
! grep -E '^holdfast' "$root"/etc/passwd "$root"/etc/group "$root"/etc/shadow || fail "the user remains"
! inside dpkg --status holdfast >/dev/null 2>&1 || fail "dpkg still knows it"
echo "as before: $(wc -l <"$work/after") files and folders"

say "installed, started, scraped, upgraded, removed and purged"

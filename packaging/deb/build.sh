#!/usr/bin/env bash
# Makes a Debian package of a built program, with dpkg-deb alone.
#
#     packaging/deb/build.sh PROGRAM [OUTPUT-FOLDER]
#
# VERSION is the package's version (that of the program, with -1). Depends are computed from the libraries that the
# program is linked with. COMPRESSION is what dpkg-deb compresses with (xz). Needs dpkg-dev. The same program and SOURCE_DATE_EPOCH give the same package.
set -euo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 64
fi
program=$(realpath -- "$1")
mkdir -p "${2:-.build}"
output=$(realpath -- "${2:-.build}")
cd "$(dirname -- "$0")/../.."

version=${VERSION:-$("$program" --version | sed -n 's/^holdfast \([^ ]*\).*/\1/p')-1}
architecture=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
# dpkg-deb writes modes as they are.
umask 022
tree=$stage/tree
mkdir "$tree"

packaging/install.sh "$program" "$tree" /usr >/dev/null
document=$tree/usr/share/doc/holdfast
rm "$document/LICENSE" "$document/CONTRIBUTING.md" "$tree/usr/lib/sysusers.d/holdfast.conf"
rmdir "$tree/usr/lib/sysusers.d"
# Where packages of bookworm have their units.
mkdir -p "$tree/lib/systemd"
mv "$tree/usr/lib/systemd/system" "$tree/lib/systemd/system"
rmdir "$tree/usr/lib/systemd" "$tree/usr/lib"
install -m 644 packaging/deb/copyright "$document/copyright"
mv "$document/CHANGELOG.md" "$document/changelog.md"
gzip -9n "$document/changelog.md"
{
    printf 'holdfast (%s) stable; urgency=medium\n\n' "$version"
    printf '  * What is new: /usr/share/doc/holdfast/changelog.md.gz\n\n'
    printf ' -- The Holdfast contributors <holdfast@localhost>  %s\n' "$(date -R -u -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$document/changelog.Debian.gz"
install -D -m 644 packaging/deb/holdfast.yml "$tree/etc/holdfast/holdfast.yml"
install -D -m 644 packaging/deb/holdfast.default "$tree/etc/default/holdfast"

# dpkg-shlibdeps insists on a source package around it.
mkdir -p "$stage/source/debian"
printf 'Source: holdfast\n\nPackage: holdfast\nArchitecture: any\n' >"$stage/source/debian/control"
depends=$(cd "$stage/source" && dpkg-shlibdeps -O "$tree/usr/bin/holdfast" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
if [ -z "$depends" ]; then
    echo "packaging/deb/build.sh: the libraries of $program belong to no package; dpkg-shlibdeps says:" >&2
    (cd "$stage/source" && dpkg-shlibdeps -O "$tree/usr/bin/holdfast") >&2 || true
    exit 1
fi

mkdir "$tree/DEBIAN"
cat >"$tree/DEBIAN/control" <<CONTROL
Package: holdfast
Version: $version
Architecture: $architecture
Maintainer: The Holdfast contributors <holdfast@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Depends: $depends, init-system-helpers (>= 1.54), passwd
Recommends: ca-certificates, procps
Suggests: prometheus
Section: net
Priority: optional
Description: holds WebSocket event streams, and exports how well they held
 Holds long-lived event streams, such as those of Genesys Cloud, through dropped
 sockets, expired tokens and bad gateways. Serves retries, reconnect latency and
 continuity as Prometheus metrics, and writes an audit trail of JSON lines.
CONTROL
printf '/etc/default/holdfast\n/etc/holdfast/holdfast.yml\n' >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 packaging/deb/$script "$tree/DEBIAN/$script"; done
(cd "$tree" && find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\0' | sort -z \
    | xargs -0 md5sum >DEBIAN/md5sums)

package=$output/holdfast_${version}_$architecture.deb
find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -print0 | xargs -0r touch --no-dereference --date="@$SOURCE_DATE_EPOCH"
dpkg-deb --root-owner-group -Z"${COMPRESSION:-xz}" --build "$tree" "$package" >/dev/null
echo "$package"

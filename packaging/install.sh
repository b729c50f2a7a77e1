#!/usr/bin/env bash
# Installs a built program with everything that belongs to it: systemd units, completions for shells, the manual page,
# documents, rules and dashboards. Used by `make install` and by the Debian package.
#
#     packaging/install.sh PROGRAM DESTDIR PREFIX
set -euo pipefail

if [ $# -ne 3 ]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 64
fi
program=$(realpath -- "$1")
destination=$2
prefix=$3
cd "$(dirname -- "$0")/.."
share=$destination$prefix/share
document=$share/doc/holdfast

install -d "$destination$prefix/bin" "$destination$prefix/lib/systemd/system" "$destination$prefix/lib/sysusers.d"
install -m 755 -s "$program" "$destination$prefix/bin/holdfast"
for unit in service socket; do
    sed "s|/usr/bin/holdfast|$prefix/bin/holdfast|" packaging/systemd/holdfast.$unit \
        >"$destination$prefix/lib/systemd/system/holdfast.$unit"
done
chmod 644 "$destination$prefix"/lib/systemd/system/holdfast.*
install -m 644 packaging/systemd/holdfast.sysusers "$destination$prefix/lib/sysusers.d/holdfast.conf"

# Where each shell looks; Debian's own packages of zsh and fish look in a folder beside that of their administrators.
if [ "$prefix" = /usr ]; then zsh=vendor-completions; else zsh=site-functions; fi
install -d "$share/bash-completion/completions" "$share/zsh/$zsh" "$share/fish/vendor_completions.d"
"$program" --generate-completion-script bash >"$share/bash-completion/completions/holdfast"
"$program" --generate-completion-script zsh >"$share/zsh/$zsh/_holdfast"
"$program" --generate-completion-script fish >"$share/fish/vendor_completions.d/holdfast.fish"

if command -v python3 >/dev/null; then
    install -d "$share/man/man1"
    python3 packaging/manual.py "$program" | gzip -9n >"$share/man/man1/holdfast.1.gz"
    chmod 644 "$share/man/man1/holdfast.1.gz"
fi

# As in the repository, so that links between documents lead where they should.
install -d "$document/alerts" "$document/dashboards"
install -m 644 README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE "$document"
cp -r --no-preserve=mode,ownership docs examples "$document"
find "$document" \( -name '*.py' -o -name __pycache__ \) -prune -exec rm -r {} +
install -m 644 alerts/holdfast.rules.yml "$document/alerts"
install -m 644 dashboards/*.json "$document/dashboards"
echo "installed $destination$prefix/bin/holdfast"

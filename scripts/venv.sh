#!/usr/bin/env bash
# Makes the Python environment of the tests in .build-venv, from scripts/requirements.txt; again where that changed.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.build-venv
stamp=$venv/requirements.sha256
wanted=$(sha256sum scripts/requirements.txt)
# An environment does not survive being moved: its Python must still start.
if [ -f $stamp ] && [ "$(cat $stamp)" = "$wanted" ] && $venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi
echo "deps: making a Python environment in $venv: $(grep -cv '^#' scripts/requirements.txt) packages from PyPI"
rm -rf $venv
python3 -m venv $venv
$venv/bin/python -m pip install --quiet --disable-pip-version-check -r scripts/requirements.txt
echo "$wanted" >$stamp

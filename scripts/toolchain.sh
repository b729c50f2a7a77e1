#!/usr/bin/env bash
# Says in one sentence what is wrong with the Swift toolchain, if anything is.
set -euo pipefail

least=6.1
if ! command -v swift >/dev/null; then
    echo "No Swift toolchain is on the PATH: install Swift $least or later from https://www.swift.org/install" \
        "and try again." >&2
    exit 1
fi
version=$({ swift --version 2>/dev/null || true; } | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
if [ -z "$version" ] || [ "$(printf '%s\n' "$least" "$version" | sort -V | head -n 1)" != "$least" ]; then
    echo "The Swift toolchain at $(command -v swift) is ${version:-of an unknown version}, and Holdfast needs $least" \
        "or later: install one from https://www.swift.org/install and try again." >&2
    exit 1
fi

#!/usr/bin/env bash
# Builds the documentation of the library with the toolchain's DocC: every warning is an error, and every step of the
# tutorials must compile. Needs a build (swift build --build-tests). The result: .build/Holdfast.doccarchive
set -euo pipefail
cd "$(dirname "$0")/.."

build=.build/debug
catalogue=Sources/Holdfast/Holdfast.docc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Where the modules of the build are, and those of the system libraries.
include=(-I "$build/Modules")
for folder in Sources/C* .build/checkouts/*/Sources/*/include; do
    [ -e "$folder/module.modulemap" ] && include+=(-Xcc "-fmodule-map-file=$folder/module.modulemap")
    [ -e "$folder" ] && include+=(-Xcc -I -Xcc "$folder")
done
for map in "$build"/*.build/module.modulemap; do
    [ -e "$map" ] && include+=(-Xcc "-fmodule-map-file=$map")
done

target=$(swiftc -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)",/\1/p')
# What `import Holdfast` brings is documented with it.
exported=$(sed -n 's/^@_exported public import \(.*\)/\1/p' Sources/Holdfast/Exports.swift | grep -v Logging | paste -sd, -)
mkdir "$work/graphs"
swift symbolgraph-extract -module-name Holdfast -target "$target" "${include[@]}" -minimum-access-level public \
    -experimental-allowed-reexported-modules="$exported" -output-dir "$work/graphs" -skip-synthesized-members

docc convert "$catalogue" --additional-symbol-graph-dir "$work/graphs" --fallback-display-name Holdfast \
    --fallback-bundle-identifier holdfast.Holdfast --warnings-as-errors --output-dir "$work/archive" > "$work/docc.txt" 2>&1 ||
    { cat "$work/docc.txt"; exit 1; }
rm -rf .build/Holdfast.doccarchive
mv "$work/archive" .build/Holdfast.doccarchive

# Each step of the tutorial with the ledger as it is then: only the last one counts for itself.
resources=$catalogue/Resources
check() {
    mkdir "$work/step"
    cp "$resources/ExampleService-$1.swift" "$work/step/ExampleService.swift"
    cp "$resources/Ledger-$2.swift" "$work/step/Ledger.swift"
    swiftc -typecheck -parse-as-library -swift-version 6 -target "$target" "${include[@]}" "$work"/step/*.swift \
        > "$work/swiftc.txt" 2>&1 || { cat "$work/swiftc.txt"; echo "step $1 of the tutorial does not compile"; exit 1; }
    rm -r "$work/step"
}
check 01 01
check 02 01
check 03 01
check 04 02
echo "documentation: .build/Holdfast.doccarchive"

#!/usr/bin/env python3
"""Prints what the program is made of, as a software bill of materials (CycloneDX 1.5, JSON).

    scripts/sbom.py .build/debug/holdfast > sbom.json

From Package.resolved: the packages, with their versions, commits, and the licences in their checkouts. From `ldd`: every
library that the program loads, with the version of the Debian package that it comes from, or that of the Swift toolchain.
The same program gives the same text. Ends with status 1 where a version or a licence is not known.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
GNU_LESSER = "LGPL-2.1-or-later"
GNU_DUAL = "LGPL-3.0-or-later OR GPL-2.0-or-later"
GCC = "GPL-3.0-or-later WITH GCC-exception-3.1"
# By the name of the library: what a distribution says of a package is of all its files, tools and manuals among them.
LICENCES = {
    "libmicrohttpd": GNU_LESSER, "libgnutls": GNU_LESSER, "libcrypt": GNU_LESSER, "libc": GNU_LESSER, "libm": GNU_LESSER,
    "ld-linux-x86-64": GNU_LESSER, "ld-linux-aarch64": GNU_LESSER, "libpthread": GNU_LESSER, "libdl": GNU_LESSER,
    "librt": GNU_LESSER, "libresolv": GNU_LESSER, "libutil": GNU_LESSER, "libtasn1": GNU_LESSER, "libisal": "BSD-3-Clause",
    "libp11-kit": "BSD-3-Clause", "libz": "Zlib", "libffi": "MIT", "libidn2": GNU_DUAL, "libunistring": GNU_DUAL,
    "libnettle": GNU_DUAL, "libhogweed": GNU_DUAL, "libgmp": GNU_DUAL, "libstdc++": GCC, "libgcc_s": GCC,
    "libbrotlicommon": "MIT", "libbrotlienc": "MIT", "libbrotlidec": "MIT", "libzstd": "BSD-3-Clause",
    "libleancrypto": "BSD-3-Clause OR GPL-2.0-only",
}
SWIFT = "Apache-2.0 WITH Swift-exception"


def said(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def licence_of(checkout):
    """The SPDX identifier of the licence in a package's checkout; nil where it is none of those that are known."""
    for name in ["LICENSE.txt", "LICENSE", "LICENSE.md"]:
        path = checkout / name
        if path.exists():
            text = " ".join(path.read_text(errors="replace").split())
            if "Apache License" in text:
                has_exception = "Runtime Library Exception" in text
                return SWIFT if has_exception else "Apache-2.0"
            if "Permission is hereby granted, free of charge" in text:
                return "MIT"
    return None


def packages():
    pins = json.loads((ROOT / "Package.resolved").read_text())["pins"]
    for pin in sorted(pins, key=lambda pin: pin["identity"]):
        version = pin["state"].get("version") or pin["state"].get("branch")
        location = pin["location"].removesuffix(".git")
        folder = ROOT / ".build" / "checkouts" / location.rsplit("/", 1)[1]
        yield {
            "type": "library", "name": pin["identity"], "version": version, "licence": licence_of(folder),
            "purl": f"pkg:swift/{location.removeprefix('https://')}@{version}",
            "hashes": [{"alg": "SHA-1", "content": pin["state"]["revision"]}], "url": location, "linkage": "static"}


def vendored():
    """What two of the packages carry in their own sources."""
    checkouts = ROOT / ".build" / "checkouts"
    tls = checkouts / "swift-nio-ssl/Sources/CNIOBoringSSL/hash.txt"
    commit = re.search(r"revision (\w+)", tls.read_text())
    yield {"type": "library", "name": "boringssl", "version": commit and commit.group(1), "linkage": "static",
           "licence": "Apache-2.0 AND ISC", "purl": f"pkg:generic/boringssl@{commit and commit.group(1)}"}
    http = (checkouts / "swift-nio/Sources/CNIOLLHTTP/include/c_nio_llhttp.h").read_text()
    version = ".".join(re.findall(r"#define LLHTTP_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", http)) or None
    yield {"type": "library", "name": "llhttp", "version": version, "linkage": "static", "licence": "MIT",
           "purl": f"pkg:generic/llhttp@{version}"}


def toolchain():
    found = re.search(r"Swift version (\S+)", said("swift", "--version"))
    return found.group(1) if found else None


def debian(path):
    """The package that a library comes from, and its version."""
    # Debian lists a library under / or /usr, whichever way it was installed.
    for candidate in [path, path.resolve(), pathlib.Path("/usr") / path.relative_to("/")]:
        owner = said("dpkg-query", "--search", str(candidate)).split("\n")[0]
        if ": " in owner:
            name = owner.rsplit(": ", 1)[0].split(",")[0]
            return name.split(":")[0], said("dpkg-query", "--show", "--showformat=${Version}", name) or None
    return None, None


def libraries(program):
    swift = toolchain()
    for line in sorted(said("ldd", program).splitlines()):
        found = re.match(r"\s*(?:\S+ => )?(/\S+) \(", line)
        if not found:
            continue
        path = pathlib.Path(found.group(1))
        name = path.name.split(".so")[0]
        if "/swift/" in str(path):
            licence = "Unicode-3.0" if "ICU" in name else SWIFT
            yield {"type": "library", "name": path.name, "version": swift, "licence": licence, "linkage": "dynamic",
                   "purl": f"pkg:github/swiftlang/swift@{swift}#{path.name}"}
            continue
        package, version = debian(path)
        yield {"type": "library", "name": path.name, "version": version, "licence": LICENCES.get(name), "linkage": "dynamic",
               "purl": f"pkg:deb/debian/{package}@{version}"}


def component(found):
    result = {
        "type": found["type"], "bom-ref": found["purl"] + ("" if "#" in found["purl"] else f"#{found['name']}"),
        "name": found["name"], "version": found["version"], "licenses": [{"expression": found["licence"]}],
        "purl": found["purl"], "properties": [{"name": "holdfast:linkage", "value": found["linkage"]}]}
    if "hashes" in found:
        result["externalReferences"] = [{"type": "vcs", "url": found["url"], "hashes": found["hashes"]}]
    return result


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    program = sys.argv[1]
    if not os.access(program, os.X_OK):
        sys.exit(f"{program} is no program; `make build` makes it")
    found = [*packages(), *vendored(), *libraries(program)]
    unknown = [item["name"] for item in found if not item["version"] or not item["licence"]]
    if unknown:
        sys.exit(f"version or licence not known: {', '.join(unknown)}; see LICENCES in {__file__}")
    version = re.search(r'current = "([^"]+)"', (ROOT / "Sources/Holdfast/Version.swift").read_text()).group(1)
    components = [component(item) for item in found]
    own = f"pkg:generic/holdfast@{version}"
    digest = hashlib.sha256(json.dumps(components).encode()).hexdigest()
    print(json.dumps({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own + digest)}",
        "metadata": {"component": {
            "type": "application", "bom-ref": own, "name": "holdfast", "version": version, "purl": own,
            "licenses": [{"expression": "Apache-2.0"}]}},
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": [item["bom-ref"] for item in components]}],
    }, indent=2))


if __name__ == "__main__":
    main()

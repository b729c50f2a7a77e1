"""python3 -m unittest discover scripts: what deps.sh and toolchain.sh say where something is missing."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = ["bash", "cat", "cut", "dirname", "env", "grep", "head", "id", "sed", "sha256sum", "sort", "tee", "rm", "chmod"]


class Machine:
    """A PATH with nothing on it but what a test puts there."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for tool in TOOLS:
            (self.folder / tool).symlink_to(shutil.which(tool))

    def has(self, name, script):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self, script, *arguments):
        result = subprocess.run(
            ["bash", HERE / script, *arguments], env={"PATH": str(self.folder), "HOME": os.environ.get("HOME", "/")},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return result.returncode, result.stdout.strip()


class Says(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.machine = Machine(folder.name)

    def refused(self, *words, script="deps.sh", arguments=("build",)):
        status, output = self.machine.run(script, *arguments)
        self.assertEqual(status, 1, output)
        self.assertEqual(len(output.splitlines()), 1, output)
        for word in words:
            self.assertIn(word, output)

    def with_swift(self, version="6.1"):
        self.machine.has("swift", f"echo 'Swift version {version} (swift-{version}-RELEASE)'")

    def test_no_toolchain(self):
        self.refused("No Swift toolchain", "6.1", "swift.org/install")

    def test_an_old_toolchain(self):
        self.with_swift("5.10.1")
        self.refused("5.10.1", "needs 6.1")

    def test_a_toolchain_of_two_digits_is_newer(self):
        self.with_swift("6.10")
        self.assertEqual(self.machine.run("toolchain.sh"), (0, ""))

    def test_a_broken_toolchain(self):
        self.machine.has("swift", "exit 1")
        self.refused("unknown version")

    def test_another_distribution(self):
        self.with_swift()
        self.machine.has("pkg-config", "exit 1")
        self.refused("neither Debian nor Ubuntu", "libmicrohttpd-dev libgnutls28-dev zlib1g-dev libisal-dev libcrypt-dev")

    def test_no_root_and_no_sudo(self):
        self.with_swift()
        self.machine.has("apt-get", "exit 99")
        (self.machine.folder / "id").unlink()
        self.machine.has("id", "echo 1000")
        self.refused("there is no sudo", "apt-get install -y pkg-config libmicrohttpd-dev")

    def test_installs_through_sudo_what_is_missing_alone(self):
        self.with_swift()
        (self.machine.folder / "id").unlink()
        self.machine.has("id", "echo 1000")
        self.machine.has("pkg-config", 'case "$*" in *zlib*) exit 1 ;; esac')
        log = self.machine.folder / "log"
        self.machine.has("apt-get", "exit 99")
        self.machine.has("sudo", f'echo "$@" >> {log}')
        status, output = self.machine.run("deps.sh", "build")
        self.assertEqual((status, output), (0, "deps: installing zlib1g-dev"))
        asked = log.read_text()
        self.assertIn("apt-get update", asked)
        self.assertIn("apt-get install -qq -y --no-install-recommends zlib1g-dev\n", asked)

    def test_nothing_to_do_says_nothing(self):
        self.with_swift()
        self.machine.has("pkg-config", "exit 0")
        self.assertEqual(self.machine.run("deps.sh", "build"), (0, ""))

    def test_a_purpose_that_is_none(self):
        self.assertEqual(self.machine.run("deps.sh", "nonsense")[0], 64)


if __name__ == "__main__":
    unittest.main()

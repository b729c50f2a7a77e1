"""python3 -m unittest discover scripts: the bill of materials names every package and every library that is loaded."""

import json
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / ".build" / "debug" / "holdfast"


@unittest.skipUnless(PROGRAM.exists() and (ROOT / "Package.resolved").exists(), "the program has not been built")
class Lists(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        result = subprocess.run(
            [sys.executable, ROOT / "scripts" / "sbom.py", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert result.returncode == 0, result.stderr
        cls.bill = json.loads(result.stdout)
        cls.components = {component["name"]: component for component in cls.bill["components"]}

    def test_every_package(self):
        pins = json.loads((ROOT / "Package.resolved").read_text())["pins"]
        self.assertGreaterEqual(len(pins), 7)
        for pin in pins:
            component = self.components[pin["identity"]]
            self.assertEqual(component["version"], pin["state"]["version"])
            self.assertEqual(component["externalReferences"][0]["hashes"][0]["content"], pin["state"]["revision"])

    def test_every_library(self):
        loaded = subprocess.run(["ldd", PROGRAM], stdout=subprocess.PIPE, text=True, check=True).stdout
        names = {path.rsplit("/", 1)[1] for path in re.findall(r"(/\S+) \(", loaded)}
        self.assertLessEqual({"libmicrohttpd.so.12", "libc.so.6"}, names)
        self.assertLessEqual(names, set(self.components))
        # What the targets of Package.swift link, and nothing of it only by way of something else.
        for name in ["libmicrohttpd", "libgnutls", "libz", "libisal", "libcrypt"]:
            self.assertTrue(any(known.startswith(name + ".so") for known in self.components), name)

    def test_every_component_says_what_it_is(self):
        self.assertEqual((self.bill["bomFormat"], self.bill["specVersion"]), ("CycloneDX", "1.5"))
        references = [component["bom-ref"] for component in self.bill["components"]]
        self.assertEqual(len(references), len(set(references)))
        self.assertEqual(self.bill["dependencies"][0]["dependsOn"], references)
        for component in self.bill["components"]:
            self.assertTrue(component["version"] and component["purl"].startswith("pkg:"), component)
            self.assertTrue(component["licenses"][0]["expression"], component)


if __name__ == "__main__":
    unittest.main()

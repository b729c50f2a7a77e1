"""python3 -m unittest discover packaging: units, install, package and container file, as far as they need no clean system.

What a clean Debian does with the package: `make try-deb`.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / ".build" / "debug" / "holdfast"
SYSTEMD = ROOT / "packaging" / "systemd"
# As `systemd-analyze security` counts: 0 is nothing exposed, 10 everything.
MOST_EXPOSED = 1.5


def run(*command, **options):
    return subprocess.run(
        [str(one) for one in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, **options)


class Units(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_systemd_takes_them_and_finds_little_exposed(self):
        with tempfile.TemporaryDirectory() as folder:
            for unit in ("holdfast.service", "holdfast.socket"):
                text = (SYSTEMD / unit).read_text().replace("/usr/bin/holdfast", str(PROGRAM))
                (pathlib.Path(folder) / unit).write_text(text)
            service = f"{folder}/holdfast.service"
            result = run("systemd-analyze", "verify", "--man=no", service, f"{folder}/holdfast.socket")
            own = [line for line in result.stdout.splitlines() if "holdfast" in line]
            self.assertEqual((result.returncode, own), (0, []))
            text = run("systemd-analyze", "security", "--offline=yes", "--no-pager", service).stdout
            exposure = re.search(r"Overall exposure level for holdfast.service: ([\d.]+)", text)
            self.assertLessEqual(float(exposure[1]), MOST_EXPOSED, text)

    def test_the_program_takes_the_flags_of_the_unit(self):
        text = (SYSTEMD / "holdfast.service").read_text()
        command = re.search(r"^ExecStart=/usr/bin/holdfast (.*)$", text, re.M)[1].replace("$HOLDFAST_OPTIONS", "")
        result = run(PROGRAM, *command.replace("/etc/holdfast/holdfast.yml", "/does/not/exist.yml").split())
        self.assertEqual(result.returncode, 78, result.stdout)

    def test_what_the_package_configures_is_good(self):
        result = run(PROGRAM, "check", ROOT / "packaging" / "deb" / "holdfast.yml")
        self.assertEqual(result.returncode, 0, result.stdout)
        # And with the examples in it taken out of their comments, too.
        text = (ROOT / "packaging" / "deb" / "holdfast.yml").read_text()
        text = text.replace("streams: []", "streams:")
        text = re.sub(r"^#(\w.*|  .*)$", r"\1", text, flags=re.M)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "genesys").write_text("x\n")
            file = pathlib.Path(folder) / "holdfast.yml"
            file.write_text(text)
            result = run(PROGRAM, "check", file, env={**os.environ, "CREDENTIALS_DIRECTORY": folder})
        self.assertEqual(result.returncode, 0, result.stdout + text)
        self.assertIn("good, 1 streams", result.stdout)


class Installed(unittest.TestCase):
    def test_everything_is_where_it_belongs(self):
        with tempfile.TemporaryDirectory() as folder:
            result = run("packaging/install.sh", PROGRAM, folder, "/opt/holdfast")
            self.assertEqual(result.returncode, 0, result.stdout)
            top = pathlib.Path(folder) / "opt" / "holdfast"
            unit = (top / "lib/systemd/system/holdfast.service").read_text()
            self.assertIn("ExecStart=/opt/holdfast/bin/holdfast run", unit)
            for name in (
                    "bin/holdfast", "lib/systemd/system/holdfast.socket", "lib/sysusers.d/holdfast.conf",
                    "share/bash-completion/completions/holdfast", "share/zsh/site-functions/_holdfast",
                    "share/fish/vendor_completions.d/holdfast.fish", "share/man/man1/holdfast.1.gz",
                    "share/doc/holdfast/README.md", "share/doc/holdfast/docs/profiles/genesys-notify.md",
                    "share/doc/holdfast/alerts/holdfast.rules.yml"):
                self.assertGreater((top / name).stat().st_size, 0, name)
            # bash at least can say whether it is one.
            result = run("bash", "-n", top / "share/bash-completion/completions/holdfast")
            self.assertEqual((result.returncode, result.stdout), (0, ""))
            result = run(top / "bin/holdfast", "--version")
            self.assertEqual(result.returncode, 0, result.stdout)

    def test_the_manual_names_every_flag(self):
        manual = run("packaging/manual.py", PROGRAM).stdout
        for command in ("run", "check", "gateway", "replay", "storm"):
            for flag in re.findall(r"^  (--[\w.-]+)", run(PROGRAM, "help", command).stdout, re.M):
                if flag not in ("--version", "--help"):
                    self.assertIn(flag.replace("-", "\\-"), manual, command)


class Container(unittest.TestCase):
    text = (ROOT / "Containerfile").read_text()

    def test_it_builds_as_make_does_and_copies_what_is_there(self):
        release = re.search(r"^RELEASE := (.*)$", (ROOT / "Makefile").read_text(), re.M)[1]
        self.assertIn(release, self.text)
        for source in re.findall(r"^COPY (?!--from)(\S+) ", self.text, re.M):
            self.assertTrue((ROOT / source).exists(), source)

    def test_the_program_takes_its_command(self):
        [command] = re.findall(r"^CMD \[(.*)\]$", self.text, re.M)
        words = re.findall(r'"([^"]*)"', command.replace("/etc/holdfast/holdfast.yml", "/does/not/exist.yml"))
        self.assertEqual(run(PROGRAM, *words).returncode, 78)

    def test_its_user_is_that_of_the_chart(self):
        values = (ROOT / "deploy" / "helm" / "holdfast" / "values.yaml").read_text()
        user = re.search(r"^USER (\d+):\d+$", self.text, re.M)[1]
        self.assertIn(f"runAsUser: {user}", values)
        self.assertIn(f"--uid {user}", self.text)


class Scripts(unittest.TestCase):
    def test_shells_can_read_them(self):
        for script in ("install.sh", "deb/build.sh", "deb/try.sh"):
            self.assertEqual(run("bash", "-n", ROOT / "packaging" / script).stdout, "")
        for script in ("postinst", "prerm", "postrm"):
            self.assertEqual(run("sh", "-n", ROOT / "packaging" / "deb" / script).stdout, "")


if __name__ == "__main__":
    unittest.main()

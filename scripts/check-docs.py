#!/usr/bin/env python3
"""Runs what the documents say.

    scripts/check-docs.py PROGRAM [DOCUMENT…]

PROGRAM is the built `holdfast`. Without documents: README.md, CONTRIBUTING.md and docs/**/*.md. Of each document:

    ```yaml NAME.yml      a whole configuration: `holdfast check` must take it; `faults….yml` is a fault script, with
                          which the simulated gateway must start
    ```yaml part          keys of the top level of a configuration
    ```yaml stream        keys of one stream
    ```yaml profile       one entry of `profiles:`, with the keys that a stream needs for it after a line `# stream:`
    ```yaml wrong.yml     a name that begins with `wrong`: a configuration that must be refused
    ```yaml web           a web configuration, with which the program must start; certificates are made for it
    ```yaml prometheus    a configuration of Prometheus, which promtool must take
    ```yaml values        values of the chart, which its schema must take
    ```json               JSON; `json audit`: lines of the audit trail, which must validate against its schema
    ```console run        lines that begin with `$ ` are run by bash in a folder with the files named above; each must
                          end with status 0, and the other lines must be in the output, `…` standing for anything
    ```console not-run: REASON    commands that are not run, and why
    ```sh                 `make TARGET`: the target must exist
    ```swift              not looked at here: a test sees that it stands in a source that is compiled (DocumentedCodeTests)
    ```ini, ```text       not looked at

Any other block is a fault: what nobody runs is wrong one day. Links to files and headings must lead somewhere. Ports and paths of secrets are replaced by some that are free here.
Exit status: 0 when there is nothing to say. Needs PyYAML, jsonschema, promtool and openssl for the blocks that concern
them.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```([^\n`]*)\n(.*?)^```\s*$", re.M | re.S)
SECRET_FILE = re.compile(r"((?:client_secret|token|ca)_file: *)((?:\$\{\w+\}|[^\s,}])+)")
VARIABLE = re.compile(r"_env: *(\w+)|(?<!\$)\$\{(\w+)\}")
LIMIT_SECONDS = 180
BASE = {
    "credentials": "credentials:\n  genesys: {type: none}\n",
    "streams": "streams:\n  - name: one\n    profile: genesys-architect\n    url: ws://127.0.0.1:9400/x\n"
               "    credential: genesys\n    subscriptions: [queueEvents]\n",
}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


class Document:
    """One document, and the folder in which its examples come true."""

    def __init__(self, path, program, folder):
        self.path, self.folder = path, folder
        self.text = path.read_text()
        self.ports = {"9400": free_port(), "10046": free_port()}
        self.environment = dict(os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}")
        self.program = program
        self.faults = []
        self.parts = 0
        (folder / "bin").mkdir()
        wrapper = folder / "bin" / "holdfast"
        # Where the documents name no port, the default may be taken here.
        wrapper.write_text(
            f'#!/bin/sh\ncase $1 in\n'
            f'run) set -- "$@" --web.listen-address 127.0.0.1:{self.ports["10046"]} ;;\n'
            f'gateway) case "$*" in *--p*) ;; *) set -- "$@" --port {self.ports["9400"]} ;; esac ;;\n'
            f'esac\nexec "{program}" "$@"\n')
        wrapper.chmod(0o755)
        # The example is a program of its own, built beside.
        example = pathlib.Path(program).parent / "ExampleService"
        if example.exists():
            (folder / "bin" / example.name).symlink_to(example.resolve())

    def fault(self, position, message):
        line = self.text.count("\n", 0, position) + 1
        name = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        self.faults.append(f"{name}:{line}: {message}")

    def local(self, text):
        """`text` with ports that are free, secrets that are there, and variables that are set."""
        for port, free in self.ports.items():
            text = re.sub(rf"(?<!\d){port}(?!\d)", free, text)
        for names in VARIABLE.findall(text):
            self.environment.setdefault(names[0] or names[1], "example")

        def file(match):
            secret = self.folder / pathlib.Path(match[2]).name
            secret.write_text("example\n")
            return f"{match[1]}{secret}"

        return SECRET_FILE.sub(file, text)

    def run(self, command):
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, text=True, timeout=LIMIT_SECONDS,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    # The kinds of blocks.

    def configuration(self, position, name, text):
        (self.folder / name).write_text(self.local(text))
        result = self.run([self.program, "check", name])
        if name.startswith("wrong"):
            if result.returncode != 78:
                self.fault(position, f"{name} should have been refused")
        elif result.returncode != 0:
            self.fault(position, f"{name} is refused: {result.stdout.strip()}")

    def script(self, position, name, text):
        (self.folder / name).write_text(self.local(text))
        process = subprocess.Popen(
            [self.program, "gateway", "--port", "0", "--script", name], cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=LIMIT_SECONDS)
        if "listens on" not in first:
            self.fault(position, f"{name} is refused: {first}{rest}".strip())

    def part(self, position, text):
        own = set(re.findall(r"^(\w+):", text, re.M))
        self.parts += 1
        whole = "".join(base for key, base in BASE.items() if key not in own) + text
        self.configuration(position, f"part-{self.parts}.yml", whole)

    def stream(self, position, text):
        own = set(re.findall(r"^(\w+):", text, re.M))
        base = [line for line in BASE["streams"].splitlines() if line.strip(" -").split(":")[0] not in own]
        self.parts += 1
        body = "".join(f"    {line}\n" for line in text.splitlines())
        self.configuration(
            position, f"part-{self.parts}.yml", BASE["credentials"] + "\n".join(base) + "\n" + body)

    def profile(self, position, text):
        described, _, stream = text.partition("# stream:\n")
        name = re.search(r"^([\w-]+):", described, re.M)[1]
        self.parts += 1
        lines = ["profiles:", *(f"  {line}" for line in described.splitlines()), "streams:", "  - name: one",
                 f"    profile: {name}", *(f"    {line}" for line in stream.splitlines())]
        self.configuration(
            position, f"part-{self.parts}.yml", BASE["credentials"] + "\n".join(lines) + "\n")

    def audit(self, position, text):
        import jsonschema
        schema = json.loads(self.run([self.program, "audit-schema"]).stdout)
        validator = jsonschema.Draft202012Validator(schema)
        for line in filter(None, text.splitlines()):
            for error in validator.iter_errors(json.loads(line)):
                cause = min(error.context or [error], key=lambda one: -len(one.absolute_path))
                self.fault(position, f"no line of the trail: {cause.message}: {line}")

    def console(self, position, text):
        commands, expected = [], []
        for line in self.local(text).splitlines():
            if line.startswith("$ "):
                commands.append(line[2:])
                expected.append([])
            elif commands and commands[-1].endswith("\\"):
                commands[-1] += "\n" + line
            elif commands and line.strip():
                expected[-1].append(line)
        script = "".join(f"echo '@@{number}@@'\n{command}\n" for number, command in enumerate(commands))
        output, status = self.shell(script)
        if status != 0:
            self.fault(position, f"status {status}: {output[-1500:]}")
            return
        for number, lines in enumerate(expected):
            rest = output.partition(f"@@{number}@@\n")[2]
            for line in lines:
                found = re.search(".*".join(map(re.escape, line.split("…"))), rest)
                if not found:
                    self.fault(position, f"`{commands[number]}` did not print `{line}` but: {rest[:1500]}")
                    break
                rest = rest[found.end():]

    def shell(self, script):
        """Runs `script`, and ends whatever it left in the background."""
        with open(self.folder / "output", "w+") as output:
            process = subprocess.Popen(
                ["bash", "-e", "-c", script], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                status = process.wait(timeout=LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                status = f"none after {LIMIT_SECONDS} s"
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    break
                time.sleep(0.5)
            process.wait()
            output.seek(0)
            return output.read(), status

    def make(self, position, text):
        for line in text.splitlines():
            if not line.startswith("make"):
                continue
            result = subprocess.run(
                ["make", "--dry-run", *line.split("#")[0].split()[1:]], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, env={**os.environ, "MAKEFLAGS": ""})
            if result.returncode != 0:
                self.fault(position, f"{line}: {result.stdout.strip()}")

    # The whole.

    def check(self):
        for match in BLOCK.finditer(self.text):
            position, info, text = match.start(), match[1].split(), match[2]
            match info:
                case ["yaml", "part"]: self.part(position, text)
                case ["yaml", "stream"]: self.stream(position, text)
                case ["yaml", "profile"]: self.profile(position, text)
                case ["yaml", name] if name.startswith("faults"): self.script(position, name, text)
                case ["yaml", name] if name.endswith(".yml"): self.configuration(position, name, text)
                case ["yaml", "web"]: self.web(position, text)
                case ["yaml", "prometheus"]: self.prometheus(position, text)
                case ["yaml", "values"]: self.values(position, text)
                case ["json", "audit"]: self.audit(position, text)
                case ["json"]: self.json(position, text)
                case ["console", "run"]: self.console(position, text)
                case ["console", "not-run:", *reason] if reason: pass
                case ["sh"]: self.make(position, text)
                case ["ini"] | ["text"] | ["swift"]: pass
                case _: self.fault(position, f"nobody looks at a block `{match[1]}`: mark it, see check-docs.py")
        self.links()
        return self.faults

    def json(self, position, text):
        try:
            json.loads(text)
        except ValueError as error:
            self.fault(position, f"no JSON: {error}")

    def values(self, position, text):
        import jsonschema
        import yaml
        schema = json.loads((ROOT / "deploy" / "helm" / "holdfast" / "values.schema.json").read_text())
        values = yaml.safe_load(text)
        for error in jsonschema.Draft7Validator(schema).iter_errors(values):
            self.fault(position, f"no values of the chart: {error.message}")
        if "config" in values:
            self.configuration(position, "values-config.yml", yaml.safe_dump(values["config"]))

    def prometheus(self, position, text):
        (self.folder / "prometheus.yml").write_text(text)
        result = self.run(["promtool", "check", "config", "prometheus.yml"])
        if result.returncode != 0:
            self.fault(position, f"no configuration of Prometheus: {result.stdout.strip()}")

    def web(self, position, text):
        for certificate, key in re.findall(r"cert_file: *(\S+)\s+key_file: *(\S+)", text):
            self.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", "/CN=localhost", "-out", certificate, "-keyout", key])
        (self.folder / "web.yml").write_text(text)
        (self.folder / "nothing.yml").write_text("streams: []\n")
        process = subprocess.Popen(
            [self.program, "run", "--config.file", "nothing.yml", "--web.config.file", "web.yml",
             "--web.listen-address", "127.0.0.1:0"], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        told = []
        for line in process.stderr:
            told.append(line)
            if "msg=listening" in line:
                process.send_signal(signal.SIGTERM)
        # It may be asked to stop before it has begun to listen to such requests.
        process.stderr.close()
        if process.wait(LIMIT_SECONDS) not in (0, -signal.SIGTERM):
            self.fault(position, f"no web configuration: {''.join(told).strip()}")

    def links(self):
        prose = BLOCK.sub(lambda match: "\n" * match[0].count("\n"), self.text)
        for match in re.finditer(r"\]\(([^)\s]+)\)", prose):
            target, _, heading = match[1].partition("#")
            if "://" in target:
                continue
            path = (self.path.parent / target).resolve() if target else self.path
            if not path.exists():
                self.fault(match.start(), f"nothing at {match[1]}")
            elif heading and heading not in headings(path.read_text()):
                self.fault(match.start(), f"no heading for {match[1]}")


def headings(text):
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def main(arguments):
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 64
    program = str(pathlib.Path(arguments[0]).resolve())
    documents = [pathlib.Path(name).resolve() for name in arguments[1:]] or [
        path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md")))
        if path.exists()]
    faults = []
    for path in documents:
        with tempfile.TemporaryDirectory() as folder:
            faults += Document(path, program, pathlib.Path(folder)).check()
    if len(arguments) == 1:
        with tempfile.TemporaryDirectory() as folder:
            example = Document(ROOT / "examples" / "holdfast.yml", program, pathlib.Path(folder))
            example.configuration(0, "holdfast.yml", example.text)
            faults += example.faults
    for fault in faults:
        print(fault, flush=True)
    print(f"{len(documents)} documents: {len(faults)} faults", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

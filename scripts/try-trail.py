#!/usr/bin/env python3
"""Ships the audit trail on with what Debian has, and counts every line.

    scripts/try-trail.py PROGRAM [SECONDS]

A simulated gateway that misbehaves several times a second, Holdfast with some streams, and in turn:

    own          Holdfast rotates by itself (`max_size`)
    logrotate    logrotate renames the file, and SIGHUP follows
    copytruncate logrotate copies the file and truncates it

In each, rsyslog reads the file as examples/trail/rsyslog.conf says. In the end its output is compared with what Holdfast
counted (`holdfast_audit_last_line`): which lines are missing, doubled, torn or out of order. Then standard output through
a pipe, as journald and container runtimes take it. Needs rsyslogd and logrotate (`scripts/deps.sh try`).
Exit status 1 where a line is lost or doubled, other than what copytruncate loses by its nature.
"""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 120
STREAMS = 8
FAULTS = """\
seed: 7
steps:
  - {every: 100ms, fault: {gap: 2}}
  - {every: 150ms, fault: {duplicate: 1}}
  - {every: 1500ms, fault: drop}
"""


def until(question, what):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.05)
    raise SystemExit(f"it did not come to pass: {what}")


class Processes:
    def __init__(self):
        self.all = []

    def start(self, command, **options):
        process = subprocess.Popen([str(one) for one in command], stdin=subprocess.DEVNULL, **options)
        self.all.append(process)
        return process

    @staticmethod
    def stop(process):
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.all:
            if process.poll() is None:
                self.stop(process)


def start_gateway(processes, program, folder):
    (folder / "faults.yml").write_text(FAULTS)
    log = open(folder / "gateway.log", "w")
    processes.start([program, "gateway", "--port", "0", "--rate", "50", "--script", folder / "faults.yml"],
                    stdout=log, stderr=log)
    text = until(lambda: re.search(r"127\.0\.0\.1:\d+", (folder / "gateway.log").read_text()), "the gateway listens")
    return text[0]


def configuration(gateway, audit):
    return json.dumps({  # which is YAML
        "credentials": {"simulated": {
            "type": "oauth2_client_credentials", "token_url": f"http://{gateway}/oauth/token", "client_id": "any",
            "client_secret": "any"}},
        "defaults": {"backoff": {"base": "50ms", "cap": "500ms", "reset_after": "1s", "max_attempts": 0},
                     "reorder_window": "200ms"},
        "connect_budget": {"rate": 1000, "burst": 1000},
        "streams": [{
            "name": f"stream-{number}", "profile": "genesys-architect", "credential": "simulated",
            "url": f"ws://{gateway}/api/v2/architect/websocket", "subscriptions": ["queueEvents"]}
            for number in range(STREAMS)],
        "audit": audit})


def start_holdfast(processes, program, folder, audit, gateway, stdout):
    (folder / "holdfast.yml").write_text(configuration(gateway, audit))
    log = open(folder / "holdfast.log", "w")
    process = processes.start(
        [program, "run", "--config.file", folder / "holdfast.yml", "--web.listen-address", "127.0.0.1:0"],
        stdout=stdout, stderr=log)
    found = until(lambda: re.search(r"url=(\S+)", (folder / "holdfast.log").read_text()), "Holdfast listens")
    return process, found[1]


def last_line(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        text = answer.read().decode()
    return int(float(re.search(r"^holdfast_audit_last_line (\S+)$", text, re.M)[1]))


def rsyslog(processes, folder, audit_file):
    text = (ROOT / "examples" / "trail" / "rsyslog.conf").read_text()
    assert "/var/log/holdfast/audit.jsonl" in text and "/var/log/holdfast-collected.jsonl" in text
    text = text.replace("/var/log/holdfast/audit.jsonl", str(audit_file)).replace(
        "/var/log/holdfast-collected.jsonl", str(folder / "collected.jsonl"))
    (folder / "spool").mkdir()
    (folder / "rsyslog.conf").write_text(
        f'global(workDirectory="{folder}/spool" maxMessageSize="64k")\n' + text)
    checked = subprocess.run(
        ["rsyslogd", "-N1", "-f", folder / "rsyslog.conf"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if checked.returncode:
        raise SystemExit(f"rsyslog does not take its configuration: {checked.stdout}")
    return processes.start(
        ["rsyslogd", "-n", "-f", folder / "rsyslog.conf", "-i", folder / "rsyslog.pid"],
        stdout=open(folder / "rsyslog.log", "w"), stderr=subprocess.STDOUT)


def rotate(folder, name, audit_file, holdfast):
    text = (ROOT / "examples" / "trail" / name).read_text()
    text = text.replace("/var/log/holdfast/audit.jsonl", str(audit_file))
    text = text.replace("    su holdfast holdfast\n", "")
    text = text.replace("systemctl kill --signal=HUP --kill-whom=main holdfast.service", f"kill -HUP {holdfast.pid}")
    text = text.replace("    compress\n", "")  # compressed files would have to be read here, too
    (folder / "logrotate.conf").write_text(text)
    subprocess.run(
        ["logrotate", "--force", "--state", folder / "logrotate.state", folder / "logrotate.conf"], check=True)


def judge(lines, last):
    """What came, compared with the lines 1 to `last` that were written."""
    numbers, torn = [], 0
    for line in lines:
        try:
            numbers.append(json.loads(line)["line"])
        except (ValueError, KeyError, TypeError):
            torn += 1
    return {
        "written": last, "arrived": len(numbers), "missing": last - len(set(numbers) & set(range(1, last + 1))),
        "doubled": len(numbers) - len(set(numbers)), "torn": torn,
        "out of order": sum(one > two for one, two in zip(numbers, numbers[1:]))}


def with_rsyslog(program, seconds, kind):
    with tempfile.TemporaryDirectory() as name, Processes() as processes:
        folder = pathlib.Path(name)
        audit_file = folder / "log" / "audit.jsonl"
        audit_file.parent.mkdir()
        gateway = start_gateway(processes, program, folder)
        size = "64KiB" if kind == "own" else "1GiB"
        collector = rsyslog(processes, folder, audit_file)
        holdfast, url = start_holdfast(
            processes, program, folder,
            {"stdout": False, "file": {"path": str(audit_file), "max_size": size, "keep": 1000}}, gateway,
            subprocess.DEVNULL)
        rotations = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(1)
            if kind != "own" and audit_file.exists():
                file = "logrotate.conf" if kind == "logrotate" else "logrotate-copytruncate.conf"
                rotate(folder, file, audit_file, holdfast)
                rotations += 1
        status = Processes.stop(holdfast)
        on_disk = sorted(audit_file.parent.iterdir())
        written = [json.loads(line)["line"] for file in on_disk for line in file.read_text().splitlines()]
        last = max(written)
        collected = folder / "collected.jsonl"

        def has_all():
            text = collected.read_text() if collected.exists() else ""
            return len(text.splitlines()) >= len(written)

        end = time.monotonic() + 30
        while not has_all() and time.monotonic() < end:
            time.sleep(0.1)
        Processes.stop(collector)
        result = judge(collected.read_text().splitlines(), last)
        result["rotations"] = len(on_disk) - 1 if kind == "own" else rotations
        result["not on disk"] = last - len(set(written))
        result["status"] = status
        return result


def through_a_pipe(program, seconds):
    with tempfile.TemporaryDirectory() as name, Processes() as processes:
        folder = pathlib.Path(name)
        gateway = start_gateway(processes, program, folder)
        with open(folder / "collected.jsonl", "w") as output:
            reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=output)
            holdfast, _ = start_holdfast(processes, program, folder, {"stdout": True}, gateway, reader.stdin)
            reader.stdin.close()
            time.sleep(seconds)
            status = Processes.stop(holdfast)
            reader.wait(30)
        lines = (folder / "collected.jsonl").read_text().splitlines()
        result = judge(lines, max(json.loads(line)["line"] for line in lines))
        result["status"] = status
        return result


def main(arguments):
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 64
    for tool in ("rsyslogd", "logrotate"):
        if not shutil.which(tool):
            print(f"{tool} is not installed: scripts/deps.sh try", file=sys.stderr)
            return 69
    program = pathlib.Path(arguments[0]).resolve()
    seconds = float(arguments[1]) if len(arguments) > 1 else 10
    wrong = False
    for kind in ("own", "logrotate", "copytruncate", "pipe"):
        result = through_a_pipe(program, seconds) if kind == "pipe" else with_rsyslog(program, seconds, kind)
        print(f"{kind:12} " + ", ".join(f"{value} {key}" for key, value in result.items()), flush=True)
        allowed = result["not on disk"] if kind == "copytruncate" else 0
        # rsyslog may find a truncated file at a moment at which it has read only a part of it; what it then leaves out
        # is copytruncate's price as well, and reported above.
        lost = 0 if kind == "copytruncate" else result["missing"] - allowed
        wrong |= lost > 0 or result["doubled"] > 0 or result["torn"] > 0 or result["status"] != 0
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

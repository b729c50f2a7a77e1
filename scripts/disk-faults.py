#!/usr/bin/env python3
"""What a bad day of the disk does to a running `holdfast run`: nothing to its streams.

    scripts/disk-faults.py                       every fault
    scripts/disk-faults.py --only "disk full"    one of them; may be repeated
    scripts/disk-faults.py --list

Starts a gateway of its own and the exporter, with its trail where the fault strikes, under load. During each fault the
streams must go on receiving and scrapes must be answered; afterwards the trail must hold every line that was not counted in
holdfast_audit_dropped_total, and a line `audit_dropped` for those that were. A fault that takes rights which are not there
(a file system of one's own needs root) is left out, and said so. Ends with status 1 where any of it fails.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from campaign import Exporter, Failure, Gateway, require


class Day:
    """One gateway and one exporter, whose trail is `path`."""

    def __init__(self, options, folder, path="trail/audit.jsonl", gaps=0.3, rate=50, fsync="interval", streams=10):
        self.folder = pathlib.Path(folder)
        self.gateway = Gateway(1, rate, gaps=gaps, drops=0)
        self.gateway.is_faulty = True
        self.exporter = Exporter(
            options.program, folder, self.gateway, streams, f"path: {path}, fsync: {fsync}, max_size: 1GiB, keep: 3")
        self.trail = self.folder / path

    def start(self, *before):
        self.exporter.start(*before)
        self.exporter.wait_until_listening()
        self.goes_on("before the fault")

    def received(self):
        return sum(values.get("holdfast_messages_received_total", 0) for values in self.exporter.streams().values())

    def goes_on(self, when, messages=500, within=60):
        """Every stream is live, and messages keep coming."""
        begin, end = self.received(), time.monotonic() + within
        while self.received() < begin + messages:
            require(time.monotonic() < end, f"{when}: {messages} messages did not come within {within} s")
            time.sleep(0.05)
        up = [values.get("holdfast_stream_up") for values in self.exporter.streams().values()
              if "holdfast_stream_up" in values]
        require(up and all(up), f"{when}: {up.count(0)} of {len(up)} streams are down")

    def stop(self):
        self.exporter.process.terminate()
        status = self.exporter.process.wait(60)
        require(status == 0, f"it did not end cleanly: {status}\n{self.exporter.log()}")

    def lines(self, *paths):
        """The lines of these files, in the order of their numbers."""
        lines = []
        for path in paths or [self.trail]:
            for number, text in enumerate(path.read_bytes().splitlines(), 1):
                try:
                    lines.append(json.loads(text))
                except ValueError:
                    raise Failure(f"{path.name}:{number} is no line: {text[:120]!r}")
        return sorted(lines, key=lambda line: line["line"])

    def check(self, lines, missing=0, said=None):
        """`missing` lines are not there, of which the trail itself has `said` so."""
        numbers = [line["line"] for line in lines]
        require(len(numbers) == len(set(numbers)), "a line is there twice")
        holes = numbers[-1] - numbers[0] + 1 - len(numbers)
        named = sum(line["count"] for line in lines if line["event"] == "audit_dropped" and line["sink"] == "file")
        require(holes == missing, f"{holes} lines are missing, {missing} were counted")
        require(said is None or named == said, f"{named} missing lines are named in the trail, {said} were counted")
        return f"{len(lines)} lines, {holes} dropped, counted and named" if missing else f"{len(lines)} lines, none lost"


def wait_for(condition, what, within=90):
    end = time.monotonic() + within
    while not condition():
        require(time.monotonic() < end, f"{what} did not come about within {within} s")
        time.sleep(0.05)


def own_file_system(day, options):
    """The exporter in a mount namespace of its own, with a small file system for the trail; its path from here."""
    (day.folder / "trail").mkdir()
    day.start("unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size={options} tmpfs trail && exec "$0" "$@"')
    return pathlib.Path(f"/proc/{day.exporter.process.pid}/root{day.folder}/trail")


def fill(path, size):
    """Writes until the disk is full."""
    other = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(other, b"x" * size)
    except OSError:
        os.close(other)


def can_mount():
    return subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode == 0


NEEDS_MOUNT = "needs the right to mount a file system of its own (root, or CAP_SYS_ADMIN)"


def full_for_a_while(day):
    """The disk fills up and is emptied again before the queue is full: nothing is lost."""
    if not can_mount():
        return NEEDS_MOUNT
    trail = own_file_system(day, "4m")
    fill(trail / "other", 4096)
    wait_for(lambda: "No space left" in day.exporter.log(), "the notice of a full disk")
    day.goes_on("on a full disk")
    os.unlink(trail / "other")
    wait_for(lambda: "works again" in day.exporter.log(), "the notice that the disk works again")
    day.goes_on("after the full disk")
    day.gateway.is_paused = True
    time.sleep(1.5)
    lines = day.lines(trail / "audit.jsonl")
    day.stop()
    return day.check(lines)


def full_for_long(day):
    """The disk stays full until the queue is full too: what is dropped is counted, and named when there is room."""
    if not can_mount():
        return NEEDS_MOUNT
    trail = own_file_system(day, "64m")
    fill(trail / "other", 65536)
    wait_for(lambda: day.exporter.dropped() > 1000, "a full queue", within=240)
    day.goes_on("on a disk that stays full")
    day.gateway.gaps = 0.01
    os.unlink(trail / "other")
    wait_for(lambda: any(b"audit_dropped" in line for line in (trail / "audit.jsonl").read_bytes().splitlines()[-20000:]),
             "the line that names what was dropped")
    day.goes_on("after the full disk")
    day.gateway.is_paused = True
    time.sleep(1.5)
    dropped = day.exporter.dropped()
    lines = day.lines(trail / "audit.jsonl")
    day.stop()
    return day.check(lines, missing=dropped, said=dropped)


def read_only(day):
    """The file system becomes read-only, and writable again."""
    if not can_mount():
        return NEEDS_MOUNT
    trail = own_file_system(day, "64m")

    # The mount and not the file system, which an open file keeps writable; the exporter finds out when it opens the file.
    namespace = f"--mount=/proc/{day.exporter.process.pid}/ns/mnt"
    place = str(day.folder / "trail")
    subprocess.run(["nsenter", namespace, "mount", "--bind", place, place], check=True)
    subprocess.run(["nsenter", namespace, "mount", "-o", "remount,bind,ro", place], check=True)
    day.exporter.process.send_signal(1)
    wait_for(lambda: "Read-only file system" in day.exporter.log(), "the notice of a read-only file system")
    day.goes_on("on a read-only file system")
    subprocess.run(["nsenter", namespace, "mount", "-o", "remount,bind,rw", place], check=True)
    wait_for(lambda: "works again" in day.exporter.log(), "the notice that it works again")
    day.gateway.is_paused = True
    time.sleep(1.5)
    lines = day.lines(trail / "audit.jsonl")
    day.stop()
    return day.check(lines)


def renamed(day):
    """logrotate with `create`: the file is renamed, and the exporter told by SIGHUP."""
    (day.folder / "trail").mkdir()
    day.start()
    for number in range(3):
        os.rename(day.trail, f"{day.trail}.old-{number}")
        if number < 2:
            day.exporter.process.send_signal(1)
        # The third time it is not told, and finds out by itself.
        wait_for(day.trail.exists, "a new file")
        day.goes_on("after a rotation", messages=100)
    day.stop()
    return day.check(day.lines(*day.folder.glob("trail/audit.jsonl*")))


def copied_and_truncated(day):
    """logrotate with `copytruncate`: lines written between the copy and the cut are logrotate's loss, so none are."""
    (day.folder / "trail").mkdir()
    day.start()
    for number in range(3):
        day.gateway.is_paused = True
        wait_for(lambda: sum(v.get("holdfast_messages_pending", 0) for v in day.exporter.streams().values()) == 0, "calm")
        time.sleep(0.5)
        (day.folder / f"trail/audit.jsonl.old-{number}").write_bytes(day.trail.read_bytes())
        os.truncate(day.trail, 0)
        day.gateway.is_paused = False
        day.goes_on("after the cut", messages=100)
    day.stop()
    require(b"\0" not in day.trail.read_bytes(), "the file has a hole where it was cut")
    return day.check(day.lines(*day.folder.glob("trail/audit.jsonl*")))


def deleted(day):
    """The file is deleted: what comes then is in a new one of that name."""
    (day.folder / "trail").mkdir()
    day.start()
    kept = os.open(day.trail, os.O_RDONLY)
    os.unlink(day.trail)
    wait_for(day.trail.exists, "a new file")
    day.goes_on("after the deletion", messages=100)
    day.stop()
    (day.folder / "trail/deleted").write_bytes(b"".join(iter(lambda: os.read(kept, 65536), b"")))
    os.close(kept)
    return day.check(day.lines(day.folder / "trail/deleted", day.trail))


def directory_away(day):
    """The directory is moved away, and comes back."""
    (day.folder / "trail").mkdir()
    day.start()
    os.rename(day.folder / "trail", day.folder / "away")
    wait_for(lambda: "lines wait in memory" in day.exporter.log(), "the notice of a missing directory")
    day.goes_on("without the directory")
    os.rename(day.folder / "away", day.folder / "trail")
    wait_for(lambda: "works again" in day.exporter.log(), "the notice that it works again")
    day.gateway.is_paused = True
    time.sleep(1)
    day.stop()
    return day.check(day.lines())


def hangs(day):
    """A disk that hangs: a pipe that nobody reads, and then slowly. With `fsync: always`, where streams wait for it."""
    (day.folder / "trail").mkdir()
    os.mkfifo(day.trail)
    # Held open, so that it keeps what is in it.
    reading = os.open(day.trail, os.O_RDONLY | os.O_NONBLOCK)
    day.start()
    # The pipe takes 64 KiB before it hangs.
    wait_for(lambda: "streams do not wait for it" in day.exporter.log(), "the notice of a disk that hangs")
    day.goes_on("while the disk hangs")
    day.gateway.gaps = 0
    collected, done = [], threading.Event()

    def read_slowly():
        while not done.is_set():
            try:
                collected.append(os.read(reading, 4096))
            except BlockingIOError:
                pass
            time.sleep(0.002)
    reader = threading.Thread(target=read_slowly)
    reader.start()
    day.goes_on("while the disk is slow")
    day.gateway.is_paused = True
    time.sleep(2)
    day.stop()
    time.sleep(0.5)
    done.set()
    reader.join()
    data = b"".join(collected)
    (day.folder / "read").write_bytes(data[:data.rfind(b"\n") + 1])
    return f"{data.count(10)} lines read from it"


FAULTS = {
    "disk full for a while": (full_for_a_while, {}),
    "disk full for long": (full_for_long, {"gaps": 1, "rate": 300, "streams": 20}),
    "read-only": (read_only, {}),
    "renamed": (renamed, {}),
    "copied and truncated": (copied_and_truncated, {}),
    "deleted": (deleted, {}),
    "directory moved away": (directory_away, {}),
    "disk that hangs": (hangs, {"fsync": "always"}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/debug/holdfast")
    parser.add_argument("--only", action="append", help="the fault of this name")
    parser.add_argument("--list", action="store_true", help="print the faults, and end")
    options = parser.parse_args()
    if options.list:
        print("\n".join(FAULTS))
        return 0
    is_good = True
    for name in options.only or FAULTS:
        if name not in FAULTS:
            parser.error(f"there is no fault “{name}”; --list names them")
        scenario, how = FAULTS[name]
        with tempfile.TemporaryDirectory(prefix="holdfast-disk-") as folder:
            day = Day(options, folder, **how)
            try:
                print(f"{name}: {scenario(day)}", flush=True)
            except (Failure, OSError, subprocess.SubprocessError) as failure:
                print(f"{name}: FAILED: {failure}\n{day.exporter.log()[-1500:] if day.exporter.process else ''}", flush=True)
                is_good = False
            finally:
                day.exporter.end()
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())

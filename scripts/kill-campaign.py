#!/usr/bin/env python3
"""Kills a running `holdfast run` again and again, and checks after each death that nothing was lost without a trace.

    scripts/kill-campaign.py --kills 300 [--seed 7] [--fsync always|interval|never]

The gateway is this script: it numbers messages, leaves numbers out, ends connections, replays less than it is asked for,
and remembers what it sent to whom. The exporter is the real program with a file for its audit trail and a state directory.
It dies at moments that the seed draws, by SIGKILL, under load. One time in ten the script also tears the last line of the
trail, as a loss of power would. Checked after each death, and after each start:

  * every line of the trail is whole, the last one of the file aside; a torn one is set aside by the next start;
  * the numbers of the lines go on: none is missing, none comes twice, over all lives and rotated files;
  * the file of the cursors is whole; no cursor is beyond what was sent; a stream that had been live is resumed, with its
    identifier, and from nowhere beyond what its earlier life may have seen;
  * what the metrics say was received was sent before;
  * every number that was never sent to anybody is in a line that says it was lost (or is asked for again by the next life).

Now and then a life is left to settle: then received, expected and lost must equal the gateway's own record, number by
number, and `holdfast replay` must agree with the last scrape. Ends with status 1 and names the seed where any of it fails.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from campaign import Exporter, Failure, Gateway, require


class Campaign:
    def __init__(self, options, folder):
        self.options, self.folder = options, pathlib.Path(folder)
        self.random = random.Random(options.seed)
        self.gateway = Gateway(options.seed, options.rate)
        self.trail = self.folder / "audit.jsonl"
        self.exporter = Exporter(
            options.program, folder, self.gateway, options.streams,
            f"path: audit.jsonl, fsync: {options.fsync}, max_size: 256KiB, keep: 100")
        self.lines_seen = self.settled = self.kills = self.resumes = 0
        self.counts = collections.Counter()
        self.known_clients, self.baselines, self.lost = {}, {}, collections.defaultdict(list)

    def start(self):
        with self.gateway.lock:
            for session in self.gateway.sessions.values():
                session.start_life()
            self.gateway.resumes.clear()
        self.exporter.start()

    def kill(self):
        self.exporter.end()
        self.kills += 1

    # -- Checks. --

    def check_received(self):
        """While the exporter runs: asked first, so that the gateway can only have sent more since."""
        for stream, values in self.exporter.streams().items():
            clients = [client for client, name in self.known_clients.items() if name == stream]
            with self.gateway.lock:
                known = [self.gateway.sessions[client] for client in clients if client in self.gateway.sessions]
                # A stream that died before its first cursor has come back as somebody whose first line may not be read yet.
                known = [session for session in known if session.is_in_touch]
                sent = sum(session.messages + session.acknowledgments for session in known)
            require(not known or values["holdfast_messages_received_total"] <= sent,
                    f"{stream} received {values['holdfast_messages_received_total']}, {sent} were sent")

    def read_trail(self):
        """Reads what is new in the trail: whole lines, in order, without a hole."""
        rotated = sorted(self.folder.glob("audit.jsonl.[0-9]*"), key=lambda path: -int(path.suffix[1:]))
        require(len(rotated) < 100, "too many rotated files: the campaign would lose lines by itself")
        for path in [*rotated, self.trail]:
            if not path.exists():
                continue
            data = path.read_bytes()
            whole, _, rest = data.rpartition(b"\n")
            require(not rest or path == self.trail, f"{path.name} ends with a torn line, and it is not the last file")
            for text in whole.split(b"\n") if whole else []:
                try:
                    line = json.loads(text)
                except ValueError:
                    raise Failure(f"{path.name} has a line that is no JSON: {text[:200]!r}")
                if line["line"] <= self.lines_seen:
                    continue
                require(line["line"] == self.lines_seen + 1,
                        f"{path.name}: line {line['line']} follows line {self.lines_seen}")
                self.lines_seen += 1
                self.take(line)
            if rest:
                return len(rest)
        return 0

    def take(self, line):
        self.counts[line["event"]] += 1
        if line["event"] == "stream_started":
            stream, client = line["stream"], line["clientId"]
            self.known_clients[client] = stream
        if line["event"] == "messages_lost":
            self.lost[line["stream"]].append((line["first"], line["last"]))

    def tear(self):
        """Cuts the last line of the trail, as a loss of power would."""
        data = self.trail.read_bytes() if self.trail.exists() else b""
        start = data.rfind(b"\n", 0, len(data) - 1) + 1
        # The line that is torn must not have been read yet: it comes again under its number.
        if data.endswith(b"\n") and len(data) - start > 2:
            # What it said is known to whoever reads what was set aside; it only must not be missed here.
            line = json.loads(data[start:])
            if line["event"] == "messages_lost":
                self.lost[line["stream"]].append((line["first"], line["last"]))
            os.truncate(self.trail, self.random.randint(start + 1, len(data) - 1))

    def check_cursors(self):
        path = self.folder / "state" / "cursors.jsonl"
        if not path.exists():
            return {}
        cursors = {}
        for text in path.read_text().splitlines():
            cursor = json.loads(text)
            cursors[cursor["clientID"]] = cursor.get("lastSequence")
        with self.gateway.lock:
            for client, last in cursors.items():
                session = self.gateway.sessions.get(client)
                require(session is not None, f"a cursor is of the client {client}, whom the gateway has never seen")
                require(last is None or last <= session.highest, f"{client}: the cursor {last} is beyond {session.highest}")
        return cursors

    def check_resumes(self, cursors):
        """In the next life: whoever comes back comes back as itself, from its cursor."""
        with self.gateway.lock:
            resumes = list(self.gateway.resumes)
            fresh = [client for client, session in self.gateway.sessions.items()
                     if session.first_subscription not in (None, 0)]
        require(not fresh, f"{fresh} subscribed anew instead of resuming")
        seen = set()
        for client, last in resumes:
            if client in seen or client not in cursors:
                continue
            seen.add(client)
            self.resumes += 1
            require(last == (cursors[client] or 0), f"{client} resumed from {last}, its cursor was {cursors[client]}")

    def check_lost(self):
        """Every number up to the cursor was sent to somebody, or the trail says it was lost."""
        for client, last in self.check_cursors().items():
            stream = self.known_clients.get(client)
            if stream is None or last is None:
                continue
            with self.gateway.lock:
                session = self.gateway.sessions[client]
                baseline = self.baselines.setdefault(client, min(session.sent_ever, default=last))
                never = [n for n in range(baseline + 1, last + 1) if n not in session.sent_ever]
            lost = set()
            for first, end in self.lost[stream]:
                lost.update(range(first, min(end, last) + 1))
            for number in never:
                require(number in lost, f"{stream}: {number} was never sent, the cursor is {last}, and no line says it was lost")

    def settle(self):
        """Waits until nothing is under way, then compares everything."""
        self.gateway.is_faulty = False
        time.sleep(0.5)
        self.gateway.is_paused = True
        end = time.monotonic() + 60
        while True:
            values = self.exporter.streams()
            # A stream that died before its first cursor has come back as somebody else: the latest counts.
            by_stream = {stream: client for client, stream in self.known_clients.items()}
            with self.gateway.lock:
                present = {client: self.gateway.sessions[client] for client in by_stream.values()
                           if client in self.gateway.sessions}
                is_calm = len(present) == self.options.streams and all(s.connection for s in present.values())
                expected = {client: (session.highest, session.messages) for client, session in present.items()}
            if is_calm and all(
                    v["holdfast_messages_pending"] == 0 and v["holdfast_stream_up"] == 1
                    and by_stream.get(s) in expected and v["holdfast_last_sequence"] == expected[by_stream[s]][0]
                    for s, v in values.items() if "holdfast_messages_pending" in v):
                break
            if time.monotonic() > end:
                raise Failure("the streams did not settle within a minute")
            self.read_trail()
            time.sleep(0.05)
        time.sleep(0.1)
        values = self.exporter.streams()
        for stream, v in values.items():
            if "holdfast_messages_pending" not in v:
                continue
            with self.gateway.lock:
                session = self.gateway.sessions[by_stream[stream]]
                start = session.resumed_from
                if start is None or session.cut_by_client:
                    continue
                numbers = range(start + 1, session.highest + 1)
                never = [n for n in numbers if n not in session.sent]
                arrived = sum(1 for n in session.sent if n > start)
            lost = v["holdfast_messages_lost_total"] - v["holdfast_messages_late_total"]
            for what, ours, theirs in [
                    ("expected", v["holdfast_messages_expected_total"] , len(numbers)), ("lost", lost, len(never)),
                    ("unique", v["holdfast_messages_expected_total"] - lost, arrived)]:
                require(ours == theirs, f"{stream}: {what} is {ours}, the gateway says {theirs} (from {start} to {session.highest})")
        agreed = subprocess.run(
            [self.exporter.program, "replay", "--scrape", f"http://127.0.0.1:{self.exporter.port}/metrics", "audit.jsonl"],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        require(agreed.returncode == 0, f"replay and scrape differ:\n{agreed.stdout[-2000:]}")
        require(self.exporter.dropped() == 0, "lines of the trail were dropped")
        self.settled += 1
        self.gateway.is_paused = False

    def life(self, number):
        self.gateway.is_faulty = True
        cursors = self.check_cursors()
        self.read_trail()
        self.start()
        delay = self.random.choice([0.05, 0.3, 1, 2]) * self.random.random() + self.random.random()
        end = time.monotonic() + delay
        if number % self.options.settle_every == self.options.settle_every - 1:
            self.exporter.wait_until_listening()
            self.settle()
        elif delay > 1:
            self.exporter.wait_until_listening()
            self.check_received()
        time.sleep(max(0, end - time.monotonic()))
        require(self.exporter.process.poll() is None, f"the exporter ended by itself:\n{self.exporter.log()[-3000:]}")
        self.kill()
        self.check_resumes(cursors)
        if self.random.random() < 0.1:
            self.tear()
        self.read_trail()
        self.check_lost()

    def run(self):
        for number in range(self.options.kills):
            self.life(number)
            if sys.stderr.isatty() or number % 50 == 49:
                print(f"{number + 1} kills, {self.lines_seen} lines", file=sys.stderr, flush=True)
        self.start()
        self.exporter.wait_until_listening()
        self.gateway.is_faulty = True
        self.settle()
        self.exporter.process.terminate()
        require(self.exporter.process.wait(30) == 0, "the last life did not end cleanly")
        require(self.read_trail() == 0, "the trail ends with a torn line after a clean end")
        self.check_lost()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/debug/holdfast")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--rate", type=float, default=40, help="messages a second of each stream")
    parser.add_argument("--fsync", choices=["always", "interval", "never"], default="interval")
    parser.add_argument("--settle-every", type=int, default=10, help="every so many lives one is left to settle")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="holdfast-kill-")
    campaign = Campaign(options, folder)
    is_good = False
    try:
        campaign.run()
        is_good = True
    except (Failure, OSError) as failure:
        print(f"FAILED with --seed {options.seed} --fsync {options.fsync} after {campaign.kills} kills: {failure}\n"
              f"what it left is in {folder}", file=sys.stderr)
    finally:
        campaign.exporter.end()
    if is_good:
        print(f"seed {options.seed}, fsync {options.fsync}: {campaign.kills} kills, {campaign.lines_seen} lines of the trail, "
              f"lines lost: 0, torn lines set aside: {len(list(pathlib.Path(folder).glob('audit.jsonl.torn-*')))}, "
              f"streams resumed: {campaign.resumes}, lives compared number by number: {campaign.settled}, "
              f"ranges of lost messages in the trail: {campaign.counts['messages_lost']}")
        if not options.keep:
            subprocess.run(["rm", "-rf", folder], check=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())

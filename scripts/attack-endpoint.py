#!/usr/bin/env python3
"""Attacks the HTTP endpoint of a running `holdfast run` and measures what a scrape from another client takes meanwhile.

    scripts/attack-endpoint.py                          every attack, on plain HTTP
    scripts/attack-endpoint.py --tls                    the same through TLS and basic authentication, with two more
    scripts/attack-endpoint.py --only "slow readers"    one of them; may be repeated
    scripts/attack-endpoint.py --list

Starts a simulated gateway and the exporter, each a process of its own, and ends them. Attackers are further processes
with another address (127.0.0.2) and a lower priority, as they would be on another machine; each attack stands between
two quiet measurements, and is judged by them, so that what else the machine does weighs on both. The attacker sits on
the same machine and takes its processors too: therefore scrapes are also measured with the same burden beside them, a
process that takes as much processor time as the attacker did, at its priority, and leaves the endpoint alone. What the
attack costs beyond that is what it does to the exporter. A scrape is a new connection, a request as Prometheus makes
it, and the whole answer. Ends with status 1 where a scrape failed during an attack, or where the median took longer
than two quiet ones.
"""

import argparse
import base64
import multiprocessing
import os
import pathlib
import random
import resource
import select
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

VICTIM = "127.0.0.1"
ATTACKER = "127.0.0.2"
SCRAPE = (
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nUser-Agent: Prometheus\r\nConnection: close\r\nAccept-Encoding: gzip\r\n"
    b"Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n%s\r\n")
# Of "secret", at the cost that htpasswd suggests.
USERS = "basic_auth_users:\n  prometheus: $2y$10$Np/dVSLb6y4TPQPcCtUeL.UKZ9m1oXt2mrCSmpe3cOU/EgQ32cmDG\n"
LOGIN = b"Authorization: Basic " + base64.b64encode(b"prometheus:secret") + b"\r\n"


# -- What an attacker does. Each takes the target, sets itself up, says `ready`, and goes on until it is killed. --

class Target:
    def __init__(self, port, tls):
        self.port, self.tls = port, tls

    def connect(self, source=ATTACKER, receive=None, handshake=True):
        plain = socket.socket()
        if receive:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(10)
        plain.bind((source, 0))
        plain.connect((VICTIM, self.port))
        if not self.tls or not handshake:
            return plain
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(plain)


def hold(target, ready, count, first, later=None, receive=None, handshake=True):
    """`count` connections that send `first`, then what `later` makes every second, and never read. Those that the
    server ends are opened anew."""
    poller, held, opened = select.poll(), {}, 0

    def open_one():
        nonlocal opened
        try:
            sock = target.connect(receive=receive, handshake=handshake)
            sock.sendall(first(opened) if callable(first) else first)
        except OSError:
            return
        opened += 1
        held[sock.fileno()] = (sock, opened)
        poller.register(sock, select.POLLRDHUP | select.POLLHUP | select.POLLERR)

    announced, next_send = False, time.monotonic() + 1
    while True:
        for _ in range(min(count - len(held), 500)):
            open_one()
        if not announced and (len(held) >= count * 0.8 or opened >= count):
            ready.set()
            announced = True
        for descriptor, _ in poller.poll(20):
            poller.unregister(descriptor)
            held.pop(descriptor)[0].close()
        if later and time.monotonic() >= next_send:
            next_send = time.monotonic() + 1
            for sock, number in list(held.values()):
                try:
                    sock.send(later(number))
                except OSError:
                    pass


def repeat(target, ready, sequence, per_second, read=True):
    """A new connection for each of `sequence`, again and again: sends it, reads what comes back for a moment."""
    ready.set()
    started, done = time.monotonic(), 0
    while True:
        for data in sequence:
            try:
                with target.connect() as sock:
                    sock.settimeout(0.02)
                    try:
                        for part in data() if callable(data) else [data]:
                            sock.sendall(part)
                        while read and sock.recv(65536):
                            pass
                    except (OSError, ssl.SSLError):
                        pass
            except (OSError, ssl.SSLError):
                pass
            done += 1
            time.sleep(max(0, done / per_second - (time.monotonic() - started)))


def head(method="GET", path="/metrics", *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


MALFORMED = [
    b"GET\r\n\r\n", b"GET /metrics\r\n\r\n", b"GET  /metrics  HTTP/1.1\r\n\r\n", b"\x00" * 200, b"\x16\x03\x01\x02\x00\x01" * 30,
    b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nno colon\r\nHost: x\r\n\r\n", b"GET /%zz%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/v1/audit?limit=-1&limit=9e99 HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n" * 2000, b"A" * 30000,
    head("POST", "/-/reload", "Content-Length: -1"), head("POST", "/-/reload", "Content-Length: 9" * 1 + "9" * 40),
    head("GET", "/metrics", "Accept-Encoding: " + "gzip;q=0." * 2000), bytes(random.Random(7).randbytes(20000)),
]
SMUGGLED = b"POST /-/reload HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLING = [
    head("POST", "/-/healthy", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED,
    head("POST", "/-/healthy", "Content-Length: 0", "Content-Length: 40") + SMUGGLED,
    head("GET", "/-/healthy", "Transfer-Encoding: chunked", "Transfer-Encoding: identity") + b"0\r\n\r\n" + SMUGGLED,
    head("GET", "/-/healthy", "Transfer-Encoding: xchunked") + b"0\r\n\r\n" + SMUGGLED,
    head("GET", "/-/healthy", "Transfer-Encoding : chunked") + b"0\r\n\r\n" + SMUGGLED,
    head("GET", "/-/healthy", "X: y\r\n Content-Length: 40") + SMUGGLED,
    b"GET /-/healthy HTTP/1.1\nHost: x\nContent-Length: 4\n\n" + SMUGGLED,
    head("POST", "/-/healthy", "Transfer-Encoding: chunked") + b"5;" + b"x" * 4000 + b"\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
    head("POST", "/-/healthy", "Transfer-Encoding: chunked") + b"0x5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
    head("POST", "/-/healthy", "Transfer-Encoding: chunked") + b"fffffffffffffffff\r\n" + SMUGGLED,
]


def oversized():
    def parts(first, size):
        return lambda: [first] + [b"a" * 65536] * (size // 65536)
    return [
        parts(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Filler: ", 10 << 20), parts(b"GET /", 10 << 20),
        parts(head("POST", "/-/reload", "Content-Length: 104857600"), 100 << 20),
        lambda: [head("POST", "/-/reload", "Transfer-Encoding: chunked")] + [b"10000\r\n" + b"a" * 65536 + b"\r\n"] * 1600,
    ]


def pipeline(target, ready):
    """Twenty connections, each with 200 scrapes and 2,000 smaller requests at once; half of them never read."""
    held, requests = [], head() * 200 + head(path="/-/healthy") * 2000
    for number in range(20):
        sock = target.connect()
        sock.setblocking(False)
        held.append([sock, requests, number % 2 == 0])
    ready.set()
    while True:
        for entry in held:
            sock, left, reads = entry
            try:
                if reads:
                    sock.recv(262144)
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            except (OSError, ssl.SSLError):
                entry[:2] = [target.connect(), requests]
                entry[0].setblocking(False)
                sock.close()
                continue
            try:
                entry[1] = left[sock.send(left[:65536]):] or requests
            except (OSError, ssl.SSLError):
                pass
        time.sleep(0.001)


def connect_and_leave(target, ready):
    ready.set()
    while True:
        for _ in range(20):
            try:
                with target.connect(handshake=False) as sock:
                    sock.sendall(head())
            except OSError:
                pass
        time.sleep(0.01)


def reconnect(target, ready):
    """Complete handshakes from eight addresses, one after the other without a pause, and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    ready.set()
    while True:
        for number in range(8):
            try:
                with context.wrap_socket(target.connect(f"127.0.0.{2 + number}", handshake=False)):
                    pass
            except OSError:
                pass


def guess(target, ready):
    """Logins with wrong passwords, each on a connection of its own."""
    def login(number):
        return head("GET", "/metrics", "Authorization: Basic " + base64.b64encode(b"prometheus:%d" % number).decode())
    repeat(target, ready, [login(number) for number in range(10_000)], 200)


SLOW_HEAD = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "
STUCK = head(path="/api/v1/audit?follow=true&limit=10000")
ATTACKS = {
    "slow readers": lambda t, r: hold(t, r, 300, head(), receive=2048),
    "slow writers": lambda t, r: hold(t, r, 2000, SLOW_HEAD, later=lambda _: b"a"),
    "slow bodies": lambda t, r: hold(
        t, r, 1000, head("POST", "/-/reload", "Content-Length: 60000"), later=lambda _: b"a"),
    "10,000 idle connections": lambda t, r: hold(t, r, 10_000, b"", handshake=False),
    "oversized requests": lambda t, r: repeat(t, r, oversized(), 50),
    "malformed requests": lambda t, r: repeat(t, r, MALFORMED, 300),
    "smuggling shapes": lambda t, r: repeat(t, r, SMUGGLING, 300),
    "pipelining": pipeline,
    "followers that stop reading": lambda t, r: hold(t, r, 300, STUCK, receive=2048),
    "connecting and leaving": connect_and_leave,
}
TLS_ATTACKS = {
    "half handshakes": lambda t, r: hold(t, r, 2000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", handshake=False),
    "guessed passwords": guess,
    "handshakes and nothing else": reconnect,
}


def hurry(priority):
    """Takes the processor before everything that is not measured: on a machine with other work, or none at all."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))


def stand_back(realtime):
    """The priority of an attacker, and of the burden that stands for one."""
    if realtime:
        hurry(1)
    else:
        os.nice(19)


def burden(share, realtime):
    """Takes `share` of a processor, and touches nothing."""
    stand_back(realtime)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        until = time.thread_time() + 0.005 * share
        while time.thread_time() < until:
            pass
        time.sleep(max(0.00005, 0.005 * (1 - share)))


def processor_seconds(process):
    """What the process with this number has used so far, in user and system mode."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def attacker(name, port, tls, ready, realtime):
    stand_back(realtime)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    attack = {**ATTACKS, **TLS_ATTACKS}[name]
    target = Target(port, tls)
    attack(target, ready)


# -- The measured side. --

class Victim:
    """The gateway and the exporter, in a folder of their own."""

    def __init__(self, program, streams, tls, realtime, folder):
        self.folder, self.tls, self.realtime, self.started = pathlib.Path(folder), tls, realtime, []
        (self.folder / "faults.yml").write_text(
            "seed: 1\nsteps:\n  - {every: 500ms, fault: {gap: 1}}\n  - {every: 5s, fault: drop, probability: 0.2}\n")
        self.gateway = self.start(program, "gateway", "--port", "0", "--rate", "2", "--script", "faults.yml")
        gateway = self.wait_for(self.gateway, "http://")
        lines = [
            "credentials:", "  simulated:", "    type: oauth2_client_credentials", f"    token_url: {gateway}/oauth/token",
            "    client_id: attacked", "    client_secret_env: SECRET", "streams:"]
        for number in range(streams):
            lines += [
                f"  - name: stream-{number}", "    profile: genesys-architect", "    credential: simulated",
                f"    url: {gateway.replace('http', 'ws', 1)}/api/v2/architect/websocket",
                "    subscriptions: [queueEvents]"]
        (self.folder / "holdfast.yml").write_text("\n".join(lines) + "\n")
        flags = ["--config.file", "holdfast.yml", "--web.listen-address", "0.0.0.0:0"]
        if tls:
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                 "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"],
                cwd=folder, check=True, stderr=subprocess.DEVNULL)
            (self.folder / "web.yml").write_text(
                "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n" + USERS)
            flags += ["--web.config.file", "web.yml"]
        self.exporter = self.start(program, "run", *flags)
        self.port = int(self.wait_for(self.exporter, "address=").rsplit(":", 1)[1])

    def start(self, program, command, *arguments):
        output = open(self.folder / f"{command}.log", "wb")
        process = subprocess.Popen(
            [program, command, *arguments], cwd=self.folder, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, "SECRET": "secret-of-the-campaign"})
        process.log = self.folder / f"{command}.log"
        self.started.append(process)
        return process

    def wait_for(self, process, mark):
        """The word after which `mark` stands in the program's output."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            for line in process.log.read_text(errors="replace").splitlines():
                for word in line.split():
                    if word.startswith(mark):
                        return word.removeprefix("address=").strip('"').rstrip("/")
            time.sleep(0.1)
        sys.exit(f"{process.args[1]} did not start:\n{process.log.read_text(errors='replace')[-2000:]}")

    def scrape(self, timeout=10):
        """Seconds that a scrape took; None where it failed."""
        started = time.monotonic()
        try:
            with Target(self.port, self.tls).connect(source=VICTIM) as sock:
                sock.settimeout(timeout)
                sock.sendall(SCRAPE % (LOGIN if self.tls else b""))
                answer = bytearray()
                while part := sock.recv(262144):
                    answer += part
            return time.monotonic() - started if answer.startswith(b"HTTP/1.1 200 ") else None
        except (OSError, ssl.SSLError):
            return None

    def measure(self, seconds, pause=0.02):
        times, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            times.append(self.scrape())
            time.sleep(pause)
        return times

    def memory(self):
        status = pathlib.Path(f"/proc/{self.exporter.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    def stop(self):
        for process in reversed(self.started):
            if process.poll() is None:
                process.terminate()
        for process in self.started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def percentile(times, share):
    good = sorted(time for time in times if time is not None)
    return good[min(len(good) - 1, int(share * len(good)))] if good else float("nan")


def beside(function, *arguments):
    """A process that is killed at the end of the program, at the latest."""
    process = multiprocessing.Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


def assault(victim, name, seconds):
    """One attack between two quiet times, and the same burden without it."""
    times = {"quiet": victim.measure(seconds / 2), "under": [], "burdened": []}
    ready = multiprocessing.Event()
    process = beside(attacker, name, victim.port, victim.tls, ready, victim.realtime)
    if not ready.wait(120):
        sys.exit(f"{name}: the attack did not come about")
    peak, started, used = 0.0, time.monotonic(), [processor_seconds(p) for p in (process.pid, victim.exporter.pid)]
    for _ in range(4):
        times["under"] += victim.measure(seconds / 4)
        peak = max(peak, victim.memory())
    passed = time.monotonic() - started
    used = [(processor_seconds(p) - u) / passed for p, u in zip((process.pid, victim.exporter.pid), used)]
    process.kill()
    process.join()
    # The system sweeps up after thousands of connections; that is not a quiet minute.
    time.sleep(1)
    times["quiet"] += victim.measure(seconds / 2)
    process = beside(burden, min(1, used[0]), victim.realtime)
    times["burdened"] += victim.measure(seconds)
    process.kill()
    process.join()
    return {"times": times, "memory": peak, "used": used}


def summary(rounds):
    """What several rounds of one attack come to."""
    times = {key: [t for r in rounds for t in r["times"][key]] for key in rounds[0]["times"]}
    row = {key: [percentile(values, share) for share in (0.5, 0.95)] for key, values in times.items()}
    row |= {
        "answered": len([t for t in times["under"] if t is not None]), "failed": times["under"].count(None),
        "memory": max(r["memory"] for r in rounds),
        "used": [statistics.fmean(r["used"][index] for r in rounds) for index in range(2)]}
    row["ratio"] = [u / q for u, q in zip(row["under"], row["quiet"])]
    row["beyond"] = [u / q for u, q in zip(row["under"], row["burdened"])]
    return row


TITLES = ["attack", "quiet p50, p95 ms", "same burden p50, p95 ms", "under attack p50, p95 ms", "to quiet p50, p95",
          "to burden p50, p95", "answered", "failed", "MiB", "processors of attacker, exporter"]


def line(name, row):
    cells = [name, *["{:.1f}, {:.1f}".format(*[1000 * t for t in row[key]]) for key in ("quiet", "burdened", "under")],
             *["{:.2f}, {:.2f}".format(*row[key]) for key in ("ratio", "beyond")],
             str(row["answered"]), str(row["failed"]), f"{row['memory']:.0f}", "{:.2f}, {:.2f}".format(*row["used"])]
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/debug/holdfast", help="the program to attack")
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=12, help="of each attack, and of the quiet around it")
    parser.add_argument("--rounds", type=int, default=1, help="how often each attack is measured")
    parser.add_argument("--only", action="append", help="the attack of this name")
    parser.add_argument("--tls", action="store_true", help="through TLS, with a login")
    parser.add_argument("--realtime", action="store_true",
                        help="with real-time priorities, as root: for a machine that is busy with other things")
    parser.add_argument("--list", action="store_true", help="print the attacks, and end")
    options = parser.parse_args()
    names = list(ATTACKS) + (list(TLS_ATTACKS) if options.tls else [])
    if options.list:
        print("\n".join([*ATTACKS, *TLS_ATTACKS]))
        return 0
    for name in options.only or []:
        if name not in names:
            parser.error(f"there is no attack “{name}”; --list names them, two of them need --tls")
    program = str(pathlib.Path(options.program).resolve())
    if options.realtime:
        hurry(2)
    is_bad = False
    with tempfile.TemporaryDirectory(prefix="holdfast-attack-") as folder:
        victim = Victim(program, options.streams, options.tls, options.realtime, folder)
        try:
            print(f"{options.streams} streams, {'TLS and basic authentication' if options.tls else 'plain HTTP'};"
                  f" quiet memory {victim.memory():.0f} MiB\n")
            print(f"| {' | '.join(TITLES)} |\n|{'---|' * len(TITLES)}", flush=True)
            victim.measure(3)
            for name in options.only or names:
                row = summary([assault(victim, name, options.seconds) for _ in range(options.rounds)])
                is_bad = is_bad or row["failed"] > 0 or not row["ratio"][0] <= 2
                print(line(name, row), flush=True)
                if victim.exporter.poll() is not None:
                    sys.exit(f"the exporter has ended:\n{victim.exporter.log.read_text(errors='replace')[-3000:]}")
        finally:
            victim.stop()
    return 1 if is_bad else 0


if __name__ == "__main__":
    sys.exit(main())

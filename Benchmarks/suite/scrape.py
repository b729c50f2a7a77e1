"""Whole scrapes over loopback, of a process in which every value changes between two scrapes, streams are added and
taken away, and messages come."""
import time

from .peers import has
from .processes import OURS, PEERS, Failed, wait_until
from .rounds import ROUNDS, STREAMS, Subject, compare
from .table import at_most_times

# The threads that a scrape runs on; changes and messages have others.
SCRAPE_THREADS = ("MHD", "exposition-scr")


class Server:
    """A server of metrics under way, and the sender of messages beside it."""

    def __init__(self, workplace, *argv, messages=False, threads=(), closes=False):
        self.workplace = workplace
        self.threads = threads
        self.sender = None
        # A server that would send chunks is asked in HTTP/1.0.
        self.flags = ["-0"] if closes else []
        port_file = workplace.path("port")
        more = []
        if messages:
            self.sender = workplace.start(PEERS / "sender", 1_000_000, 5000, "numbered")
            wait_until(lambda: self.sender.text(), 10, "the sender's port")
            more = [self.sender.text().strip()]
        self.process = workplace.start(*argv, port_file, *more)
        wait_until(lambda: port_file.exists() and port_file.read_text().strip(), 60, "the server's port")
        self.port = port_file.read_text().strip()

    def fetch(self, *options, path="/metrics"):
        """Starts fetching."""
        return self.workplace.start(PEERS / "fetch", *self.flags, *options, self.port, path)

    def processor(self):
        return self.process.processor(*self.threads)

    def end(self):
        self.process.end()
        if self.sender:
            self.sender.end()


def ours(workplace, streams):
    return Server(workplace, OURS, "serve", streams, messages=True, threads=SCRAPE_THREADS)


def single(server, count, pause, *options):
    """Milliseconds of the server's processor time for a scrape, milliseconds until it is there, its bytes."""
    try:
        server.fetch("-n", 3, "-p", pause, *options).wait()
        before = server.processor()
        answer = server.fetch("-n", count, "-p", pause, *options).wait().split()
        return (server.processor() - before) * 1000 / count, float(answer[1]), float(answer[0])
    finally:
        server.end()


def measure(table, workplace):
    for streams in sorted({min(1000, STREAMS), STREAMS}):
        count, pause = (60, 30) if streams <= 1000 else (10, 250)
        bytes_of_one = int(workplace.run(OURS, "encode", streams).split()[2])
        command = f"Benchmarks serve {streams} FILE PORT; fetch -n {count} -p {pause}"
        rounds = ROUNDS if streams <= 1000 else min(ROUNDS, 3)
        compare(
            table, [f"scrape {streams:,}, server's CPU ms", f"scrape {streams:,}, ms until it is there"],
            Subject("Holdfast", lambda: single(ours(workplace, streams), count, pause)[:2], command, rounds=rounds),
            Subject(
                "libmicrohttpd, ready buffer",
                lambda: single(Server(workplace, PEERS / "http_limit", bytes_of_one), count, pause)[:2],
                f"peers/http_limit {bytes_of_one} FILE", at_most_times(2), rounds=rounds),
            has("encode-go") and Subject(
                "client_golang, less than half the lines",
                lambda: single(Server(workplace, PEERS / "encode-go", streams, closes=True), 3, 0)[:2],
                f"peers/encode-go {streams} FILE", rounds=min(ROUNDS, 2)))
        compare(
            table, [f"scrape {streams:,} with gzip, server's CPU ms", f"scrape {streams:,} with gzip, ms until it is there",
                    f"scrape {streams:,} with gzip, MB"],
            Subject(
                "Holdfast", lambda: in_megabytes(single(ours(workplace, streams), count, pause, "-z")),
                command + " -z", rounds=rounds),
            Subject(
                "encoding alone, plain", lambda: encoding(workplace, streams), f"Benchmarks encode {streams}",
                at_most_times(5), rounds=rounds))
    together(table, workplace)


def in_megabytes(figures):
    return figures[0], figures[1], figures[2] / 1e6


def encoding(workplace, streams):
    nanoseconds, _, size, lines = (float(word) for word in workplace.run(OURS, "encode", streams).split()[:4])
    # There is no time of arrival for it; its bytes are there to see what gzip makes of them.
    return nanoseconds * lines / 1e6, float("nan"), size / 1e6


# MARK: Eight at once

def crowd(server, scrapers, *options):
    """Peak memory above that before, MB; `/-/healthy` meanwhile, 99th percentile and longest, ms; a scrape, ms."""
    try:
        idle = server.process.memory()
        fetching = [server.fetch("-s", 4, *options) for _ in range(scrapers)]
        time.sleep(0.5)
        health = [0.0] * 4
        if not server.flags:
            health = [float(w) for w in server.fetch("-n", 400, "-p", 5, path="/-/healthy").wait().split()]
        scrapes = [float(one.wait().split()[1]) for one in fetching]
        # The highest that the kernel saw, whenever it was.
        peak = (server.process.memory("VmHWM") - idle) * 1024 / 1e6
        return peak, health[2], health[3], sorted(scrapes)[len(scrapes) // 2]
    except IndexError:
        raise Failed("a scrape was not answered") from None
    finally:
        server.end()


def together(table, workplace):
    streams = STREAMS
    for name, options in (("plain", []), ("gzip", ["-z"])):
        def scraped(scrapers):
            return lambda: crowd(ours(workplace, streams), scrapers, *options)

        flags = " ".join(["-s 4", *options])
        eight = Subject("Holdfast, 8 scrapers", scraped(8), f"8 times fetch {flags} at Benchmarks serve {streams}", rounds=min(ROUNDS, 2))
        one = Subject("1 scraper", scraped(1), f"fetch {flags}", at_most_times(2), rounds=min(ROUNDS, 2))
        golang = None
        if name == "plain" and has("encode-go"):
            golang = Subject(
                "client_golang, 8 scrapers",
                lambda: crowd(Server(workplace, PEERS / "encode-go", streams, closes=True), 8)[:1],
                f"8 times fetch at peers/encode-go {streams}", rounds=1)
        compare(
            table, [f"scrape {streams:,}, {name}: peak memory, MB", f"/-/healthy meanwhile, {name}: 99 %, ms",
                    f"/-/healthy meanwhile, {name}: longest, ms", f"a scrape meanwhile, {name}, ms"],
            eight, one, golang)

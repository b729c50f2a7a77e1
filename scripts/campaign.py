"""A gateway that knows what it sent, and an exporter to hold its streams: what the campaigns in this folder share."""

import asyncio
import base64
import collections
import hashlib
import json
import logging
import os
import pathlib
import random
import re
import struct
import subprocess
import threading
import time
import urllib.request


# A client that is killed is no news here.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)


class Failure(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failure(text)


class Session:
    """What the gateway knows of one client: which numbers there are, and what went over which connection."""

    def __init__(self):
        self.highest = 0
        self.replayable = collections.deque(maxlen=40)
        self.skipped = set()
        self.sent_ever = set()
        self.connection = None
        # Of the exporter's present life.
        self.start_life()

    def start_life(self):
        self.sent = collections.Counter()
        self.messages = self.acknowledgments = 0
        self.resumed_from = None
        self.first_subscription = None
        self.cut_by_client = False

    @property
    def is_in_touch(self):
        """Whether the exporter's present life has asked for this client's messages."""
        return self.resumed_from is not None or self.first_subscription is not None


class Gateway:
    """Speaks the protocol of `genesys-architect`: subscribe, reconnect, acknowledgments, events with numbers."""

    def __init__(self, seed, rate, gaps=0.04, drops=0.002):
        self.random = random.Random(seed)
        self.rate, self.gaps, self.drops = rate, gaps, drops
        self.sessions, self.resumes = {}, []
        self.is_paused = self.is_faulty = False
        self.lock = threading.Lock()
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self.run, args=(started,), daemon=True).start()
        started.wait()

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self.loop.create_task(self.produce())
        started.set()
        self.loop.run_forever()

    async def serve(self, reader, writer):
        session = None
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            if head.startswith("POST"):
                length = int(re.search(r"(?i)content-length: *(\d+)", head).group(1))
                await reader.readexactly(length)
                body = b'{"access_token":"token-of-the-campaign","token_type":"bearer","expires_in":86399}'
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                             % (len(body), body))
                return
            key = re.search(r"(?i)sec-websocket-key: *(\S+)", head).group(1)
            digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n")
            while True:
                opcode, payload = await self.frame(reader)
                if opcode == 9:
                    writer.write(bytes([0x8A, len(payload)]) + payload)
                elif opcode == 8:
                    writer.write(b"\x88\x02\x03\xe8")
                    return
                elif opcode == 1:
                    session = self.message(json.loads(payload), writer)
        except (asyncio.IncompleteReadError, ConnectionError, AttributeError):
            pass
        finally:
            with self.lock:
                if session and session.connection is writer:
                    session.connection = None
                    session.cut_by_client = True
            writer.close()

    @staticmethod
    async def frame(reader):
        first, second = await reader.readexactly(2)
        length = second & 127
        if length == 126:
            length, = struct.unpack(">H", await reader.readexactly(2))
        elif length == 127:
            length, = struct.unpack(">Q", await reader.readexactly(8))
        mask = await reader.readexactly(4)
        data = await reader.readexactly(length)
        return first & 15, bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))

    def message(self, message, writer):
        with self.lock:
            name = message["clientId"]
            session = self.sessions.setdefault(name, Session())
            session.connection = writer
            session.acknowledgments += 1
            if message["type"] == "subscribe":
                session.first_subscription = session.highest
                self.text(writer, '{"type":"subscriptionAck"}')
                return session
            last = message["lastSequence"]
            self.resumes.append((name, last))
            if session.resumed_from is None:
                session.resumed_from = last
            self.text(writer, '{"type":"reconnectAck"}')
            for number in session.replayable:
                if number > last:
                    self.event(session, number)
            return session

    @staticmethod
    def text(writer, text):
        data = text.encode()
        size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
        writer.write(b"\x81" + size + data)

    def event(self, session, number):
        self.text(session.connection, '{"type":"event","sequence":%d,"data":{"queueId":"q","filler":"%s"}}' % (number, "x" * 100))
        session.sent[number] += 1
        session.messages += 1
        session.sent_ever.add(number)

    async def produce(self):
        """Events come to be whether anybody is connected or not; what nobody was there for can be replayed, for a while."""
        while True:
            await asyncio.sleep(1 / self.rate)
            if self.is_paused:
                continue
            with self.lock:
                for session in self.sessions.values():
                    if self.is_faulty and self.random.random() < self.gaps:
                        count = self.random.randint(1, 3)
                        session.skipped.update(range(session.highest + 1, session.highest + count + 1))
                        session.highest += count
                    session.highest += 1
                    session.replayable.append(session.highest)
                    if session.connection:
                        self.event(session, session.highest)
                        if self.is_faulty and self.random.random() < self.drops:
                            # Without a close frame, but with everything that was sent before.
                            session.connection.write_eof() if session.connection.can_write_eof() else None
                            session.connection.close()
                            session.connection = None


class Exporter:
    """`holdfast run` in a folder of its own, with a trail and a state directory."""

    def __init__(self, program, folder, gateway, streams, audit, environment=None):
        self.program, self.folder, self.gateway = str(pathlib.Path(program).resolve()), pathlib.Path(folder), gateway
        self.process, self.port = None, None
        lines = [
            "credentials:", "  simulated:", "    type: oauth2_client_credentials",
            f"    token_url: http://127.0.0.1:{gateway.port}/oauth/token", "    client_id: campaign",
            "    client_secret_env: SECRET", f"audit: {{file: {{{audit}}}}}", "state: {directory: state}", "streams:"]
        for number in range(streams):
            lines += [
                f"  - name: stream-{number}", "    profile: genesys-architect", "    credential: simulated",
                f"    url: ws://127.0.0.1:{gateway.port}/api/v2/architect/websocket",
                "    subscriptions: [queueEvents]", "    reorder_window: 300ms",
                "    backoff: {base: 50ms, cap: 500ms, max_attempts: 0}"]
        (self.folder / "holdfast.yml").write_text("\n".join(lines) + "\n")

    def start(self, *before):
        """`before` is a command that runs the program."""
        with open(self.folder / "log", "ab") as log:
            self.log_from = log.tell()
            self.process = subprocess.Popen(
                [*before, self.program, "run", "--config.file", "holdfast.yml", "--web.listen-address", "127.0.0.1:0"],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                env={**os.environ, "SECRET": "secret-of-the-campaign"})

    def wait_until_listening(self):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            with open(self.folder / "log", "rb") as log:
                log.seek(self.log_from)
                if found := re.search(rb"address=\"?127\.0\.0\.1:(\d+)", log.read()):
                    self.port = int(found.group(1))
                    return
            require(self.process.poll() is None, f"the exporter did not start:\n{self.log()[-3000:]}")
            time.sleep(0.01)
        raise Failure(f"the exporter did not listen within two minutes:\n{self.log()[-3000:]}")

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def scrape(self):
        """The text of a scrape."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
            return answer.read().decode()

    def streams(self):
        """The values of each stream by name; of those with further labels, one."""
        values = {}
        for name, stream, value in re.findall(
                r'^(holdfast_\w+)\{[^}]*stream="([^"]+)"[^}]*\} (\S+)$', self.scrape(), re.M):
            values.setdefault(stream, {}).setdefault(name, float(value))
        return values

    def dropped(self, sink="file"):
        """Lines of the trail that a sink could not take."""
        return sum(float(v) for s, v in re.findall(
            r'^holdfast_audit_dropped_total\{[^}]*sink="(\w+)"[^}]*\} (\S+)$', self.scrape(), re.M) if s == sink)

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

"""The programs that are measured: started, looked at, and ended, each of them and no other."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent.parent
PEERS = FOLDER / ".build" / "peers"
RELEASE = pathlib.Path(os.environ.get("PROGRAM", FOLDER / ".build" / "release"))
OURS = RELEASE / "Benchmarks"
HOLDFAST = RELEASE / "holdfast"
PYTHON = FOLDER.parent / ".build-venv" / "bin" / "python"


class Failed(Exception):
    """A measurement that gave no figure; the others go on."""


class Running:
    """A program under way. Its standard input stays open until it is to end, for those that end with it."""

    def __init__(self, argv, workplace, environment=None):
        self.output = workplace.path("output")
        self.errors = workplace.path("errors")
        self.process = subprocess.Popen(
            [str(argument) for argument in argv], stdin=subprocess.PIPE, stdout=self.output.open("wb"),
            stderr=self.errors.open("wb"), cwd=workplace.folder, env={**os.environ, **(environment or {})})
        self.pid = self.process.pid
        workplace.running.append(self)

    def text(self):
        return self.output.read_text(errors="replace")

    def wait(self, seconds=120):
        """Waits until it ends by itself; its output."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end()
            raise Failed(f"{self.process.args[0]} did not end within {seconds} s") from None
        if status != 0:
            lines = self.errors.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise Failed(f"{self.process.args[0]} ended with {status}: {lines[-1]}")
        return self.text()

    def ask(self, line=b"\n"):
        """One more line of its output, for a line of input."""
        before = self.text().count("\n")
        self.process.stdin.write(line)
        self.process.stdin.flush()
        wait_until(lambda: self.text().count("\n") > before, 10, "an answer")
        return self.text().splitlines()[-1]

    def end(self):
        """Asks it to end, by the end of its input and by a signal; after 10 s it has to."""
        if self.process.poll() is not None:
            return
        try:
            self.process.stdin.close()
        except OSError:
            pass
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    # What the kernel knows about it.

    def processor(self, *threads):
        """Seconds of processor time so far, of the process, or of those threads whose names begin so."""
        if not threads:
            # The process's own clock (see clock_getcpuclockid): threads that have ended are in it.
            return time.clock_gettime(~self.pid << 3 | 2)
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            try:
                name = (task / "comm").read_text()
                if name.startswith(threads):
                    total += int((task / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
        return total / 1e9

    def memory(self, field="VmRSS"):
        """KiB: VmRSS now, VmHWM at most so far."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise Failed(f"{self.process.args[0]} has ended")


class Workplace:
    """A folder for the time of the measurements, and the programs that run meanwhile."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
        self.running = []
        self.count = 0

    def path(self, name):
        self.count += 1
        return self.folder / f"{self.count}-{name}"

    def start(self, *argv, environment=None):
        return Running(argv, self, environment)

    def run(self, *argv, environment=None, seconds=120):
        """Runs it to its end; the first line of its output."""
        return (self.start(*argv, environment=environment).wait(seconds).splitlines() or [""])[0]

    def end(self):
        for running in self.running:
            if running.process.poll() is None:
                running.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_until(condition, seconds, what, pause=0.005):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what} did not come within {seconds} s")
        time.sleep(pause)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]

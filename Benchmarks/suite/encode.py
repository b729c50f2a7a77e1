"""Encoding all metrics, every value of which has changed since the last time."""
from .peers import has, has_python
from .processes import FOLDER, OURS, PEERS, PYTHON
from .rounds import ROUNDS, STREAMS, Subject, compare
from .table import at_most, at_most_times


def measure(table, workplace):
    for streams in sorted({min(1000, STREAMS), STREAMS}):
        def figure(*argv, column=0):
            return lambda: float(workplace.run(*argv).split()[column])

        def peer(name, program):
            if has(program):
                return Subject(
                    name, figure(PEERS / program, streams), f"peers/{program} {streams}", at_most_times(0.1),
                    rounds=min(ROUNDS, 3 if streams <= 1000 else 2))
            return None

        command = f"Benchmarks encode {streams}"
        python = None
        if streams <= 1000 and has_python("prometheus_client"):
            python = Subject(
                "prometheus_client (Python)", figure(PYTHON, FOLDER / "Peers" / "encode.py", 200),
                "Peers/encode.py 200", at_most_times(0.1), rounds=min(ROUNDS, 3))
        compare(
            table, f"encode {streams:,} streams, CPU ns a line",
            Subject("Holdfast", figure(OURS, "encode", streams), command, at_most(20)),
            Subject(
                "the same, whole text in one buffer", figure(OURS, "encode", streams, column=4), command,
                at_most(20)),
            Subject("memcpy of the same bytes", figure(OURS, "encode", streams, column=1), command),
            peer("VictoriaMetrics/metrics (Go)", "encode_victoria-go"),
            peer("prometheus-cpp", "encode-cpp"),
            peer("client_golang", "encode-go"),
            python)

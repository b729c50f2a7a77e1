"""Python's prometheus_client: processor nanoseconds a line of exposition. encode.py STREAMS"""
import sys, time
from prometheus_client import CollectorRegistry, Counter, generate_latest

streams, families = int(sys.argv[1]), 42
registry = CollectorRegistry()
names = ["stream", "profile", "tenant"]
counters = [Counter(f"holdfast_stream_value_{f}", "A value.", names, registry=registry) for f in range(families)]
children = [c.labels(f"stream-{s}", "genesys-architect", f"tenant-{s % 50}") for s in range(streams) for c in counters]
times = []
for _ in range(1):
    for child in children:
        child.inc(10007)
    began = time.process_time_ns()
    text = generate_latest(registry)
    times.append((time.process_time_ns() - began) / text.count(b"\n"))
print(f"{times[0]:.1f}")

"""Messages of 200 bytes, from the socket to the counters."""
from .peers import has, has_python
from .processes import FOLDER, OURS, PEERS, PYTHON, wait_until
from .rounds import ROUNDS, Subject, compare
from .table import at_most, at_most_times


def measure(table, workplace):
    flood(table, workplace)
    paced(table, workplace)


def received(workplace, count, rate, kind, *argv, probe=False):
    """Runs a receiver against a sender; what it prints."""
    sender = workplace.start(PEERS / "sender", count, rate, kind)
    wait_until(lambda: sender.text(), 10, "the sender's port")
    environment = {"LD_PRELOAD": str(PEERS / "allocations.so")} if probe else None
    arguments = [sender.text().strip() if word == "PORT" else word for word in argv]
    try:
        return workplace.run(*arguments, environment=environment).split()
    finally:
        sender.end()


def subject(workplace, name, kind, *argv, count=1_000_000, rate=0, aim=None, rounds=None):
    if argv[0].parent == PEERS and not has(argv[0].name):
        return None
    words = [str(w.relative_to(FOLDER)) if hasattr(w, "relative_to") and w != PYTHON else str(w) for w in argv]
    shown = " ".join(["python3" if w == str(PYTHON) else w.replace(".build/", "") for w in words])
    return Subject(
        name, lambda: float(received(workplace, count, rate, kind, *argv)[0]),
        f"peers/sender {count} {rate} {kind}; {shown}".replace("release/", ""), *([aim] if aim else []), rounds=rounds)


def flood(table, workplace):
    def one(name, *argv, **options):
        return subject(workplace, name, kind, *argv, **options)

    for kind in ("numbered", "notification", "topics", "numbered-deflate"):
        is_deflated = kind.endswith("deflate")
        ours = [OURS, "receive", "PORT", kind.removesuffix("-deflate")]
        loop = [PEERS / "receiver", "PORT"] + (["deflate"] if is_deflated else [])
        others = []
        if is_deflated:
            others.append(Subject(
                "inflating alone, from memory", lambda: float(workplace.run(PEERS / "inflate_limit", 1_000_000)),
                "peers/inflate_limit 1000000"))
        else:
            others.append(one("gorilla, reused buffer", PEERS / "receiver-go", "PORT", aim=at_most_times(1)))
            others.append(one("libwebsockets", PEERS / "receiver-lws", "PORT", aim=at_most_times(1), rounds=min(ROUNDS, 3)))
            if has_python("websockets"):
                script = FOLDER / "Peers" / "receiver.py"
                others.append(one("websockets (Python)", PYTHON, script, "PORT", count=50_000, aim=at_most_times(1), rounds=min(ROUNDS, 2)))
        compare(
            table, f"flood, {kind}: CPU ns a message", one("Holdfast", *ours),
            one("C loop with inflate" if is_deflated else "C loop", *loop, aim=None if is_deflated else at_most_times(2)),
            *others)
        compare(
            table, f"flood, {kind}: allocations for 1,000",
            Subject(
                "Holdfast", lambda: float(received(workplace, 500_000, 0, kind, *ours, probe=True)[1]),
                f"LD_PRELOAD=peers/allocations.so Benchmarks receive PORT {ours[3]}", at_most(1), rounds=min(ROUNDS, 2)))


def paced(table, workplace):
    def one(name, *argv, **options):
        return subject(workplace, name, "numbered", *argv, count=60_000, rate=20_000, **options)

    compare(
        table, "20,000 a second: CPU ns a message", one("Holdfast", OURS, "receive", "PORT", "numbered"),
        one("C loop", PEERS / "receiver", "PORT", aim=at_most_times(1.4)),
        one("gorilla, reused buffer", PEERS / "receiver-go", "PORT"),
        one("libwebsockets", PEERS / "receiver-lws", "PORT", rounds=min(ROUNDS, 3)),
        has_python("websockets")
        and one("websockets (Python)", PYTHON, FOLDER / "Peers" / "receiver.py", "PORT", rounds=min(ROUNDS, 2)))

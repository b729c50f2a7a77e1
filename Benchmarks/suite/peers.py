"""Which peers are here. Those that are not are left out, with a word."""
import functools
import subprocess

from .processes import PEERS, PYTHON
from .rounds import note


@functools.cache
def has(name):
    """Whether the peer's program could be built."""
    if (PEERS / name).exists():
        return True
    note(f"left out: {name}, which could not be built; Benchmarks/run.sh says what it needs")
    return False


@functools.cache
def has_python(module):
    try:
        if subprocess.run([PYTHON, "-c", f"import {module}"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return True
    except OSError:
        pass
    note(f"left out: Python's {module}, which is not installed in .build-venv")
    return False

"""How the threads of OpenMP wait for each other: passively, unless the environment says otherwise.

Threads that wait actively take processor time from the work that they wait for as soon as the machine has other work.
"""

import contextlib
import os
from collections.abc import Iterator

PASSIVE = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}  # the second is for the runtimes of Intel and LLVM
WAIT_VARIABLES = (*PASSIVE, "GOMP_SPINCOUNT")


def set_passive_waiting() -> None:
    """Make all OpenMP runtimes that this process or its children load from now on wait passively."""
    if not any(name in os.environ for name in WAIT_VARIABLES):
        os.environ.update(PASSIVE)


@contextlib.contextmanager
def load_with_passive_waiting() -> Iterator[None]:
    """Make an OpenMP runtime that is loaded in this block wait passively, and restore the environment."""
    if any(name in os.environ for name in WAIT_VARIABLES):
        yield
        return
    os.environ.update(PASSIVE)
    try:
        yield
    finally:
        for name in PASSIVE:
            os.environ.pop(name, None)

"""How OpenMP's threads wait for each other: asleep, unless the process has chosen otherwise.

Threads that spin take the processors of the work they wait for, as soon as the machine has other work, too.
"""

import contextlib
import os
from collections.abc import Iterator

ASLEEP = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}  # the second for the runtimes of Intel and LLVM
CHOICES = (*ASLEEP, "GOMP_SPINCOUNT")


def wait_asleep() -> None:
    """Have all OpenMP runtimes wait so that this process loads from now on, and its children's."""
    if not any(name in os.environ for name in CHOICES):
        os.environ.update(ASLEEP)


@contextlib.contextmanager
def asleep() -> Iterator[None]:
    """Have the OpenMP runtime wait so that is loaded in the block, and leave the environment as it was."""
    if any(name in os.environ for name in CHOICES):
        yield
        return
    os.environ.update(ASLEEP)
    try:
        yield
    finally:
        for name in ASLEEP:
            os.environ.pop(name, None)

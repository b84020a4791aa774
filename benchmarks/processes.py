"""Peers that run one at a time, each in a process of its own that stays warm: a crash or a hang costs only its row."""

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np

from benchmarks import datasets, memory, peers

WARM_UP = {True: ("text", 30_000), False: ("digits", None)}  # by Peer.compiled; the first has coarse levels
WARM_UP_EPOCHS = 40  # enough for every kernel: with fewer, the last ones on the graph do without the near field


class Stopped(Exception):
    """A peer did not come to its end; the message says why."""


def answer(name, set_name, n, task):
    """A peer's outcome on a data set, with the peak of memory above the inputs; or the exception that says why not."""
    try:
        dataset = datasets.in_memory(datasets.load(set_name, n))
        before = memory.settle()
        outcome = peers.run(name, dataset, task)
        if np.isnan(outcome.peak_bytes):
            outcome = outcome._replace(peak_bytes=float(memory.status("VmHWM") - before))
        return outcome
    except peers.NotAvailable as error:
        return error
    except BaseException as error:  # the panics of Rust are no Exceptions
        lines = f"{type(error).__name__}: {error}".strip().splitlines()
        return Stopped(f"failed: {lines[0][:200]}")


def serve(pipe):
    """Answer requests until there are no more.

    The process leads a group, so that programs it starts end with it, and where memory runs out it is the one to go.
    """
    os.setsid()
    Path("/proc/self/oom_score_adj").write_text("1000")
    while True:
        try:
            request = pipe.recv()
        except EOFError:  # whoever asked is gone
            return
        pipe.send(answer(*request))


class Here:
    """Runs peers in this process: nothing limits them, and a crash ends all."""

    def __init__(self):
        self.warm = set()

    def run(self, name, set_name, n, task):
        """The peer's `Outcome`; raises `NotAvailable` or `Stopped`."""
        if name not in self.warm:
            self._ask(name, *WARM_UP[peers.PEERS[name].compiled], task._replace(n_epochs=WARM_UP_EPOCHS))
            self.warm.add(name)
        return self._ask(name, set_name, n, task)

    def _ask(self, *request):
        answered = answer(*request)
        if isinstance(answered, Exception):
            raise answered
        return answered

    def close(self):
        """Nothing is open."""


class Apart(Here):
    """Runs every peer in its own process, for at most `limit` seconds a run."""

    def __init__(self, limit):
        super().__init__()
        self.limit = limit
        self.open = {}

    def _ask(self, name, *request):
        if name not in self.open:
            self._start(name)
        process, pipe = self.open[name]
        try:
            pipe.send((name, *request))
            if not pipe.poll(self.limit):
                self._end(name)
                raise Stopped(f"stopped after {self.limit:.0f} s, the limit")
            answered = pipe.recv()
        except (EOFError, OSError) as error:
            process.join(10)
            code = process.exitcode
            self._end(name)
            how = f"signal {signal.Signals(-code).name}" if code and code < 0 else f"exit status {code}"
            raise Stopped(f"its process died: {how}") from error
        if isinstance(answered, Exception):
            raise answered
        return answered

    def _start(self, name):
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs,), name=name)  # joblib has one thread in a daemon
        process.start()
        theirs.close()
        self.open[name] = process, ours

    def _end(self, name):
        process, _ = self.open.pop(name)
        self.warm.discard(name)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:  # it died before it led a group, or it is all over
            process.kill()
        process.join(10)

    def close(self):
        """End all processes, which go by themselves once nobody asks; those that do not are killed."""
        for process, pipe in self.open.values():
            pipe.close()
            process.join(10)
        for name in list(self.open):
            self._end(name)

"""Runs that are killed repeatedly, and must have the bits of an uninterrupted run.

``python -m benchmarks.kills --kills 100`` lays out 1,500 points over four levels with a checkpoint after every epoch.
Every process is killed with SIGKILL. Half of them are killed at a random moment. The others kill themselves at a random
step of writing: in the middle of the bytes of a file, before it is flushed or renamed, or before an old one is removed.
The next process resumes the run with another number of threads. When a run is finished, a new one starts. A kill is
survived if no checkpoint is lost, the next process resumes from the newest one without a warning, and the run ends with
the right bits.
"""

import functools
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from pathlib import Path

import numba
import numpy as np

from benchmarks import command
from umap_sk import Checkpoint, CheckpointWarning, PrecomputedUMAP, nearest_neighbors
from umap_sk.checkpoint.metadata import ChecksumWriter
from umap_sk.checkpoint.store import read_newest_metadata
from umap_sk.layout import coarsen

PATIENCE = 300  # seconds until a process counts as hung
STEPS = 100  # of writing, up to which a process chooses the one at which it kills itself; small numbers are likelier


def fit(arrays, directory, n_jobs):
    """Return the embedding of a run with a checkpoint after every epoch, or without any."""
    checkpoint = directory and Checkpoint(directory, every_epochs=1)
    model = PrecomputedUMAP(10, n_epochs=60, random_state=0, n_jobs=n_jobs, checkpoint=checkpoint)
    return model.fit_transform(**arrays)


def start_process(work):
    """Start a process that does some work, and return its id. Its exit code is 0, or 1 after an error."""
    child = os.fork()
    if child:
        return child
    try:
        # Forked processes share numba's lock, so a process that is killed while it has the lock would stop all others.
        numba.np.ufunc.parallel._backend_init_process_lock = threading.RLock()
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def die_at(step):
    """Make this process kill itself after a number of steps of writing."""
    left = [step]

    def count_down():
        left[0] -= 1
        return left[0] <= 0

    def wrap(call):
        def wrapped(*arguments, **options):
            if count_down():
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return wrapped

    def write(summed, data):
        if not count_down():
            return write_all(summed, data)
        content = memoryview(data).cast("B")
        summed.file.write(content[: len(content) * 2 // 3])
        summed.file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    write_all, ChecksumWriter.write = ChecksumWriter.write, write
    for name in ("fsync", "replace", "unlink"):
        setattr(os, name, wrap(getattr(os, name)))


def run_victim(arrays, directory, out, step, n_jobs):
    """Run one process of a run. It records the epoch that it resumes from, and writes the embedding if it survives."""

    def note(record):
        if record.msg.startswith("resumed"):
            (out / "resumed").write_text(str(record.args[0]))
        return True

    logger = logging.getLogger("umap_sk")
    logger.setLevel(logging.INFO)
    logger.addFilter(note)
    warnings.simplefilter("error", CheckpointWarning)
    if step:
        die_at(step)
    np.save(out / "embedding.npy", fit(arrays, directory, n_jobs))


class Soak:
    """A test that kills runs in a folder and counts the kills that they survive."""

    def __init__(self, folder, seed):
        self.folder, self.random = Path(folder), np.random.default_rng(seed)
        self.directory = self.folder / "runs"
        numba.config.THREADING_LAYER = "workqueue"  # the one that still works in forked processes
        points = np.random.default_rng(0).normal(size=(1500, 3)).astype(np.float32)
        self.arrays = dict(zip(("knn_indices", "knn_dists"), nearest_neighbors(points, 10), strict=True))
        self.kills = self.writing = self.finished = self.resumed = 0
        self.reached, self.faults = None, []
        coarsen.build_levels = functools.partial(coarsen.build_levels, largest=100)
        self.expected = fit(self.arrays, None, 1)
        _, times = command.timed(lambda: self.wait(start_process(lambda: fit(self.arrays, self.folder / "timed", 1))))
        self.seconds = times["seconds"]

    def wait(self, child):
        """Return how a process ended. An error of its own is a fault."""
        end = time.monotonic() + PATIENCE
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > end:
                self.faults.append(f"a process was still there after {PATIENCE} s and {self.kills} kills")
                os.kill(child, signal.SIGKILL)
                end += PATIENCE
            time.sleep(0.002)
        code = os.waitstatus_to_exitcode(ended[1])
        if code not in (0, -signal.SIGKILL):
            self.faults.append(f"a process ended with {code} after {self.kills} kills")
        return code

    def newest_epoch(self):
        """Return the epoch of the newest checkpoint of the only run, or None."""
        notes = [read_newest_metadata(path.parent) for path in self.directory.glob("*/run.json")]
        return notes[0]["epoch"] if notes and notes[0] else None

    def run_process(self, *, spared):
        """Start a process of the run, kill it if it must not finish, and check its results."""
        before = self.newest_epoch()
        if self.reached and (before is None or before < self.reached):
            self.faults.append(f"epoch {self.reached} was on the disk, but {before} is the newest after a kill")
        self.reached = before
        at_writing = not spared and self.random.random() < 0.5
        step = int(STEPS ** self.random.random()) if at_writing else 0
        n_jobs = int(self.random.integers(1, 3))
        (self.folder / "resumed").unlink(missing_ok=True)
        child = start_process(lambda: run_victim(self.arrays, self.directory, self.folder, step, n_jobs))
        if not spared and not at_writing:
            time.sleep(self.random.uniform(0, self.seconds))
            os.kill(child, signal.SIGKILL)
        code = self.wait(child)
        self.kills += code == -signal.SIGKILL
        self.writing += at_writing and code == -signal.SIGKILL
        if (self.folder / "resumed").exists():
            self.resumed += 1
            epoch = int((self.folder / "resumed").read_text())
            if epoch != before:
                self.faults.append(f"epoch {epoch} was resumed, but {before} was the newest")
        if code == 0:
            self.check_end()

    def check_end(self):
        """Compare the bits of a finished run, and remove it."""
        self.finished, self.reached = self.finished + 1, None
        if not np.array_equal(self.expected, np.load(self.folder / "embedding.npy")):
            self.faults.append(f"run {self.finished} has other bits after {self.kills} kills")
        leftovers = [path.name for path in self.directory.glob("*/*") if path.suffix in (".tmp", ".damaged")]
        if leftovers:
            self.faults.append(f"run {self.finished} leaves {leftovers}")
        shutil.rmtree(self.directory)

    def run(self, kills):
        """Kill a number of processes, and let the last run finish."""
        while self.kills < kills and not self.faults:
            self.run_process(spared=False)
        while self.directory.exists() and not self.faults:
            self.run_process(spared=True)


def main(arguments=None):
    """Kill processes, and print how many kills were survived."""
    parser = command.parser("kills", __doc__)
    parser.add_argument("--kills", type=int, default=20, help="processes to kill")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(folder, options.seed)
        soak.run(options.kills)
    print(f"{soak.kills} kills, {soak.writing} of them while writing; {soak.resumed} times resumed, "
          f"{soak.finished} runs finished, {len(soak.faults)} faults")  # fmt: skip
    command.conclude(options, {"faults": soak.faults})
    sys.exit("\n".join(soak.faults) or 0)


if __name__ == "__main__":
    main()

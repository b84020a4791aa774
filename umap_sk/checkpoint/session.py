"""A run on disk: what is resumed of it, and when it is written while the epochs go on."""

import contextlib
import logging
import os
import shutil
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from umap_sk.checkpoint import lock, store
from umap_sk.checkpoint.identity import run_name
from umap_sk.checkpoint.run_file import compare_with_others, read_seed, write_run
from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.checkpoint.store import Stored
from umap_sk.exceptions import CheckpointWarning, warn
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import SharedGraph
from umap_sk.layout.optimizer import LayoutState
from umap_sk.runtime.checksum import hash_arrays
from umap_sk.runtime.files import DamagedError, check_writable

logger = logging.getLogger("umap_sk")

NICENESS = 15  # of the thread that writes: a thirtieth of a core that computes, and all of one that waits


class Session:
    """A run on disk, for one call of fit or partial_fit; the seed is that of a new run.

    A step that fails leaves the estimator as it was, so its epochs are removed and the one it began at is spared.
    """

    def __init__(self, settings: Checkpoint, identity: dict[str, Any], seed: int, *, is_step: bool = False):
        self.settings, self.identity, self.seed = settings, identity, seed
        self.folder = settings.path / run_name(identity)
        self.n_epochs = 0
        self._stored: Stored | None = None
        self._keeps_graph = "manifold" not in identity["data"]
        self._shared: SharedGraph | None = None
        self._graph_sum: str | None = None
        self._locked = self._created = self._failing = False
        self.taken = False  # by this call, not by one before
        self._writer: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None
        self.writing: LayoutState | None = None  # its arrays must stay as they are
        self._written = self._tried = 0
        self._clock = time.monotonic()
        self._is_step = is_step
        self._began_at: int | None = None  # once the call has come so far

    def open(self, *, going_on: bool) -> None:
        """Take the folder, or make it, and read the newest whole checkpoint; a finished run is only read.

        When going on, the state is in memory, and nothing need be read.
        """
        newest = store.newest_metadata(self.folder)
        if newest and newest["epoch"] >= newest["n_epochs"]:
            with contextlib.suppress(DamagedError, OSError):
                self._read(store.checkpoints(self.folder)[-1], finished=True)
                return
        self._open_for_writing()
        with explained(self.settings.path):
            if not (self.folder / "run.json").exists() and not store.checkpoints(self.folder):
                compare_with_others(self.settings, self.identity)
                write_run(self.folder, self.identity, self.seed)
                self._created = True
            elif not going_on:
                self._take_over()

    def _open_for_writing(self) -> None:
        """Lock the folder, and start the thread that writes."""
        with explained(self.settings.path):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.taken = lock.lock(self.folder)
            self._locked = True
            if self.taken:
                check_writable(self.folder)
        self._writer = ThreadPoolExecutor(1, "umap_sk-checkpoint", _lower_priority)

    @property
    def finished(self) -> bool:
        """Whether the last epoch is on the disk."""
        return 0 < self.n_epochs <= self._written

    def graph(self) -> tuple[FuzzyGraph, dict[str, np.ndarray]] | None:
        """The graph of the run and what is known of its rows, if it is on the disk and whole."""
        graph = store.read_graph(self.folder)
        if graph is None and self._locked:
            store.graph_path(self.folder).unlink(missing_ok=True)
        return graph

    def take(self, held: SharedGraph | None) -> LayoutState | None:
        """The state to go on from, None where the run begins; keeps the graph, after a look whether it is the run's."""
        self._hold(held)
        self._began_at = 0
        if self._stored is None:
            return None
        if self._graph_sum != self._stored.graph_sum:
            warn(
                f"The graph that was built again is not that of the run in {self.folder}, so the run begins anew. Pass "
                "the neighbors as arrays: they seem to be found differently each time.",
                CheckpointWarning,
            )
            if self._writer is None:  # the run was finished, and only read
                self._open_for_writing()
                self._hold(held)
            self._written = self._tried = 0
            for path in store.checkpoints(self.folder):
                store.set_aside(path)
            return None
        self._began_at = self._stored.state.epoch
        return self._stored.state

    def go_on(self, held: SharedGraph, n_epochs: int, epoch: int) -> None:
        """Say what runs from here on, where it is in memory already."""
        self._hold(held)
        self.n_epochs, self._tried, self._began_at = n_epochs, epoch, epoch

    def after_epoch(self, state: LayoutState) -> None:
        """Write the state in the background, if it is time and nothing else is being written."""
        if self.is_due(state.epoch):
            assert self._writer is not None
            self._look_at_pending()
            self._submit(state, self._writer)

    def is_due(self, epoch: int) -> bool:
        """Whether it is time to write the state of an epoch, and nothing else is being written."""
        if self._writer is None or (self._pending and not self._pending.done()) or epoch >= self.n_epochs:
            return False  # the last state is written by finalize
        epochs, seconds = self.settings.every_epochs, self.settings.every_seconds
        due = epochs is not None and epoch - self._tried >= epochs
        return due or (seconds is not None and time.monotonic() - self._clock >= seconds)

    def finalize(self, state: LayoutState, embedding: np.ndarray) -> None:
        """Write the state at which a call ends, and wait for the disk; of a finished run, only the map is kept."""
        if self._writer is None:
            return
        self._look_at_pending()
        if state.epoch > self._written:
            if state.epoch >= self.n_epochs:
                state = state._replace(positions=embedding, moments=state.moments[:, :0])
            with ThreadPoolExecutor(1) as at_once:  # not by the thread of low priority: this call waits
                self._submit(state, at_once)
            self._look_at_pending()

    def close(self, error: BaseException | None, *, keep_lock: bool) -> None:
        """Wait for what is being written, and give the folder back, or keep it for this process's next call.

        After an error nothing is left of a run that has not begun.
        """
        if self._writer is not None:
            self._writer.shutdown()
        if not self._locked:
            return
        if self._is_step and self._began_at is not None:
            with contextlib.suppress(OSError):  # of a folder that cannot be written to any more, which has been told
                if isinstance(error, Exception):
                    store.drop_after(self.folder, self._began_at)
                else:
                    store.drop_old(self.folder, self.settings.keep)
        if error and self._created and {path.name for path in self.folder.iterdir()} == {"run.json", "lock"}:
            shutil.rmtree(self.folder)
        lock.unlock(self.folder, keep=keep_lock)

    def _hold(self, shared: SharedGraph | None) -> None:
        """Write a graph, unless it is there, or with the caller, whose hash is in the run's name."""
        if not self._keeps_graph or shared is None:
            return
        shared.checksum = shared.checksum or hash_arrays(shared.rows())
        self._shared, self._graph_sum = shared, shared.checksum
        if self._writer is not None and not store.graph_path(self.folder).exists():
            self._pending = self._writer.submit(store.write_graph, self.folder, shared.rows(), shared.row_arrays)

    def _submit(self, state: LayoutState, writer: ThreadPoolExecutor) -> None:
        self._tried, self._clock, self.writing = state.epoch, time.monotonic(), state
        self._pending = writer.submit(self._write, state)

    def _write(self, state: LayoutState) -> None:
        """Write one checkpoint, drop the oldest, and write the graph if that has failed before."""
        try:
            store.write_state(self.folder, self.identity, Stored(state, self.n_epochs, self._graph_sum))
        finally:
            self.writing = None
        self._written = state.epoch
        store.drop_old(self.folder, self.settings.keep, spared=self._began_at if self._is_step else None)
        if self._shared is not None and not store.graph_path(self.folder).exists():
            store.write_graph(self.folder, self._shared.rows(keep=False), self._shared.row_arrays)

    def _look_at_pending(self) -> None:
        """Wait for the last write, and tell once if the disk does not take any more."""
        if self._pending is None:
            return
        pending, self._pending = self._pending, None
        try:
            pending.result()
        except (OSError, MemoryError) as error:
            logger.warning("checkpoint not written: %s", error)
            if not self._failing:
                self._failing = True
                warn(
                    f"A checkpoint could not be written to {self.folder}: {error}. The run goes on, what is on the "
                    "disk stays, and writing is tried again.",
                    CheckpointWarning,
                )
        else:
            if self._failing:
                logger.warning("checkpoints are written again")
            self._failing = False

    def _take_over(self) -> None:
        """Seed and newest whole checkpoint of a run that was begun before."""
        seed = read_seed(self.folder)
        if seed is not None:
            self.seed = seed
        self._read_newest(seed)
        if seed is None:
            write_run(self.folder, self.identity, self.seed)

    def _read_newest(self, seed: int | None) -> None:
        """The newest whole checkpoint, of the run's seed where that is known."""
        for path in reversed(store.checkpoints(self.folder)):
            try:
                self._read(path, seed)
                return
            except (DamagedError, OSError) as error:
                warn(
                    f"The checkpoint {path} cannot be used: {error}. The one before it is used, or the run begins "
                    "anew if there is none.",
                    CheckpointWarning,
                )
                store.set_aside(path)

    def _read(self, path: Path, seed: int | None = None, *, finished: bool = False) -> None:
        """Take over a checkpoint, if it has this seed, and is a finished run's."""
        stored = store.read_state(path)
        if seed is not None and stored.state.seed != seed:
            raise DamagedError(f"seed={stored.state.seed}, but the run has {seed}")
        if finished and not stored.finished:
            raise DamagedError("the run is not finished")
        self._stored = stored
        self.n_epochs, self.seed = stored.n_epochs, stored.state.seed
        self._written = self._tried = stored.state.epoch
        text = "finished run (epoch %d of %d) taken from %s" if stored.finished else "resumed epoch %d of %d from %s"
        logger.info(text, stored.state.epoch, stored.n_epochs, path)


def _lower_priority() -> None:
    """Let this thread, where the system knows priorities of threads, work while the kernels' threads wait."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


@contextlib.contextmanager
def opened(
    settings: Checkpoint, identity: dict[str, Any], seed: int, going_on: bool, keeper: object
) -> Iterator[Session]:
    """A run on disk, as long as the block lasts, or as long as the `keeper` lives, whose other calls may follow."""
    run = Session(settings, identity, seed, is_step=keeper is not None)
    try:
        run.open(going_on=going_on)
        yield run
    except BaseException as error:
        run.close(error, keep_lock=False)
        raise
    keep = keeper is not None and not run.finished
    run.close(None, keep_lock=keep)
    if keep and run.taken:
        weakref.finalize(keeper, lock.release, run.folder)


@contextlib.contextmanager
def explained(directory: Path) -> Iterator[None]:
    """Say what an error of the file system means before a run."""
    try:
        yield
    except BlockingIOError:
        raise
    except OSError as error:
        raise OSError(
            error.errno,
            f"checkpoints cannot be kept in {directory}, so nothing was computed: {error.strerror or error}. Give a "
            "directory that can be written to, or do without checkpoints",
        ) from error

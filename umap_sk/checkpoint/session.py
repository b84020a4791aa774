"""A run on disk, which is resumed at the start of a fit and written during its epochs."""

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

import numpy as np

from umap_sk.checkpoint import lock, store
from umap_sk.checkpoint.identity import Identity, name_run
from umap_sk.checkpoint.run_file import compare_with_others, read_seed, write_run
from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.checkpoint.store import StoredState
from umap_sk.exceptions import CheckpointWarning, warn
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import SharedGraph
from umap_sk.layout.optimizer import LayoutState
from umap_sk.runtime.checksum import hash_arrays
from umap_sk.runtime.files import DamagedError, check_writable

logger = logging.getLogger("umap_sk")

NICENESS = 15  # of the thread that writes: it gets a thirtieth of a busy core, and all of an idle one


class Session:
    """A run on disk during one call of fit or partial_fit.

    A new run gets `seed`. If a call of partial_fit (`is_step`) fails, the estimator does not change. The checkpoints
    of its epochs are removed then, and the checkpoint at which it began is kept.
    """

    def __init__(self, settings: Checkpoint, identity: Identity, seed: int, *, is_step: bool = False):
        self.settings, self.identity, self.seed = settings, identity, seed
        self.folder = settings.path / name_run(identity)
        self.n_epochs = 0
        self._stored: StoredState | None = None
        self._stores_graph = "manifold" not in identity["data"]
        self._shared: SharedGraph | None = None
        self._graph_sum: str | None = None
        self._locked = self._created = self._failing = False
        self.newly_locked = False  # whether this call acquired the lock, and not an earlier one
        self._writer: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None
        self.pending_state: LayoutState | None = None  # the state that is being written, whose arrays must not change
        self._written_epoch = self._tried_epoch = 0
        self._clock = time.monotonic()
        self._is_step = is_step
        self._began_at: int | None = None  # the epoch at which this call began

    def open(self, *, continues: bool) -> None:
        """Create or lock the folder, and read the newest intact checkpoint. A finished run is not locked.

        If the call continues a layout in memory, no checkpoint is read.
        """
        if (self.settings.path / "run.json").exists():
            raise ValueError(
                f"{self.settings.path} is the folder of one run. Pass the folder that contains it, "
                f"{self.settings.path.parent}, so that the run is found by its data and parameters."
            )
        newest = store.read_newest_metadata(self.folder)
        if newest and newest["epoch"] >= newest["n_epochs"]:
            with contextlib.suppress(DamagedError, OSError):
                self._read_checkpoint(store.list_checkpoints(self.folder)[-1], finished=True)
                return
        self._open_for_writing()
        with explain_errors(self.settings.path):
            if not (self.folder / "run.json").exists() and not store.list_checkpoints(self.folder):
                compare_with_others(self.settings, self.identity)
                write_run(self.folder, self.identity, self.seed)
                self._created = True
            elif not continues:
                self._resume()

    def _open_for_writing(self) -> None:
        """Lock the folder, and create the thread that writes."""
        with explain_errors(self.settings.path):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.newly_locked = lock.lock(self.folder)
            self._locked = True
            if self.newly_locked:
                check_writable(self.folder)
        self._writer = ThreadPoolExecutor(1, "umap_sk-checkpoint", _lower_priority)

    @property
    def is_finished(self) -> bool:
        """Whether the last epoch is on disk."""
        return 0 < self.n_epochs <= self._written_epoch

    def read_graph(self) -> tuple[FuzzyGraph, dict[str, np.ndarray]] | None:
        """Return the run's graph and its row arrays, or None if there is no intact graph on disk."""
        graph = store.read_graph(self.folder)
        if graph is None and self._locked:
            store.get_graph_path(self.folder).unlink(missing_ok=True)
        return graph

    def begin(self, shared: SharedGraph | None) -> LayoutState | None:
        """Store the graph, and return the state to resume from, or None if the run begins or has another graph."""
        self._keep_graph(shared)
        self._began_at = 0
        if self._stored is None:
            return None
        if self._graph_sum != self._stored.graph_sum:
            warn(
                f"The graph that was built again is not that of the run in {self.folder}, so the run begins anew. Pass "
                "the neighbors as arrays: they seem to be found differently each time.",
                CheckpointWarning,
            )
            if self._writer is None:  # the run was finished, and so it was not locked
                self._open_for_writing()
                self._keep_graph(shared)
            self._written_epoch = self._tried_epoch = 0
            for path in store.list_checkpoints(self.folder):
                store.set_aside(path)
            return None
        self._began_at = self._stored.state.epoch
        return self._stored.state

    def continue_run(self, shared: SharedGraph, n_epochs: int, epoch: int) -> None:
        """Store the graph and the counts of a layout that continues in memory."""
        self._keep_graph(shared)
        self.n_epochs, self._tried_epoch, self._began_at = n_epochs, epoch, epoch

    def write_if_due(self, state: LayoutState) -> None:
        """Write the state in the background if it is due."""
        if self.is_due(state.epoch):
            assert self._writer is not None
            self._await_write()
            self._submit_state(state, self._writer)

    def is_due(self, epoch: int) -> bool:
        """Return whether it is time to write the state of an epoch, and no other write is in progress."""
        if self._writer is None or (self._pending and not self._pending.done()) or epoch >= self.n_epochs:
            return False  # the last state is written by finalize
        epochs, seconds = self.settings.every_epochs, self.settings.every_seconds
        due = epochs is not None and epoch - self._tried_epoch >= epochs
        return due or (seconds is not None and time.monotonic() - self._clock >= seconds)

    def finalize(self, state: LayoutState, embedding: np.ndarray) -> None:
        """Write the last state of a call, and wait until it is on disk. Of a finished run, only the map is stored."""
        if self._writer is None:
            return
        self._await_write()
        if state.epoch > self._written_epoch:
            if state.epoch >= self.n_epochs:
                state = state._replace(positions=embedding, moments=state.moments[:, :0])
            with ThreadPoolExecutor(1) as at_once:  # a thread of normal priority, because this call waits
                self._submit_state(state, at_once)
            self._await_write()

    def close(self, error: BaseException | None, *, keep_lock: bool) -> None:
        """Wait for the last write, and unlock the folder, or keep the lock for the next call in this process.

        After an error, a run without checkpoints is removed.
        """
        if self._writer is not None:
            self._writer.shutdown()
        if not self._locked:
            return
        if self._is_step and self._began_at is not None:
            with contextlib.suppress(OSError):  # a warning has already reported a folder that is not writable
                if isinstance(error, Exception):
                    store.drop_after(self.folder, self._began_at)
                else:
                    store.drop_old(self.folder, self.settings.keep)
        if error and self._created and {path.name for path in self.folder.iterdir()} == {"run.json", "lock"}:
            shutil.rmtree(self.folder)
        lock.unlock(self.folder, keep=keep_lock)

    def _keep_graph(self, shared: SharedGraph | None) -> None:
        """Write the graph if it is not on disk. A manifold of the caller is not stored."""
        if not self._stores_graph or shared is None:
            return
        shared.checksum = shared.checksum or hash_arrays(shared.rows())
        self._shared, self._graph_sum = shared, shared.checksum
        if self._writer is not None and not store.get_graph_path(self.folder).exists():
            self._pending = self._writer.submit(store.write_graph, self.folder, shared.rows(), shared.row_arrays)

    def _submit_state(self, state: LayoutState, writer: ThreadPoolExecutor) -> None:
        self._tried_epoch, self._clock, self.pending_state = state.epoch, time.monotonic(), state
        self._pending = writer.submit(self._write, state)

    def _write(self, state: LayoutState) -> None:
        """Write a checkpoint, remove the oldest one, and write the graph if an earlier attempt failed."""
        try:
            store.write_state(self.folder, self.identity, StoredState(state, self.n_epochs, self._graph_sum))
        finally:
            self.pending_state = None
        self._written_epoch = state.epoch
        store.drop_old(self.folder, self.settings.keep, except_epoch=self._began_at if self._is_step else None)
        if self._shared is not None and not store.get_graph_path(self.folder).exists():
            store.write_graph(self.folder, self._shared.rows(keep=False), self._shared.row_arrays)

    def _await_write(self) -> None:
        """Wait for the last write, and warn once if it failed."""
        if self._pending is None:
            return
        pending, self._pending = self._pending, None
        try:
            pending.result()
        except (OSError, MemoryError) as error:
            what = "checkpoint" if self._written_epoch < self._tried_epoch else "graph"
            logger.warning("%s not written: %s", what, error)
            if not self._failing:
                self._failing = True
                warn(
                    f"A {what} could not be written to {self.folder}: {error}. The run goes on, what is on the disk "
                    "stays, and writing is tried again.",
                    CheckpointWarning,
                )
        else:
            if self._failing:
                logger.warning("checkpoints are written again")
            self._failing = False

    def _resume(self) -> None:
        """Read the seed of an earlier run, and the newest intact checkpoint, which must have a known seed."""
        seed = read_seed(self.folder)
        if seed is not None:
            self.seed = seed
        for path in reversed(store.list_checkpoints(self.folder)):
            try:
                self._read_checkpoint(path, seed)
                break
            except (DamagedError, OSError) as error:
                warn(
                    f"The checkpoint {path} cannot be used: {error}. The one before it is used, or the run begins "
                    "anew if there is none.",
                    CheckpointWarning,
                )
                store.set_aside(path)
        if seed is None:
            write_run(self.folder, self.identity, self.seed)

    def _read_checkpoint(self, path: Path, seed: int | None = None, *, finished: bool = False) -> None:
        """Read a checkpoint, and check its seed and optionally that its run is finished."""
        stored = store.read_state(path)
        if seed is not None and stored.state.seed != seed:
            raise DamagedError(f"seed={stored.state.seed}, but the run has {seed}")
        if finished and not stored.is_finished:
            raise DamagedError("the run is not finished")
        self._stored = stored
        self.n_epochs, self.seed = stored.n_epochs, stored.state.seed
        self._written_epoch = self._tried_epoch = stored.state.epoch
        text = "finished run (epoch %d of %d) taken from %s" if stored.is_finished else "resumed epoch %d of %d from %s"
        logger.info(text, stored.state.epoch, stored.n_epochs, path)


def _lower_priority() -> None:
    """Lower the priority of this thread on Linux, so that it does not slow the threads of kernels."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


@contextlib.contextmanager
def open_session(
    settings: Checkpoint, identity: Identity, seed: int, continues: bool, keeper: object
) -> Iterator[Session]:
    """Open a run on disk for a block. Its lock is kept while the estimator `keeper` exists."""
    run = Session(settings, identity, seed, is_step=keeper is not None)
    try:
        run.open(continues=continues)
        yield run
    except BaseException as error:
        run.close(error, keep_lock=False)
        raise
    keep = keeper is not None and not run.is_finished
    run.close(None, keep_lock=keep)
    if keep and run.newly_locked:
        weakref.finalize(keeper, lock.unlock_idle, run.folder)


@contextlib.contextmanager
def explain_errors(directory: Path) -> Iterator[None]:
    """Explain errors of the file system before a run."""
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

"""What a fit will take, told before it is begun: peak memory by phase, room on the disk, time."""

import os
from typing import Any, NamedTuple

import numba
import numpy as np

from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.exceptions import MemoryPlanWarning, warn
from umap_sk.monitor.units import amount, duration
from umap_sk.neighbors.choice import is_small
from umap_sk.neighbors.validate import check_width
from umap_sk.planning.limits import available_addresses, available_memory
from umap_sk.planning.memory import memory_by_phase, room_on_disk
from umap_sk.planning.search import Searched
from umap_sk.planning.seconds import seconds_by_phase
from umap_sk.planning.sizes import Sizes, make_sizes, sizes_of
from umap_sk.runtime.threads import limit_threads

LIBRARIES = 156 * 2**20  # Python, numpy, scipy, scikit-learn, numba and the compiled kernels, loaded


class PhasePlan(NamedTuple):
    """One phase of a fit.

    Attributes
    ----------
    name : str
        "search", "neighbors", "graph", "start" or "layout", as in the report of a fit.
    bytes : int
        Memory at its peak, beside the libraries and what the caller holds.
    seconds : float or None
        How long it takes on this machine; None if no time was asked for, or if only the data decide it.
    """

    name: str
    bytes: int
    seconds: float | None


class Plan(NamedTuple):
    """What a fit will take; it prints as a table.

    Parameters
    ----------
    n_samples, edges : int
        Rows, and entries of the graph.
    edges_known : bool
        Whether the entries were given or counted; otherwise they are the most that there can be.
    phases : tuple of PhasePlan
        In the order in which they run.
    libraries : int
        Bytes that Python and the libraries take.
    disk : int
        Bytes in files: a graph that is built on disk (the neighbors among them are removed at the end), and what a
        checkpoint keeps of the run.
    threads : int
        Threads that the plan is for.
    """

    n_samples: int
    edges: int
    edges_known: bool
    phases: tuple[PhasePlan, ...]
    libraries: int
    disk: int
    threads: int

    @property
    def peak(self) -> int:
        """Bytes of the phase that takes most, the libraries included."""
        return self.libraries + max(phase.bytes for phase in self.phases)

    @property
    def seconds(self) -> float | None:
        """Seconds of all phases."""
        times = [phase.seconds for phase in self.phases if phase.seconds is not None]
        return sum(times) if times else None

    def __str__(self) -> str:
        kind = "entries" if self.edges_known else "entries at most"
        lines = [f"{self.n_samples:,} rows, {self.edges:,} {kind}, {self.threads} threads", ""]
        lines.append(f"{'phase':<12}{'memory':>12}{'time':>12}")
        rows = [(phase.name, self.libraries + phase.bytes, phase.seconds) for phase in self.phases]
        for name, size, seconds in [*rows, ("peak / sum", self.peak, self.seconds)]:
            lines.append(f"{name:<12}{amount(size):>12}{'' if seconds is None else duration(seconds):>12}".rstrip())
        if self.disk:
            lines.append(f"{'on disk':<12}{amount(self.disk):>12}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


def plan(
    *,
    n_samples: int,
    n_neighbors: int = 15,
    n_components: int = 2,
    symmetrize: bool = True,
    edges: int | None = None,
    n_epochs: int | None = None,
    multilevel: bool = True,
    init: str = "array",
    listed: int | None = None,
    n_features: int | None = None,
    on_disk: bool = False,
    timed: bool = True,
    n_jobs: int | None = None,
    checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
) -> Plan:
    """Tell what a fit will take, without allocating what it allocates.

    Memory counts what the fit adds to what the caller holds (arrays in files count nothing), and the libraries. It is
    modelled array by array; with `edges` it comes within about 10 % of what is measured, without it is an upper
    bound.

    Parameters
    ----------
    n_samples : int
        Rows.
    n_neighbors : int, default=15
        Neighbors of a row, the row itself included.
    n_components : int, default=2
        Axes of the embedding.
    symmetrize : bool, default=True
        As in :class:`PrecomputedUMAP`.
    edges : int, default=None
        Entries of the graph, ``manifold.n_edges``. None for the most there can be: two a neighbor, or one
        if the graph is left directed.
    n_epochs : int, default=None
        As in :class:`PrecomputedUMAP`.
    multilevel : bool, default=True
        As in :class:`PrecomputedUMAP`.
    init : {"array", "auto", "pivot_mds", "spectral", "pca", "random"}, default="array"
        Where the layout begins. Principal components need little beside their features.
    listed : int, default=None
        Neighbors that the arrays list for each row; None for `n_neighbors`.
    n_features : int, default=None
        Columns of dense features, among which the package searches the neighbors by a Euclidean metric, a cosine,
        correlation or Hellinger's. None where the neighbors are there already.
    on_disk : bool, default=False
        The graph is built by ``learn_manifold(directory=...)`` and laid out from there.
    timed : bool, default=True
        Tell the time as well, from a fit of a small made-up graph on this machine: a second or two, once a process
        and number of threads.
    n_jobs : int, default=None
        Threads, as in :class:`PrecomputedUMAP`.
    checkpoint : Checkpoint, str or path, default=None
        As in :class:`PrecomputedUMAP`; nothing is written there.

    Returns
    -------
    Plan
        Its attributes are numbers; it prints as a table.

    Raises
    ------
    ValueError
        If there are fewer than 2 rows or neighbors, more than 2^32 rows, or `init` is none of those named.

    Examples
    --------
    >>> import umap_sk
    >>> umap_sk.plan(n_samples=10_000_000, n_neighbors=30, n_jobs=1, timed=False)
    10,000,000 rows, 580,000,000 entries at most, 1 threads
    <BLANKLINE>
    phase             memory        time
    neighbors        2.4 GiB
    graph            6.9 GiB
    start            8.9 GiB
    layout           6.7 GiB
    peak / sum       8.9 GiB
    """
    for name, value in (("n_samples", n_samples), ("n_neighbors", n_neighbors)):
        if not isinstance(value, int | np.integer) or value < 2:
            raise ValueError(f"{name}={value!r}, but a whole number of at least 2 is needed.")
    check_width(n_samples, None)
    sizes = make_sizes(
        n_samples,
        n_neighbors - 1,
        n_neighbors if listed is None else listed,
        edges,
        n_components=n_components,
        symmetrize=symmetrize,
        multilevel=multilevel,
        start=init,
        n_epochs=n_epochs,
        on_disk=on_disk,
        own=True,
        search=None
        if n_features is None
        else Searched(n_features, None, is_small("euclidean", (n_samples, n_features))),
        checkpoint=checkpoint,
    )
    return of_sizes(sizes, timed=timed, n_jobs=n_jobs)


def of_sizes(sizes: Sizes, *, timed: bool, n_jobs: int | None = None) -> Plan:
    """The plan of sizes that are known."""
    with limit_threads(n_jobs) as threads:
        memory = memory_by_phase(sizes, threads)
        seconds = seconds_by_phase(sizes, threads) if timed else {}
    phases = tuple(PhasePlan(name, size, seconds.get(name)) for name, size in memory.items())
    return Plan(sizes.n, sizes.edges, sizes.edges_known, phases, LIBRARIES, room_on_disk(sizes), threads)


def warn_if_too_large(
    estimator: Any, X: Any, knn_indices: Any, manifold: Any = None, init: Any = None, *, until: str = "layout"
) -> None:
    """Warn if a fit may need more memory than the process can get; say nothing of what has no shape yet."""
    available, addresses = available_memory(), available_addresses()
    if available is None and addresses is None:
        return
    for estimate in (False, True):  # where even the bound fits, nobody need look at the neighbors
        try:
            sizes = sizes_of(estimator, X, knn_indices, manifold, init=init, estimate=estimate)
        except ValueError:
            return
        memory = memory_by_phase(sizes, numba.get_num_threads())
        memory = {name: memory[name] for name in list(memory)[: 1 + list(memory).index(until)]}
        name = max(memory, key=memory.__getitem__)
        mapped = memory[name] + room_on_disk(sizes._replace(checkpoints=0))  # files count as addresses, too
        enough = available is None or memory[name] <= available
        if enough and (addresses is None or mapped <= addresses):
            return
    about = "about" if sizes.edges_known else "up to"
    if enough:
        warn(
            f"The phase {name!r} needs {about} {amount(mapped)} of addresses, but the process is limited to "
            f"{amount(addresses or 0)} more. Raise the limit (ulimit -v), set symmetrize=False, or lower n_neighbors. "
            "umap_sk.plan tells what each takes.",
            MemoryPlanWarning,
        )
        return
    cure = (
        "Build the graph on disk, learn_manifold(directory=...), and fit that manifold; or set symmetrize=False, lower "
        "n_neighbors, or use a larger machine."
    )
    if name == "search":
        cure = "Pass float32 features of fewer columns, or neighbors that are known, as knn_indices and knn_dists."
    warn(
        f"The phase {name!r} needs {about} {amount(memory[name])} of memory, but the process can get "
        f"{amount(available or 0)}. {cure} umap_sk.plan tells what each takes.",
        MemoryPlanWarning,
    )

"""The plan of a fit before it begins: peak memory by phase, disk space and time."""

import os
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike

from umap_sk._typing import FeaturesLike
from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.exceptions import MemoryPlanWarning, warn
from umap_sk.graph.manifold import Manifold
from umap_sk.monitor.units import format_bytes, format_seconds
from umap_sk.neighbors.choice import is_small
from umap_sk.neighbors.validate import check_width
from umap_sk.pipeline.settings import Settings
from umap_sk.planning.limits import find_available_addresses, find_available_memory
from umap_sk.planning.memory import count_disk_bytes, count_phase_bytes
from umap_sk.planning.search import SearchSizes
from umap_sk.planning.seconds import estimate_phase_seconds
from umap_sk.planning.sizes import Sizes, derive_sizes, make_sizes
from umap_sk.runtime.threads import limit_threads

LIBRARY_BYTES = 156 * 2**20  # Python with numpy, scipy, scikit-learn, numba and the compiled kernels


class PhasePlan(NamedTuple):
    """One phase of a fit."""

    name: str  # "search", "neighbors", "graph", "start" or "layout", as in the report of a fit
    bytes: int  # peak memory, without that of the libraries and of the caller's data
    seconds: float | None  # on this machine; None if no time was asked for, or if it depends on the data


class Plan(NamedTuple):
    """Resources that a fit will need. A plan prints as a table.

    Parameters
    ----------
    n_samples, edges : int
        Number of rows, and number of entries of the graph.
    edges_known : bool
        Whether the number of entries was given or counted. Otherwise `edges` is an upper bound.
    phases : tuple of PhasePlan
        The phases in the order in which they run.
    libraries : int
        Bytes of Python and the libraries.
    disk : int
        Bytes in files: a graph that is built on disk, with neighbors that are removed at the end, and the checkpoints.
    threads : int
        Number of threads that the plan assumes.
    omitted : tuple of str
        What the plan does not count.
    """

    n_samples: int
    edges: int
    edges_known: bool
    phases: tuple[PhasePlan, ...]
    libraries: int
    disk: int
    threads: int
    omitted: tuple[str, ...] = ()

    @property
    def peak(self) -> int:
        """Return the bytes of the phase that needs most, including the libraries."""
        return self.libraries + max(phase.bytes for phase in self.phases)

    @property
    def seconds(self) -> float | None:
        """Return the total time of all phases."""
        times = [phase.seconds for phase in self.phases if phase.seconds is not None]
        return sum(times) if times else None

    def __str__(self) -> str:
        kind = "entries" if self.edges_known else "entries at most"
        lines = [f"{self.n_samples:,} rows, {self.edges:,} {kind}, {self.threads} thread{'s' * (self.threads > 1)}", ""]
        lines.append(f"{'phase':<12}{'memory':>12}{'time':>12}")
        rows = [(phase.name, self.libraries + phase.bytes, phase.seconds) for phase in self.phases]
        for name, size, seconds in [*rows, ("peak / sum", self.peak, self.seconds)]:
            lines.append(
                f"{name:<12}{format_bytes(size):>12}{'' if seconds is None else format_seconds(seconds):>12}".rstrip()
            )
        if self.disk:
            lines.append(f"{'on disk':<12}{format_bytes(self.disk):>12}")
        if self.omitted:
            lines.append(f"not counted: {'; '.join(self.omitted)}")
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
    """Estimate the memory, disk space and time of a fit before it runs.

    The memory counts what the fit adds to the caller's data, and the libraries. Arrays in files do not count. The model
    adds up all arrays. If `edges` is given, the estimate is within about 10 % of measurements. Otherwise it is an upper
    bound.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    n_neighbors : int, default=15
        Number of neighbors of a row, including the row itself.
    n_components : int, default=2
        Dimension of the embedding.
    symmetrize : bool, default=True
        As in :class:`PrecomputedUMAP`.
    edges : int, default=None
        Number of entries of the graph, ``manifold.n_edges``. None stands for the maximum: two entries for each
        neighbor, or one if the graph stays directed.
    n_epochs, multilevel : int and bool, default=None and True
        As in :class:`PrecomputedUMAP`.
    init : {"array", "auto", "pivot_mds", "spectral", "pca", "random"}, default="array"
        The initialization of the layout. PCA needs little memory in addition to the features.
    listed : int, default=None
        Number of neighbors per row in the arrays. None stands for `n_neighbors`.
    n_features : int, default=None
        Number of columns of dense features, if the package searches the neighbors by a Euclidean metric, cosine,
        correlation or Hellinger distance. None if the neighbors are precomputed.
    on_disk : bool, default=False
        Whether ``learn_manifold(directory=...)`` builds the graph on disk, and the fit reads it from there.
    timed : bool, default=True
        Whether to estimate the time too, from a fit of a small synthetic graph on this machine. This takes a second or
        two, once per process and number of threads.
    n_jobs : int, default=None
        Number of threads, as in :class:`PrecomputedUMAP`.
    checkpoint : Checkpoint, str or path, default=None
        As in :class:`PrecomputedUMAP`. Nothing is written.

    Returns
    -------
    Plan
        A tuple of numbers, which prints as a table.

    Raises
    ------
    ValueError
        If there are fewer than 2 rows or neighbors, or more than 2^32 rows, another number is below 1, or `init` is
        unknown.

    Examples
    --------
    >>> import umap_sk
    >>> umap_sk.plan(n_samples=10_000_000, n_neighbors=30, n_jobs=1, timed=False)
    10,000,000 rows, 580,000,000 entries at most, 1 thread
    <BLANKLINE>
    phase             memory        time
    neighbors        2.4 GiB
    graph            6.9 GiB
    start            8.9 GiB
    layout           6.7 GiB
    peak / sum       8.9 GiB
    """
    numbers = {"n_samples": n_samples, "n_neighbors": n_neighbors, "n_components": n_components, "edges": edges}
    numbers |= {"n_epochs": n_epochs, "listed": listed, "n_features": n_features}
    for name, value in numbers.items():
        least = 2 if name in ("n_samples", "n_neighbors") else 1
        may_be_none = least == 1 and name != "n_components"
        if not (value is None and may_be_none) and (not isinstance(value, int | np.integer) or value < least):
            raise ValueError(f"{name}={value!r}, but a whole number of at least {least} is needed.")
    whole = {name: int(value) for name, value in numbers.items() if value is not None}
    n, k, edges, columns = whole["n_samples"], whole["n_neighbors"], whole.get("edges"), whole.get("n_features")
    if edges is not None and edges > n * (n - 1):
        raise ValueError(f"edges={edges}, but {n} rows have at most {n * (n - 1)}.")
    check_width(n, None)
    sizes = make_sizes(
        n,
        k - 1,
        whole.get("listed", k),
        edges,
        n_components=whole["n_components"],
        symmetrize=symmetrize,
        multilevel=multilevel,
        start=init,
        n_epochs=whole.get("n_epochs"),
        on_disk=on_disk,
        own=True,
        search=None if columns is None else SearchSizes(columns, None, is_small("euclidean", (n, columns))),
        checkpoint=checkpoint,
    )
    return plan_sizes(sizes, timed=timed, n_jobs=n_jobs)


def plan_sizes(sizes: Sizes, *, timed: bool, n_jobs: int | None = None) -> Plan:
    """Make the plan of a fit of known sizes."""
    with limit_threads(n_jobs) as threads:
        memory = count_phase_bytes(sizes, threads)
        seconds = estimate_phase_seconds(sizes, threads) if timed else {}
    phases = tuple(PhasePlan(name, size, seconds.get(name)) for name, size in memory.items())
    disk = count_disk_bytes(sizes)
    return Plan(sizes.n, sizes.edges, sizes.edges_known, phases, LIBRARY_BYTES, disk, threads, sizes.omitted)


def warn_if_too_large(
    settings: Settings,
    X: FeaturesLike | None,
    knn_indices: ArrayLike | None,
    manifold: Manifold | None = None,
    init: str | ArrayLike | None = None,
    *,
    until: str = "layout",
) -> None:
    """Warn if a fit may need more memory than the process can get. Inputs without a shape are ignored."""
    available, addresses = find_available_memory(), find_available_addresses()
    if available is None and addresses is None:
        return
    for estimate in (False, True):  # if even the upper bound fits, the neighbors need not be read
        try:
            sizes = derive_sizes(settings, X, knn_indices, manifold, init=init, estimate=estimate)
        except ValueError:
            return
        memory = count_phase_bytes(sizes, numba.get_num_threads())
        memory = {name: memory[name] for name in list(memory)[: 1 + list(memory).index(until)]}
        name = max(memory, key=memory.__getitem__)
        mapped = memory[name] + count_disk_bytes(sizes._replace(checkpoints=0))  # files take addresses too
        enough = available is None or memory[name] <= available
        if enough and (addresses is None or mapped <= addresses):
            return
    about = "about" if sizes.edges_known else "up to"
    if enough:
        warn(
            f"The phase {name!r} needs {about} {format_bytes(mapped)} of addresses, but the process is limited to "
            f"{format_bytes(addresses or 0)} more. Raise the limit (ulimit -v), set symmetrize=False, or lower "
            "n_neighbors. umap_sk.plan shows what each of these needs.",
            MemoryPlanWarning,
        )
        return
    _warn_about_memory(name, f"{about} {format_bytes(memory[name])}", available or 0)


def _warn_about_memory(phase: str, needed: str, available: int) -> None:
    """Warn that a phase needs more memory than the process can get."""
    cure = (
        "Build the graph on disk, learn_manifold(directory=...), and fit that manifold; or set symmetrize=False, lower "
        "n_neighbors, or use a larger machine."
    )
    if phase == "search":
        cure = "Pass float32 features of fewer columns, or precomputed neighbors as knn_indices and knn_dists."
    warn(
        f"The phase {phase!r} needs {needed} of memory, but the process can get "
        f"{format_bytes(available)}. {cure} umap_sk.plan shows what each of these needs.",
        MemoryPlanWarning,
    )

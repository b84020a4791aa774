"""Validation of graphs from outside. All data are read once, in parallel, and nothing is copied."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numba
import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.runtime.checksum import CHUNK_BYTES, new_checksum
from umap_sk.runtime.compile import as_readonly

DTYPES = {"indptr": ("int64",), "indices": ("int32", "uint32"), "weights": ("float32",)}
PART_BYTES = 16 * CHUNK_BYTES  # bytes of each array that one thread checks
LARGEST_WEIGHT = np.float32(1 + 2**-20)  # rounding may raise a float32 union above 1


class Findings(NamedTuple):
    """A description of the first problem, or "", and the checksums of the files that were read with the graph."""

    problem: str
    checksums: list[str]


def check_graph(graph: FuzzyGraph, what: str, cure: str, *, symmetric: bool = False) -> None:
    """Raise ValueError with the first invalid row if arrays are no fuzzy graph."""
    problem = find_form_problem(graph) or scan_graph(graph, symmetric=symmetric).problem
    if problem:
        raise ValueError(f"{what} contains no valid graph: {problem}. {cure}")


def check_row_arrays(
    lengths: np.ndarray | None, radii: np.ndarray | None, indptr: np.ndarray, what: str, cure: str
) -> None:
    """Raise ValueError unless the mean distances are finite and at least 0, and the log radii finite, if given.

    Log radii are NaN for rows without an edge.
    """
    n_rows = len(indptr) - 1
    for name, array in (("mean distances", lengths), ("log radii", radii)):
        if array is None:
            continue
        if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.shape != (n_rows,):
            raise ValueError(f"{what} has {name} of another form than one float32 for each of {n_rows} rows. {cure}")
    if lengths is not None and not (np.isfinite(lengths).all() and lengths.min() >= 0):
        raise ValueError(f"{what} has a mean distance that is negative or not finite. {cure}")
    if radii is not None and (not np.array_equal(np.isfinite(radii), np.diff(indptr) > 0) or np.isinf(radii).any()):
        raise ValueError(
            f"{what} has a log radius that is not finite for a row with edges, or is for one without. {cure}"
        )


def find_form_problem(graph: FuzzyGraph) -> str:
    """Return a description of wrong dtypes and shapes, or ""."""
    for name, array in graph._asdict().items():
        if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype not in map(np.dtype, DTYPES[name]):
            return (
                f"{name} is {getattr(array, 'dtype', type(array).__name__)} of shape {getattr(array, 'shape', ())}, "
                f"but one dimension of {' or '.join(DTYPES[name])} is needed"
            )
    indptr, indices, weights = graph
    if len(indptr) < 2 or len(indices) != len(weights):
        return f"{len(indptr)} bounds of rows, {len(indices)} indices and {len(weights)} weights are inconsistent"
    if (indptr[0], indptr[-1]) != (0, len(indices)):
        return f"the rows reach from entry {indptr[0]} to {indptr[-1]}, but there are {len(indices)}"
    return ""


def scan_graph(graph: FuzzyGraph, *, symmetric: bool, contents: Sequence[np.ndarray] = ()) -> Findings:
    """Check every entry of a graph of valid form, and compute the checksums of its files at the same time."""
    graph = FuzzyGraph(*(as_readonly(np.ascontiguousarray(array)) for array in graph))
    totals = [new_checksum() for _ in contents]
    problem, balance = "", 0
    parts = max(1, *(-(-array.nbytes // PART_BYTES) for array in (*graph, *contents)))
    for k, (found, part_of_balance) in enumerate(scan_parts(graph, parts)):
        if found[0] and not problem:
            problem = describe_problem(graph, *map(int, found))
        balance += part_of_balance
        for total, content in zip(totals, contents, strict=True):
            total.update(content[k * PART_BYTES : (k + 1) * PART_BYTES].data)
    if not problem and symmetric and balance % 2**64:
        problem = "it was learned with symmetrize=True, but some edges lack the opposite direction"
    return Findings(problem, [total.hexdigest() for total in totals])


def scan_parts(graph: FuzzyGraph, parts: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the code, row and entry of the first problem of each part of the rows, and a sum.

    The sum of all parts is 0 for symmetric graphs. Python threads run a serial kernel, since numba's own threads must
    not be started before a fork.
    """
    starts = np.minimum(np.arange(1, parts) * (PART_BYTES // graph.indices.itemsize), len(graph.indices))
    rows = np.maximum.accumulate(np.searchsorted(graph.indptr[:-1], starts))  # this also handles descending bounds
    bounds = [0, *rows.tolist(), len(graph.indptr) - 1]

    def scan(first: int, last: int) -> tuple[np.ndarray, int]:
        problem = np.zeros(3, np.int64)
        return problem, int(kernels.check_rows(*graph, first, last, LARGEST_WEIGHT, problem))

    if parts == 1:
        yield scan(*bounds)
        return
    with ThreadPoolExecutor(numba.get_num_threads()) as threads:
        yield from threads.map(scan, bounds[:-1], bounds[1:])


def describe_problem(graph: FuzzyGraph, code: int, row: int, entry: int) -> str:
    """Describe a problem by its code from :func:`umap_sk.kernels.check_rows`."""
    n, n_edges = len(graph.indptr) - 1, len(graph.indices)
    if code == kernels.BAD_BOUNDS:
        start, stop = graph.indptr[row : row + 2]
        return f"row {row} reaches from entry {start} to {stop}, of {n_edges}"
    j, weight = graph.indices[entry], graph.weights[entry]
    return {
        kernels.OUT_OF_RANGE: f"row {row} lists the neighbor {j}, but there are {n} rows",
        kernels.UNSORTED: f"row {row} lists the neighbor {j} twice, or not in ascending order",
        kernels.OWN_ROW: f"row {row} lists itself as a neighbor",
        kernels.BAD_WEIGHT: f"row {row} has the weight {weight} for the neighbor {j}, but weights lie in (0, 1]",
    }[code]

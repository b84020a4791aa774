"""Whether a graph that comes from outside is one: all of it is read once, parts side by side, and nothing copied."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numba
import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.runtime.checksum import AT_ONCE, Checksum, Sums, sums_of
from umap_sk.runtime.compile import readonly

DTYPES = {"indptr": ("int64",), "indices": ("int32", "uint32"), "weights": ("float32",)}
PART = 16 * AT_ONCE  # bytes of each array that one thread looks at
LARGEST_WEIGHT = np.float32(1 + 2**-20)  # a union in float32 may be rounded to more than 1


class Findings(NamedTuple):
    """What came out.

    Attributes
    ----------
    problem : str
        What is wrong with the graph; empty if nothing is.
    checksums : list of str
        Of what was read beside it.
    """

    problem: str
    checksums: list[str]


class PartFindings(NamedTuple):
    """What came out of a part of the rows, and of as many bytes of each content.

    Attributes
    ----------
    problem : ndarray of shape (3,), int64
        Code, row and entry of the first problem.
    balance : int
        Sum over the edges, which is 0 over all parts of a symmetric graph.
    sums : list of Sums
        Of each content.
    """

    problem: np.ndarray
    balance: int
    sums: list[Sums]


def check_graph(graph: FuzzyGraph, what: str, cure: str, *, symmetric: bool = False) -> None:
    """Raise if arrays are no fuzzy graph.

    Parameters
    ----------
    graph : FuzzyGraph
        The arrays.
    what, cure : str
        Where they come from, and what helps.
    symmetric : bool
        Whether every edge must have its like the other way.

    Raises
    ------
    ValueError
        If they are none, with the first row that is wrong.
    """
    problem = form_problem(graph) or look_through(graph, symmetric=symmetric).problem
    if problem:
        raise ValueError(f"{what} holds no graph: {problem}. {cure}")


def check_lengths(lengths: np.ndarray | None, n_rows: int, what: str, cure: str) -> None:
    """Raise if the rows' mean distances are no such thing.

    Parameters
    ----------
    lengths : ndarray or None
        What is looked at; None for a graph without distances.
    n_rows : int
        Rows of the graph.
    what, cure : str
        Where they come from, and what helps.

    Raises
    ------
    ValueError
        If they are not a finite number of at least 0 a row, in float32.
    """
    if lengths is None:
        return
    if not isinstance(lengths, np.ndarray) or lengths.dtype != np.float32 or lengths.shape != (n_rows,):
        raise ValueError(
            f"{what} has mean distances of another form than one float32 for each of {n_rows} rows. {cure}"
        )
    if not (np.isfinite(lengths).all() and lengths.min() >= 0):
        raise ValueError(f"{what} has a mean distance that is negative or not finite. {cure}")


def check_places(graph: Any) -> None:
    """Raise where a sparse graph's arrays name places outside it, which scipy would read and write.

    Parameters
    ----------
    graph : sparse array or matrix of shape (n, n)
        In any form; nothing of it is copied that grows with its entries.

    Raises
    ------
    ValueError
        If an index is out of range, or the bounds of rows do not ascend.
    """
    limit = graph.shape[0]
    if graph.format in ("csr", "csc", "bsr"):
        indptr, indices = np.asarray(graph.indptr), graph.indices
        if len(indptr) < 2 or indptr[0] != 0 or indptr[-1] > len(indices) or (indptr[1:] < indptr[:-1]).any():
            raise ValueError(
                f"The graph's indptr must ascend from 0 to at most {len(indices)}, its entries, but it does not. Build "
                "the graph again."
            )
        limit //= graph.blocksize[1] if graph.format == "bsr" else 1
        places = [indices[: indptr[-1]]]  # what lies beyond is room to spare
    elif graph.format == "coo":
        places = [graph.row, graph.col]
    else:
        return  # scipy makes arrays of them first
    for array in places:
        if len(array) and not (array.min() >= 0 and array.max() < limit):
            wrong = array.max() if array.max() >= limit else array.min()
            raise ValueError(
                f"The graph names row or column {wrong}, but its shape is {graph.shape}. Number the rows from 0, or "
                "build the graph again."
            )


def form_problem(graph: FuzzyGraph) -> str:
    """What is wrong with the dtypes and shapes of arrays.

    Parameters
    ----------
    graph : FuzzyGraph
        The arrays.

    Returns
    -------
    str
        Empty if nothing is.
    """
    for name, array in graph._asdict().items():
        if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype not in map(np.dtype, DTYPES[name]):
            return (
                f"{name} is {getattr(array, 'dtype', type(array).__name__)} of shape {getattr(array, 'shape', ())}, "
                f"but one dimension of {' or '.join(DTYPES[name])} is needed"
            )
    indptr, indices, weights = graph
    if len(indptr) < 2 or len(indices) != len(weights):
        return f"{len(indptr)} bounds of rows, {len(indices)} indices and {len(weights)} weights do not fit together"
    if (indptr[0], indptr[-1]) != (0, len(indices)):
        return f"the rows reach from entry {indptr[0]} to {indptr[-1]}, but there are {len(indices)}"
    return ""


def look_through(graph: FuzzyGraph, *, symmetric: bool, contents: Sequence[np.ndarray] = ()) -> Findings:
    """Look at every entry of a graph, and sum the bytes of the files that it lies in on the way.

    Parameters
    ----------
    graph : FuzzyGraph
        Of which :func:`form_problem` finds nothing.
    symmetric : bool
        Whether every edge must have its like the other way.
    contents : sequence of ndarray of uint8
        Bytes, which are read where the graph is.

    Returns
    -------
    Findings
        What is wrong with the graph, and the checksums of the contents.
    """
    graph = FuzzyGraph(*(readonly(np.ascontiguousarray(array)) for array in graph))
    totals = [Checksum() for _ in contents]
    problem, balance = "", 0
    for found in side_by_side(graph, contents):
        if found.problem[0] and not problem:
            problem = in_words(graph, *map(int, found.problem))
        balance += found.balance
        for total, sums in zip(totals, found.sums, strict=True):
            total.add(sums)
    if not problem and symmetric and balance % 2**64:
        problem = "it was learned with symmetrize=True, but some edges lack their like the other way"
    return Findings(problem, [total.hexdigest() for total in totals])


def side_by_side(graph: FuzzyGraph, contents: Sequence[np.ndarray]) -> Any:
    """What comes out of the parts, in their order.

    Threads of Python run a serial kernel: numba's own threads must not be started where a process was forked.

    Parameters
    ----------
    graph, contents : FuzzyGraph, sequence of ndarray of uint8
        As in :func:`look_through`.

    Yields
    ------
    PartFindings
        For each part.
    """
    parts = max(1, *(-(-array.nbytes // PART) for array in (*graph, *contents)))
    starts = np.minimum(np.arange(1, parts) * (PART // graph.indices.itemsize), len(graph.indices))
    rows = np.maximum.accumulate(np.searchsorted(graph.indptr[:-1], starts))  # also where the bounds do not ascend
    bounds = list(enumerate(pairwise([0, *rows.tolist(), len(graph.indptr) - 1])))
    look = partial(look_at_part, graph, contents)
    if parts == 1:
        yield look(bounds[0])
        return
    with ThreadPoolExecutor(numba.get_num_threads()) as threads:
        yield from threads.map(look, bounds)


def look_at_part(graph: FuzzyGraph, contents: Sequence[np.ndarray], part: tuple[int, tuple[int, int]]) -> PartFindings:
    """Look at some rows, and at as many bytes of each content.

    Parameters
    ----------
    graph, contents : FuzzyGraph, sequence of ndarray of uint8
        As in :func:`look_through`.
    part : tuple
        Number of the part; its first row, and the first of the next.

    Returns
    -------
    PartFindings
        What came out.
    """
    k, (first, last) = part
    problem = np.zeros(3, np.int64)
    balance = kernels.look_at_rows(*graph, first, last, LARGEST_WEIGHT, problem)
    return PartFindings(problem, int(balance), [sums_of(content[k * PART : (k + 1) * PART]) for content in contents])


def in_words(graph: FuzzyGraph, code: int, row: int, entry: int) -> str:
    """A problem for people.

    Parameters
    ----------
    graph : FuzzyGraph
        Where it is.
    code, row, entry : int
        From :func:`umap_sk.kernels.look_at_rows`.

    Returns
    -------
    str
        What is wrong with which row.
    """
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

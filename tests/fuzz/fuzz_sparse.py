"""Test of sparse arrays of random structure.

Each example builds features or a graph in one of scipy's formats, changes a few numbers, lengths or dtypes of its
arrays, and passes it to a call that accepts it. Slow loops read the arrays, too. If they find an entry outside of the
array, the call must raise the error of `check_structure`. Otherwise, the call must behave as with the same entries in a
new array: return the same bits, or raise an error of the same type.
"""

import functools
import warnings

import numpy as np
import scipy.sparse
from fuzzing import pick

from umap_sk import UMAP, Manifold, PrecomputedUMAP, UMAPWarning
from umap_sk.metrics import distance_correlation, neighbor_recall, sampled_loss, triplet_accuracy
from umap_sk.neighbors.formats import as_csr

ROWS, COLUMNS = 20, 6
SETTINGS = {"n_neighbors": 4, "n_epochs": 1, "random_state": 0, "n_jobs": 1}
FORMATS = ("csr", "csc", "bsr", "coo")
REFUSED = "with inconsistent parts"


def parts_of(values):
    """Return the names of an array's arrays."""
    return ("row", "col", "data") if values.format == "coo" else ("indptr", "indices", "data")


def entries_of(values):
    """Return rows, columns and values of all entries by slow loops, or None if one is outside of the array."""
    height, width = values.shape
    if values.format == "coo":
        if not len(values.row) == len(values.col) == len(values.data):
            return None
        found = list(zip(values.row.tolist(), values.col.tolist(), values.data.tolist(), strict=True))
    else:
        found = compressed_entries(values)
    if found is None or any(i % 1 or j % 1 or not (0 <= i < height and 0 <= j < width) for i, j, _ in found):
        return None
    return found


def compressed_entries(values):
    """Return the same of rows, of columns in a CSC array, and of blocks in a BSR array."""
    high, wide = values.data.shape[1:] if values.format == "bsr" else (1, 1)
    lines = values.shape[1] if values.format == "csc" else values.shape[0] // high
    bounds, places = values.indptr.tolist(), values.indices.tolist()
    whole_numbers = values.indptr.dtype.kind != "f" and values.indices.dtype.kind != "f"
    if len(bounds) != lines + 1 or bounds[0] != 0 or len(places) != len(values.data) or not whole_numbers:
        return None
    found = []
    for line in range(lines):
        if bounds[line + 1] < bounds[line] or bounds[line + 1] > len(places):
            return None
        for entry in range(bounds[line], bounds[line + 1]):
            block = np.reshape(values.data[entry], (high, wide))
            for (i, j), value in np.ndenumerate(block):
                row, column = line * high + i, places[entry] * wide + j
                found.append((row, column, value) if values.format != "csc" else (column, row, value))
    return found


def built(random, square):
    """Return a valid array: features, or a graph with values in (0, 1)."""
    shape = (ROWS, ROWS if square else COLUMNS)
    dense = random.uniform(0.1, 0.9, shape) * (random.random(shape) < 0.5)
    values = scipy.sparse.csr_array(dense)
    if random.random() < 0.3:
        assert values.has_canonical_format  # and remembers it
    form = pick(random, FORMATS)
    return values.tobsr((1, 1) if square else (2, 2)) if form == "bsr" else values.asformat(form)


def damage(values, random):
    """Change one of the arrays."""
    name = parts_of(values)[random.integers(3)]
    array = getattr(values, name).copy()
    kind = random.integers(5)
    if name == "data":
        array = array[: random.integers(len(array) + 1)] if kind < 2 else np.concatenate([array, array[:3]])
    elif kind == 0:
        array = array[: random.integers(len(array) + 1)]
    elif kind == 1:
        array = array.astype(pick(random, (np.int64, np.float64)))
    elif kind == 2 and name == "indices" and values.format == "csr":
        first, last = (int(bound) for bound in values.indptr[:2])
        array[first:last] = array[first:last][::-1]  # in another order, with the values in theirs
        values.data[first:last] = values.data[first:last][::-1].copy()
    elif len(array):
        odd = [-1, 0, 1, COLUMNS - 1, COLUMNS, ROWS, 10**8, -(2**31), 2**31 - 1, int(random.integers(ROWS))]
        array[random.integers(len(array))] = pick(random, odd)
    setattr(values, name, array)
    if values.format == "coo":
        values.has_canonical_format = False  # or scipy does not add up what is there twice by now


@functools.cache
def models():
    """Return a map of features, and one of a graph."""
    random = np.random.default_rng(0)
    features, graph = (scipy.sparse.csr_array(random.random((ROWS, width)) + 0.1) for width in (COLUMNS, ROWS))
    return PrecomputedUMAP(metric="euclidean", **SETTINGS).fit(features), PrecomputedUMAP(**SETTINGS).fit(graph)


def manifold_of(values, **settings):
    """Return the weights that a call computes from features or distances."""
    return PrecomputedUMAP(**SETTINGS, **settings).learn_manifold(values).arrays()


CALLS = {  # whether it takes a square graph, and what it gives
    "features": (False, lambda values: manifold_of(values, metric="euclidean")),
    "cosine": (False, lambda values: manifold_of(values, metric="cosine")),
    "transform": (False, lambda values: models()[0].transform(values)),
    "inverse": (False, lambda values: models()[0].inverse_transform(models()[0].embedding_, features=values)),
    "UMAP": (False, lambda values: UMAP(**SETTINGS, unique=True).fit(values).embedding_),
    "triplets": (False, lambda values: triplet_accuracy(values, models()[0].embedding_, n_triplets=50)),
    "correlation": (False, lambda values: distance_correlation(values, models()[0].embedding_, n_pairs=50)),
    "distances": (True, manifold_of),
    "new rows": (True, lambda values: models()[1].transform(values)),
    "knn_graph": (True, lambda values: UMAP(**SETTINGS).fit(np.eye(ROWS), knn_graph=values).embedding_),
    "memberships": (True, lambda values: Manifold.from_graph(values).arrays()),
    "recall": (True, lambda values: neighbor_recall(values, models()[0].embedding_, k=3)),
    "loss": (True, lambda values: round(sampled_loss(values, models()[0].embedding_, a=1.0, b=1.0), 9)),  # a sum
}


def outcome_of(call, values):
    """Return the result of a call as bytes, or its error."""
    try:
        found = call(values)
    except (ValueError, TypeError) as error:
        return error
    return [np.asarray(part).tobytes() for part in (found if isinstance(found, tuple) else [found])]


def contents_of(values):
    """Return the bytes of an array's arrays."""
    return [getattr(values, part).tobytes() for part in parts_of(values)]


def check(random):
    """Run one call, and return the outcome."""
    name = pick(random, list(CALLS))
    square, call = CALLS[name]
    values = built(random, square)
    for _ in range(random.integers(3)):
        damage(values, random)
    entries, before = entries_of(values), contents_of(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UMAPWarning)
        found = outcome_of(call, values)
        assert contents_of(values) == before, (name, "the caller's arrays were written to")
        if entries is None:
            assert isinstance(found, ValueError) and REFUSED in str(found), (name, values.format, found)
            return f"{name}, refused"
        rows, columns, data = (np.array(part) for part in zip(*entries, strict=True)) if entries else ([], [], [])
        whole = scipy.sparse.coo_array((data, (rows, columns)), shape=values.shape)
        expected = outcome_of(call, whole if values.format == "coo" else as_csr(whole))  # no two entries are added up
    assert type(found) is type(expected) and (found == expected or isinstance(found, Exception)), (name, found)
    return f"{name}, {'accepted' if isinstance(found, list) else type(found).__name__}"

"""Tests of invalid neighbors: the error names the value, the needed form and the solution."""

import re

import naive_neighbors
import numpy as np
import pytest
import scipy.sparse
from neighbor_inputs import assert_equal, assert_like_twin, hard_arrays
from sklearn.neighbors import NearestNeighbors

from umap_sk.neighbors import formats
from umap_sk.neighbors.read import knn_graph, read_neighbors
from umap_sk.pipeline.inputs import check_self_column
from umap_sk.runtime.threads import limit_threads

NEAR, FAR, ONES = [[0, 1, 2], [1, 0, 2], [2, 0, 1]], [[0.0, 1, 2], [0, 1, 2], [0, 1, 2]], [[1.0, 1, 1]] * 3


def changed(values, row, column, value, dtype=None):
    array = np.array(values, dtype=dtype)
    array[row, column] = value
    return array


def case(error, message, **given):
    """Return a case of three rows with three neighbors. `indices`, `dists` and `new_rows` are short names."""
    arrays = {} if "X" in given else {"knn_indices": NEAR, "knn_dists": FAR}
    arrays |= {"knn_" + name: given.pop(name) for name in ("indices", "dists") if name in given}
    if "new_rows" in given:
        given |= {"drop_self": False, "n_columns": given.pop("new_rows")}
    return pytest.param({"n_neighbors": 3, **arrays, **given}, error, message, id=re.sub(r"\W+", " ", message))


SHAPES = [
    case(ValueError, "knn_indices was given without knn_dists.*Give both", dists=None),
    case(ValueError, "knn_dists was given without knn_indices.*Give both", indices=None),
    case(ValueError, "Neither X nor neighbors.*Give both", X=None),
    case(TypeError, "not both", X=ONES, indices=NEAR, dists=FAR),
    case(ValueError, r"shape \(3, 3\).*\(3, 2\).*Give both", dists=np.ones((3, 2))),
    case(ValueError, r"knn_indices has 1 dim.*2-d.*reshape", indices=[0, 1, 2]),
    case(ValueError, r"knn_dists has 3 dim.*2-d", dists=[FAR]),
    case(ValueError, "X has 1 dim.*2-d", X=[1.0, 2.0]),
    case(ValueError, "X has 1 dim.*2-d graph", X=scipy.sparse.coo_array(np.ones(3))),
    case(ValueError, "knn_indices is no 2-d array.*-1", indices=[[0, 1], [0]]),
    case(ValueError, "knn_indices has 3 rows, but 4.*same rows in the same order", n_rows=4),
    case(ValueError, "X has 3 rows, but 4", X=ONES, n_rows=4),
    case(ValueError, "1 row.*n_samples = 1.*at least 2", indices=[[0]], dists=[[0.0]]),
    case(ValueError, "X has 1 row.*at least 2", X=[[0.0]]),
    case(ValueError, "0 row.*at least 1", indices=np.empty((0, 3), int), dists=np.empty((0, 3)), new_rows=9),
    case(ValueError, r"shape \(3, 4\).*square.*features.*metric", X=np.ones((3, 4))),
    case(ValueError, r"shape \(3, 2\).*square.*features", X=scipy.sparse.csr_array(np.ones((3, 2)))),
    case(ValueError, "4 columns, but 5.*training", X=np.ones((3, 4)), new_rows=5),
    case(ValueError, "without n_columns", drop_self=False),
    case(ValueError, "4,294,967,297 rows are too many", new_rows=2**32 + 1),
]
DTYPES = [
    case(TypeError, r"masked.*filled\(-1\)", indices=np.ma.array(NEAR)),
    case(TypeError, r"knn_dists is a masked.*knn_indices=np.where", dists=np.ma.array(FAR)),
    case(TypeError, r"float64.*whole.*astype\(np.int64\)", indices=np.array(NEAR, float)),
    case(TypeError, "float32.*not whole numbers", indices=np.array(NEAR, "f4") + 0.5),
    case(TypeError, "knn_indices has dtype bool.*integers", indices=np.array(NEAR, bool)),
    case(TypeError, "knn_indices has dtype object.*integers", indices=np.array(NEAR, object)),
    case(ValueError, "Complex data not supported: knn_indices", indices=np.array(NEAR, complex)),
    case(TypeError, "knn_dists has dtype <U.*real", dists=np.array(FAR, str)),
    case(TypeError, "knn_dists has dtype bool.*real", dists=np.array(FAR, bool)),
    case(TypeError, "knn_dists has dtype object.*real", dists=np.array(FAR, object)),
    case(TypeError, "knn_dists has dtype timedelta.*real", dists=np.array(NEAR, "m8[s]")),
    case(ValueError, "Complex.*knn_dists.*real", dists=np.array(FAR, complex)),
    case(ValueError, "Complex.*X has", X=np.ones((3, 3), complex)),
    case(TypeError, "X has dtype bool.*real", X=scipy.sparse.eye_array(3, dtype=bool)),
    case(ValueError, "Complex data.*X has dtype complex", X=scipy.sparse.eye_array(3, dtype=complex)),
    case(TypeError, "X has dtype object.*real", X=np.ones((3, 3), object)),
    case(TypeError, "X has dtype <U.*real", X=np.array(FAR, str)),
    case(ValueError, "int8, which cannot name all of 128 rows.*wider", indices=np.array(NEAR, "i1"), new_rows=128),
]
INDICES = [
    case(ValueError, r"knn_indices\[1, 2\].*is 3, but.*0 to 2", indices=changed(NEAR, 1, 2, 3)),
    case(
        ValueError,
        r"row 2, column 0.*77.*-1 or 9223372036854775807.*cross-val.*knn_graph\(knn_indices, knn_dists\).*precomputed",
        indices=changed(NEAR, 2, 0, 77),
    ),
    case(ValueError, r"knn_indices\[0, 1\].*is -2, but", indices=changed(NEAR, 0, 1, -2)),
    case(ValueError, "is 3, but .*Rows are numbered from 0.*from 1: knn_indices - 1", indices=np.array(NEAR) + 1),
    case(ValueError, "is 18446744073709551607, but", indices=changed(NEAR, 0, 1, 2**64 - 9, "u8")),
    case(
        ValueError,
        "4294967295.*stands for a missing neighbor in another dtype; set it to -1",
        indices=changed(NEAR, 0, 2, 2**32 - 1),
    ),
    case(ValueError, "is 9223372036854775807.*another dtype", indices=changed(NEAR, 0, 2, 2**63 - 1, "u8")),
]
DISTANCES = [
    case(ValueError, r"knn_dists\[1, 2\] is -1.*row 1, column 2, neighbor 2", dists=changed(FAR, 1, 2, -1)),
    case(ValueError, r"\[2, 1\] is nan.*NaN.*index to -1", dists=changed(FAR, 2, 1, np.nan)),
    case(ValueError, r"\[2, 2\] is inf.*infinity.*index to -1", dists=changed(FAR, 2, 2, np.inf)),
    case(ValueError, r"\[2, 1\] is -inf.*negative", dists=changed(FAR, 2, 1, -np.inf)),
    case(ValueError, r"\[0, 2\] is 3.5e\+38.*float32", dists=changed(FAR, 0, 2, 3.5e38)),
    case(ValueError, r"X\[1, 2\] is nan.*row 1, column 2.*out of a sparse", X=changed(ONES, 1, 2, np.nan)),
    case(ValueError, r"X\[2, 0\] is inf", X=changed(ONES, 2, 0, np.inf)),
    case(ValueError, r"X\[2, 0\] is -1.*maximum\(X, 0\)", X=changed(ONES, 2, 0, -1)),
    case(ValueError, r"X\[1, 2\] is nan.*row 1, col", X=scipy.sparse.csr_array(changed(ONES, 1, 2, np.nan))),
]
NOTHING = [
    case(ValueError, "Not one of 2 rows", indices=[[0, -1], [-1, 1]], dists=np.ones((2, 2))),
    case(ValueError, "Not one of 3 rows", indices=np.empty((3, 0), int), dists=np.empty((3, 0))),
    case(ValueError, "Not one of 3 rows has a usable neighbor", X=scipy.sparse.csr_array((3, 3))),
    case(ValueError, "Not one.*6 lie at disconn", disconnection_distance=1),
    case(ValueError, "n_neighbors is 1.*at least 2", n_neighbors=1),
    case(ValueError, "n_neighbors is 0.*at least 1", n_neighbors=0, new_rows=9),
    case(ValueError, "disconnection_distance is 0", disconnection_distance=0),
    case(ValueError, "disconnection_distance is nan; a number", disconnection_distance=np.nan),
]


SWAPPED = [
    case(TypeError, "float64 and knn_dists int64.*look swapped.*knn_indices=ids, knn_dists", indices=FAR, dists=NEAR),
    case(TypeError, "float32 and knn_dists uint8.*distances first", indices=np.float32(FAR), dists=np.uint8(NEAR)),
    case(ValueError, r"looks transposed.*Pass \.T.*knn_indices\.T", indices=np.array(NEAR)[:2], dists=np.ones((2, 3))),
    case(ValueError, "looks transposed", indices=np.array(NEAR)[:2], dists=np.ones((2, 3)), n_rows=3),
]


@pytest.mark.parametrize("given, error, message", SHAPES + DTYPES + INDICES + DISTANCES + NOTHING + SWAPPED)
def test_refusals_say_what_was_given_and_what_is_needed(given, error, message):
    with pytest.raises(error, match=message):
        read_neighbors(**given)


@pytest.mark.parametrize("n", [3, 20, 300])
@pytest.mark.parametrize("scale, own", [(1, True), (1, False), (7, True), (40, True), (1e3, True)])
def test_row_numbers_are_no_distances(n, scale, own):
    """Swapped arrays are refused also if the distances were converted to whole numbers."""
    points = np.random.default_rng(n).normal(size=(n, 4)) * scale
    search = NearestNeighbors(n_neighbors=min(10, n - 1)).fit(points)
    dists, indices = search.kneighbors(points if own else None)
    said = "contains row numbers.*look swapped" if own or n > 3 else "is 4, but .* If the two arrays are swapped"
    for dtype in (np.int64, np.uint64, np.int32):
        with pytest.raises(ValueError, match=rf"{said}.*fit\(knn_indices=ids, knn_dists=dists\)"):
            read_neighbors(knn_indices=dists.astype(dtype), knn_dists=indices.astype(dtype), n_neighbors=3)
    with pytest.raises(ValueError, match=said):
        knn_graph(dists.astype(int), indices)


def assert_as_floats(indices, dists):
    """Check that whole numbers are the same distances as equal floats."""
    found, expected = (
        read_neighbors(knn_indices=indices, knn_dists=values, n_neighbors=3)[0] for values in (dists, dists * 1.0)
    )
    assert_equal((found, 0), (expected, 0))


@pytest.mark.parametrize("n", [2, 3, 4, 8, 64])
@pytest.mark.parametrize("distance", ["hamming", "line", "xor", "sum"])
def test_whole_numbers_may_be_distances(n, distance):
    """Whole numbers are valid distances in any order of the neighbors, with or without the row itself."""
    rows = np.arange(n)
    matrix = {
        "hamming": lambda: (bits[:, None] != bits).sum(-1),
        "line": lambda: np.abs(rows[:, None] - rows),  # the distance of row i to row 0 is i, like a row number
        "xor": lambda: rows[:, None] ^ rows,
        "sum": lambda: (rows[:, None] + rows) * (rows[:, None] != rows),
    }
    bits = np.random.default_rng(n).integers(0, 2, (n, 12))
    matrix = matrix[distance]()
    by_distance = np.argsort(matrix + n * (rows[:, None] != rows), axis=1, kind="stable")
    for width in {2, (n + 2) // 2, n}:
        for indices in (by_distance[:, :width], np.sort(by_distance[:, :width]), by_distance[:, 1:][:, :width]):
            dists = np.take_along_axis(matrix, indices, axis=1)
            assert_as_floats(indices, dists)
            read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=3, n_columns=n, drop_self=False)


def test_missing_neighbors_and_copies_tell_nothing_of_whole_numbers():
    indices, dists = np.tile([[0, 1, 9, 9]], (9, 1)), np.tile([[0, 1, 3, 2]], (9, 1))
    for missing in (-1, 2**63 - 1):
        indices[:, 2:] = missing
        assert_as_floats(indices, dists)
    indices[:], dists[:] = [0, 1, 1, 2], [0, 1, 1, 3]
    assert_as_floats(indices, dists)


def test_many_columns_are_not_always_transposed():
    indices, dists = [[0, 1, -1, -1, -1]] * 2, np.ones((2, 5))
    read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=2)
    with pytest.raises(ValueError, match="is 77, but.*cross-validation"):
        read_neighbors(knn_indices=changed(indices, 0, 1, 77), knn_dists=dists, n_neighbors=2)
    with pytest.raises(ValueError, match="knn_indices - 1. Arrays after cross-validation"):
        read_neighbors(knn_indices=np.array(NEAR) + 1, knn_dists=FAR, n_neighbors=2)


def test_rows_are_numbered_from_one():
    """The first column names the rows themselves from 1, although no entry is out of range."""
    n = 300
    indices = np.arange(n)[:, None] + np.array([1, 0, 2, 3])
    indices[indices >= n] = 7
    with pytest.raises(ValueError, match="number rows from 1: row 0 begins with 1, at distance 0.0.*knn_indices - 1"):
        check_self_column(indices, np.tile([0.0, 1, 2, 3], (n, 1)))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_problem_is_named(monkeypatch, threads):
    indices, dists = hard_arrays(1, n=300)
    indices[171, 3], dists[171, 3] = 0, np.nan
    indices[170, 5:8], dists[170, 5:8] = 1, [np.inf, np.nan, np.nan]
    indices[290, 0] = 999
    for block in (2**20, 100):
        monkeypatch.setattr(formats, "BLOCK_ENTRIES", block)
        with limit_threads(threads), pytest.raises(ValueError, match=r"knn_dists\[170, 5\] is inf"):
            read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=5)
    with pytest.raises(ValueError, match="170 5 large"):
        naive_neighbors.read(naive_neighbors.rows_of_arrays(indices, dists), wanted=4, n_columns=300)


@pytest.mark.parametrize("dtype, rounding", [("f8", 1e-6), ("f4", 32 * 2.0**-23), ("f2", 32 * 2.0**-10)])
def test_negatives_of_rounding_size_are_clipped(dtype, rounding):
    dists = np.array([[0, 0, 4, 8], [0, 4, 8, 2]], dtype)
    indices = np.array([[0, 1, 2, 3], [1, 4, 2, 3]])
    given = {"knn_indices": indices, "knn_dists": dists, "n_neighbors": 4, "n_columns": 5}
    dists[0, 1] = -rounding * 8 * 0.999
    found, counts = read_neighbors(**given)
    assert counts.clipped == 1
    assert found.distances.tolist() == [0, 4, 8, 2, 4, 8]
    assert_like_twin(
        (found, counts), naive_neighbors.rows_of_arrays(indices, dists), wanted=3, n_columns=5, rounding=rounding
    )
    dists[0, 1] = -rounding * 8 * 1.002
    with pytest.raises(
        ValueError, match=r"knn_dists\[0, 1\] is -.*negative distance that is more than rounding.*1 - sim"
    ):
        read_neighbors(**given)
    dists[0, 1], dists[0, 0], dists[1, 2] = -rounding * 8 * 0.999, 1000, 1000  # neither itself nor other rows count
    dists[0, 3] = 4
    with pytest.raises(ValueError, match=r"knn_dists\[0, 1\]"):
        read_neighbors(**given)
    dists[0, 1], dists[0, 2] = -rounding * 8 * 0.999, -8  # the largest absolute value counts
    with pytest.raises(ValueError, match=r"knn_dists\[0, 2\]"):
        read_neighbors(**given)


@pytest.mark.parametrize("missing", [-1, 2**63 - 1])
def test_a_missing_neighbor_does_not_excuse_negatives(missing):
    indices, dists = (
        np.array([[1, 2, missing], [0, 2, 1], [1, 0, 2]]),
        np.array([[-1e-7, 1e-3, 1000], [1, 2, 0], [1, 2, 0]]),
    )
    with pytest.raises(ValueError, match=r"knn_dists\[0, 0\]"):
        read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=3)


def falling_rows(n_falling, n_rising, **changes):
    n = n_falling + n_rising
    indices = (np.arange(n)[:, None] + np.arange(4)) % n
    dists = np.tile([1.0, 0.9, 0.5, 0.5], (n, 1))
    dists[n_falling:] = [0, 1, 2, 3]
    return indices, dists


@pytest.mark.parametrize("n_falling, refused", [(5, True), (4, False), (3, False)])
def test_similarities_are_refused(n_falling, refused):
    indices, dists = falling_rows(n_falling, 8 - n_falling)
    dists[-2, 1:] = 2  # a constant row is no evidence against distances, but counts
    assert naive_neighbors.falls(naive_neighbors.rows_of_arrays(indices, dists)) == refused
    if refused:
        with pytest.raises(
            ValueError, match=rf"falls along {n_falling} of 8 rows.*1 - sim.*faiss.*squared.*sqrt.*::-1"
        ):
            read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=4)
        with pytest.raises(ValueError, match="falls along"):
            knn_graph(indices, dists)
    else:
        read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=4)
        knn_graph(indices, dists)


@pytest.mark.parametrize("missing", [-1, 2**63 - 1])
def test_only_rows_of_three_tell_similarities(missing):
    indices, dists = falling_rows(7, 1)
    given = {"knn_indices": indices, "knn_dists": dists, "n_neighbors": 4}
    indices[:7, 3] = missing  # two neighbors are left besides the row itself
    read_neighbors(**given)
    indices[-1, 3] = missing
    read_neighbors(**given)  # no row is long enough
    with pytest.raises(ValueError, match="falls along 7 of 8"):  # for new rows the first entry is a neighbor
        read_neighbors(**given, n_columns=8, drop_self=False)
    with pytest.raises(ValueError, match="falls along 7 of 8"):
        knn_graph(indices, dists, n_columns=8)
    knn_graph(indices, dists)
    indices[0, 3], dists[1:] = 3, [0, 1, 2, 0]
    with pytest.raises(ValueError, match="falls along 1 of 1"):  # rising rows of two do not count either
        read_neighbors(**given)


@pytest.mark.parametrize("block", [2**20, 4])
def test_inner_products_are_called_similarities_though_some_are_negative(monkeypatch, block):
    monkeypatch.setattr(formats, "BLOCK_ENTRIES", block)
    indices, dists = falling_rows(7, 1)
    dists[-1, 3] = -0.3
    with pytest.raises(ValueError, match="falls along 7 of 8"):
        read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=4)


def test_falling_rows_of_graphs_are_nothing_special():
    matrix = np.tile(np.arange(9.0, 0, -1), (9, 1))
    for graph in (matrix, scipy.sparse.csr_array(matrix)):
        found, _ = read_neighbors(graph, n_neighbors=4)
        assert found.indices[:3].tolist() == [8, 7, 6] and found.indices[-3:].tolist() == [7, 6, 5]

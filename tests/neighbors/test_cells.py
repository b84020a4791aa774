"""Tests of the inverted file of dense rows: its kernels, compared with naive ones, and the neighbors that it finds."""

import pickle

import naive_search as naive
import numpy as np
import pytest

from umap_sk import kernels
from umap_sk.kernels import lanes, products
from umap_sk.kernels.borrowed import borrow
from umap_sk.kernels.keys import EMPTY_KEY, ROW_MASK, keep_nearest, key_of, value_of
from umap_sk.kernels.products import TILE_COLUMNS, TILE_ROWS
from umap_sk.neighbors import cell_effort, cells, few_rows
from umap_sk.neighbors.euclidean import scale_rows
from umap_sk.neighbors.principal_axes import Axes, find_principal_axes
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.runtime.compile import as_readonly, serial_kernel
from umap_sk.runtime.threads import set_threads


@pytest.fixture
def rows(monkeypatch):
    """Return 500 clustered rows, which are divided into about 25 cells."""
    monkeypatch.setattr(cells, "MIN_CELL_ROWS", 20)
    monkeypatch.setattr(cells, "CELLS_PER_GROUP", 4)
    random = np.random.default_rng(0)
    return random.normal(size=(500, 6)) + 3 * random.normal(size=(8, 6))[random.integers(0, 8, 500)]


def index_of(rows, metric="euclidean"):
    return cells.build_cells(scale_rows(rows, metric, 0), metric != "euclidean")


# ------------------------------------------------------------------------------------------------------------ kernels


@serial_kernel
def squared(row, other, scale, shift):
    return lanes.squared_difference(row, other, scale, shift)


@serial_kernel
def product(row, other, scale, shift):
    return lanes.inner_product(row, other, scale, shift)


@serial_kernel
def fused(a, b, c):
    return lanes.multiply_add(a, b, c)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 15, 16, 17, 100])
def test_sums_of_lanes(columns, dtype):
    """The compiled sums have the bits of numpy's in the same order, and are close to plain sums."""
    random = np.random.default_rng(columns)
    x, y = random.normal(size=columns), random.normal(size=columns).astype(dtype)
    scaled = 1.5 * y.astype(np.float64) - 0.25
    assert squared(x, y, 1.5, 0.25) == pytest.approx(float(np.sum((x - scaled) ** 2)))
    assert product(x, y, 1.5, 0.25) == pytest.approx(float(np.sum(x * scaled)), abs=1e-12)
    assert squared(x, y, 1.5, 0.25) == lanes.squared_difference(x, y, 1.5, 0.25)
    assert product(x, y, 1.5, 0.25) == lanes.inner_product(x, y, 1.5, 0.25)


def test_fused_multiplication_rounds_once():
    """A fused multiplication and addition is rounded only once."""
    a = np.float32(1 + 2.0**-12)
    assert fused(a, a, np.float32(-1)) == np.float32(float(a) * float(a) - 1) != a * a - np.float32(1)


@serial_kernel
def all_halves(rows, halves, count, slices, columns, column_halves, out):
    products.half_squared_distances(rows, halves, count, slices, columns, column_halves, out)


@pytest.mark.parametrize("width", [1, 4, 33])
def test_half_squared_distances(width):
    """The distances of all pairs are right, also if the rows fill no tile. The tile in numpy has the same bits."""
    random = np.random.default_rng(0)
    x, y = (
        random.normal(size=(2 * TILE_ROWS, width)).astype(np.float32),
        random.normal(size=(48, width)).astype(np.float32),
    )
    halves, column_halves = (x**2).sum(1) / 2, (y**2).sum(1) / 2
    out, again = np.zeros((2 * TILE_ROWS, 48), np.float32), np.zeros((2 * TILE_ROWS, 48), np.float32)
    all_halves(x, halves, 7, cells.pack_slices(y), 48, column_halves, out)
    np.testing.assert_allclose(out, naive.ranks_between(x, y), rtol=1e-4, atol=1e-5)
    for first in (0, TILE_ROWS):
        for at in range(0, 48, TILE_COLUMNS):
            products.tile_of_halves(x, first, cells.pack_slices(y), at, halves, column_halves, again)
    np.testing.assert_array_equal(out, again)


@serial_kernel
def made_key(value, name):
    return key_of(value, name)


@serial_kernel
def value(key):
    return value_of(key)


@serial_kernel
def keep(values, names, itself, keys, passed):
    keep_nearest(values, names, itself, keys, passed)


def test_keys():
    """Keys are ordered by value and then by name. A value that is negative by rounding counts as 0."""
    pairs = [(np.float32(number), name) for number in (0, 1e-30, 0.5, 2, 3e30) for name in (0, 7, 2**31)]
    keys = [made_key(*pair) for pair in pairs]
    assert keys == sorted(keys) and made_key(np.float32(-1e-9), 7) == keys[1]
    assert [(np.float32(value(key)), int(key) & ROW_MASK) for key in keys] == pairs
    random = np.random.default_rng(0)
    values, names = random.integers(0, 20, 64).astype(np.float32), random.permutation(64).astype(np.int32)
    kept = np.full(9, EMPTY_KEY)
    keep(values, names, 5, kept, np.empty(TILE_COLUMNS + 1, np.int64))
    expected = sorted((number, name) for number, name in zip(values, names, strict=True) if name != 5)[:9]
    assert [(value(key), int(key) & ROW_MASK) for key in kept] == expected


def test_centers(rows):
    """Each row belongs to its nearest center, and each center moves to the mean of its cell.

    An empty cell keeps its center.
    """
    rows, centers = rows.astype(np.float32), rows[:30].astype(np.float32)
    homes = cells.find_nearest_centers(rows, centers)
    np.testing.assert_array_equal(homes, naive.cells_of(rows, centers))
    homes[homes == 3] = 4
    members, starts = cells.assign_slots(homes, 30)
    means = centers.copy()
    kernels.means_of_cells(30, *map(as_readonly, (rows, members, starts)), means)
    expected = [rows[homes == cell].mean(axis=0) if cell != 3 else centers[3] for cell in range(30)]
    np.testing.assert_allclose(means, expected, rtol=1e-5, atol=1e-6)


def test_packed_cells(rows):
    """Each slot has its row relative to the center. Empty slots are infinitely far."""
    rows, centers = rows.astype(np.float32), rows[:7].astype(np.float32)
    homes = cells.find_nearest_centers(rows, centers)
    members, starts = cells.assign_slots(homes, 7)
    assert (starts % TILE_COLUMNS == 0).all() and sorted(members[members >= 0]) == list(range(500))
    packed = cells.pack_cells(rows, members, starts, centers)
    numbers = packed.slices.reshape(-1, 6, TILE_COLUMNS).transpose(0, 2, 1).reshape(-1, 6)
    used = members >= 0
    relative = rows[members[used]] - centers[homes[members[used]]]
    np.testing.assert_array_equal(numbers[used], relative)
    np.testing.assert_allclose(packed.halves[used], (relative**2).sum(1) / 2, rtol=1e-6)
    assert np.isinf(packed.halves[~used]).all() and not numbers[~used].any()


@pytest.mark.parametrize("centered", [False, True])
def test_unit_lengths(centered):
    """Rows of any size are scaled to length 1. Rows without a direction become 0."""
    rows = np.random.default_rng(0).normal(size=(70, 5)) * np.logspace(-200, 200, 70)[:, None]
    rows[3] = 7 if centered else 0
    affine = np.ones((70, 2))
    kernels.unit_lengths(70, as_readonly(rows), centered, affine)
    scaled = rows * affine[:, :1] - affine[:, 1:]
    directed = np.arange(70) != 3
    np.testing.assert_allclose((scaled**2).sum(1), directed, atol=1e-12)
    if centered:
        np.testing.assert_allclose(scaled.mean(axis=1), 0, atol=1e-12)
    assert not affine[3].any()


def test_projection():
    """The coordinates along orthonormal axes and the length of the rest are right within the stated errors."""
    random = np.random.default_rng(0)
    rows = (random.normal(size=(150, 20)) @ random.normal(size=(20, 140)) + 5).astype(np.float32)
    scaled = scale_rows(rows, "euclidean", 0)
    axes = find_principal_axes(*scaled, cells.USUAL_EFFORT.variance_share)
    assert axes.directions is not None and len(axes.directions) % TILE_COLUMNS == 0
    np.testing.assert_allclose(axes.directions @ axes.directions.T, np.eye(len(axes.directions)), atol=1e-5)
    coordinates, errors = cells.project_rows(scaled, axes)
    exact = (rows.astype(np.float64) - axes.mean) @ axes.directions.T.astype(np.float64)
    left = np.sqrt(np.maximum(((rows - axes.mean) ** 2).sum(1) - (exact**2).sum(1), 0))
    assert (np.abs(coordinates[:, :-1] - exact).max(axis=1) <= errors).all()
    assert (np.abs(coordinates[:, -1] - left) <= errors).all()


# ---------------------------------------------------------------------------------------------------------- the search


@pytest.mark.parametrize("rounds", [1, 4])
def test_visits_the_cells_of_the_rule(rows, rounds):
    """Each row is compared only with the rows of those cells that the naive search visits."""
    reaches = cells.CELL_REACHES[1 : 1 + rounds]
    effort = cells.USUAL_EFFORT
    index = index_of(rows)._replace(effort=effort._replace(max_numbers=0) if rounds == 1 else effort)
    homes = np.full(500, -1)
    packed, centers = index.cells, index.centers.centers
    for cell in range(len(centers)):
        members = packed.members[packed.starts[cell] : packed.starts[cell + 1]]
        homes[members[members >= 0]] = cell
    np.testing.assert_array_equal(homes, naive.cells_of(rows - index.axes.mean, centers))
    found, ranks = cells.search_cells(index, None, 9, exact=False)
    moved = rows - index.axes.mean
    differ = 0
    for i in range(500):
        order = index.centers.orders[index.centers.groups[homes[i]]]
        visited = naive.visited_cells(moved[i], homes[i], moved, homes, centers, order, 9, cells.NEAREST_CELLS, reaches)
        others = np.flatnonzero(np.isin(homes, visited) & (np.arange(500) != i))
        expected = naive.nearest(naive.ranks_between(rows[i : i + 1], rows[others]), 9)
        differ += not np.array_equal(others[expected[0][0]], found[i])
        if np.array_equal(others[expected[0][0]], found[i]):
            np.testing.assert_allclose(ranks[i], expected[1][0], rtol=1e-12)
    assert differ <= 2  # rows for which a plane is as far as the limit, up to rounding


DATA = {
    "clusters": lambda random: (
        random.normal(size=(500, 6)) + 3 * random.normal(size=(8, 6))[random.integers(0, 8, 500)]
    ),
    "ties": lambda random: random.integers(0, 4, (500, 3)).astype(float),
    "copies": lambda random: np.ones((500, 4)),
    "repeated": lambda random: np.repeat(random.normal(size=(50, 4)), 10, axis=0),
    "far apart": lambda random: 1e-4 * random.normal(size=(500, 10)) + 100 * (np.arange(500) % 2)[:, None],
    "an outlier": lambda random: np.r_[random.normal(size=(499, 5)), np.full((1, 5), 1e6)],
    "one column": lambda random: random.normal(size=(500, 1)),
    "constant columns": lambda random: np.c_[random.normal(size=(500, 2)), np.ones((500, 3))],
    "huge": lambda random: 1e90 * random.normal(size=(500, 6)),
    "tiny": lambda random: 1e-90 * random.normal(size=(500, 6)),
    "wide": lambda random: (
        random.normal(size=(500, 8)) @ random.normal(size=(8, 150)) + 0.1 * random.normal(size=(500, 150))
    ),
    "heavy tails": lambda random: np.exp(3 * random.normal(size=(500, 140))),
}


@pytest.mark.parametrize("name", DATA)
def test_finds_all_neighbors(name, monkeypatch):
    """An exact search finds the neighbors of a comparison with all rows, with the same bits and ties by index."""
    monkeypatch.setattr(cells, "MIN_CELL_ROWS", 20)
    rows = DATA[name](np.random.default_rng(1))
    expected = RowSearch(rows, "euclidean", exact=True).find_neighbors(None, 7)
    monkeypatch.setattr(few_rows, "MAX_ROWS", 10)
    search = RowSearch(rows, "euclidean", exact=True)
    for ours, theirs in zip(search.find_neighbors(None, 7), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    obvious = naive.nearest(naive.ranks_between(rows[:40] / 1e90, rows / 1e90) if name == "huge" else
                            naive.ranks_between(rows[:40], rows), 8)[0]  # fmt: skip
    if name not in ("huge", "tiny"):
        new = search.find_neighbors(rows[:40], 8)
        np.testing.assert_array_equal(new[0], obvious)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation", "hellinger"])
def test_nearly_all_neighbors(metric, monkeypatch):
    """The inverted file finds nearly all neighbors, with exact distances.

    The result for a new row depends on no other row.
    """
    monkeypatch.setattr(few_rows, "MAX_ROWS", 10)
    random = np.random.default_rng(0)
    rows = np.abs(random.normal(size=(6000, 12)) + 2 * random.normal(size=(30, 12))[random.integers(0, 30, 6000)])
    exact = RowSearch(rows, metric, exact=True).find_neighbors(None, 10)
    search = RowSearch(rows, metric, exact=False)
    found = search.find_neighbors(None, 10)
    same = found[1] <= exact[1][:, -1:]
    assert same.mean() > 0.999
    for ours, theirs in zip(search.as_exact().find_neighbors(None, 10), exact, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    new = rows[:300] + 0.01
    together = search.find_neighbors(new, 10)
    for i in (0, 17, 299):
        for one, all_rows in zip(search.find_neighbors(new[i : i + 1], 10), together, strict=True):
            np.testing.assert_array_equal(one[0], all_rows[i])


def test_same_bits_on_any_number_of_threads_and_in_any_cut(rows, monkeypatch):
    """The neighbors have the same bits on one thread, in smaller blocks and from a stored plan."""
    expected = cells.search_cells(index_of(rows), None, 9, exact=False)
    with set_threads(1):
        alone = cells.search_cells(index_of(rows), None, 9, exact=False)
    monkeypatch.setattr(cells, "BLOCK_SLOTS", 64)
    index = index_of(rows)
    cut = cells.search_cells(index, None, 9, exact=False)
    again = cells.search_cells(cells.build_cells(index.rows, False, cells.extract_plan(index)), None, 9, exact=False)
    for found in (alone, cut, again):
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_copies_take_no_time_of_their_square(monkeypatch):
    """A cell of equal rows is divided, so that the number of comparisons is limited."""
    monkeypatch.setattr(cells, "MIN_CELL_ROWS", 20)
    rows = np.ones((3000, 4))
    index = index_of(rows)._replace(effort=cells.USUAL_EFFORT._replace(max_pairs=300))
    assert (
        len(index.centers.centers) > 10
        and np.diff(index.cells.starts).max() <= np.sqrt(1000) * cells.MAX_CELL_FACTOR + TILE_COLUMNS
    )
    indices, ranks = cells.search_cells(index, None, 5, exact=False)
    assert not ranks.any() and (indices >= 0).all() and not (indices == np.arange(3000)[:, None]).any()


@pytest.mark.parametrize("columns, effort", [(3, cells.USUAL_EFFORT), (50, cells.GREAT_EFFORT)])
def test_effort_follows_from_the_recall(columns, effort, monkeypatch):
    """Rows whose neighbors are hard to find are searched with more effort, also by a stored search."""
    monkeypatch.setattr(few_rows, "MAX_ROWS", 100)
    monkeypatch.setattr(cell_effort, "MIN_RECALL", 0.995)
    rows = np.random.default_rng(0).normal(size=(13_000, columns)).astype(np.float32)
    search = RowSearch(rows, "euclidean", exact=False)
    found = search.find_neighbors(None, 15)[0][:50]
    assert search._get_index().effort == effort
    usual = cells.search_cells(cells.build_cells(search._get_index().rows, False), None, 15, exact=False)[0][:50]
    expected = search.as_exact().find_neighbors(rows[:50], 16)[0][:, 1:]
    shares = [
        np.mean([np.isin(*pair).mean() for pair in zip(names, expected, strict=True)]) for names in (usual, found)
    ]
    assert shares[0] == shares[1] > 0.95 if effort is cells.USUAL_EFFORT else shares[0] < shares[1] > 0.99
    stored = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(stored.find_neighbors(None, 15)[0][:50], found)


def test_progress(rows):
    """The reported progress never decreases and ends at the total."""
    seen = []
    cells.search_cells(index_of(rows), None, 3, exact=True, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] and [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_few_columns_are_taken_as_they_are():
    """Principal axes are used only for many columns, and only if few axes explain most of the variance."""
    random = np.random.default_rng(0)
    narrow, noise = random.normal(size=(300, 100)), random.normal(size=(3000, 140))
    assert isinstance(
        find_principal_axes(narrow, np.tile([1.0, 0.0], (300, 1)), cells.USUAL_EFFORT.variance_share), Axes
    )
    assert (
        find_principal_axes(narrow, np.tile([1.0, 0.0], (300, 1)), cells.USUAL_EFFORT.variance_share).directions is None
    )
    assert (
        find_principal_axes(noise, np.tile([1.0, 0.0], (3000, 1)), cells.USUAL_EFFORT.variance_share).directions is None
    )
    low = random.normal(size=(300, 5)) @ random.normal(size=(5, 140))
    directions = find_principal_axes(low, np.tile([1.0, 0.0], (300, 1)), cells.USUAL_EFFORT.variance_share).directions
    assert directions is not None and len(directions) == TILE_COLUMNS


def test_borrowed_arrays():
    """Borrowed arrays and tuples of arrays have the same numbers and can be written."""
    given = Axes(np.arange(3.0), np.arange(3.0))
    out = np.zeros(3)
    add_borrowed(given, out)
    np.testing.assert_array_equal(out, 2 * given.mean)


@serial_kernel
def add_borrowed(given, out):
    given, out = borrow(given), borrow(out)
    for i in range(len(out)):
        out[i] = given.mean[i] + given.directions[i]

"""Tests of anchors: their strength, runs with anchors, sequences of aligned maps, and invalid arguments."""

import pickle

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP, align

SETTINGS = {"n_neighbors": 5, "n_epochs": 40, "random_state": 0}


@pytest.fixture
def circle(ring):
    """Return anchors for every second row, on a circle far from the origin, and NaN for the other rows."""
    places = 9 * ring[2] + [40, -70]
    places[1::2] = np.nan
    return places


@pytest.mark.parametrize("n_components", [2, 3])
def test_anchors_hold_and_free_rows_follow(arrays, circle, n_components):
    """Stronger anchors pull their rows closer, and a free row lies between its two anchored neighbors."""
    places = np.c_[circle, np.full((60, n_components - 2), 3.0)]
    held = ~np.isnan(circle[:, 0])
    off = []
    for strength in (0.1, 1.0, 10.0):
        given = (np.where(held[:, None], places, np.nan), strength)
        embedding = PrecomputedUMAP(n_components=n_components, **SETTINGS).fit_transform(**arrays, anchors=given)
        off.append(np.linalg.norm(embedding - places, axis=1)[held].mean())
    assert off[0] > off[1] > off[2] and off[2] < 0.3
    between = (embedding[0::2] + np.roll(embedding[0::2], -1, axis=0)) / 2
    assert np.linalg.norm(embedding[1::2] - between, axis=1).mean() < 2


def test_a_strength_for_each_row(arrays, circle):
    """Anchors without a strength have strength 1, and a row with strength 0 is free."""
    fits = [
        PrecomputedUMAP(**SETTINGS).fit(**arrays, anchors=given).embedding_
        for given in (
            circle,
            (circle, 1),
            (np.nan_to_num(circle, nan=5.0), (np.arange(60) % 2 == 0).astype(float)),
            PrecomputedUMAP(**SETTINGS).fit(**arrays).embedding_,
        )
    ]
    np.testing.assert_array_equal(fits[0], fits[1])
    np.testing.assert_array_equal(fits[0], fits[2])
    assert not np.array_equal(fits[0], fits[3])


@pytest.mark.parametrize("degrees", [0, 130, 180])
@pytest.mark.parametrize("mirror", [1, -1])
def test_a_start_of_another_kind_is_turned(arrays, degrees, mirror):
    """The initial layout is rotated and mirrored towards anchors, also if they are too weak to turn the map."""
    free = PrecomputedUMAP(init="pivot_mds", **SETTINGS).fit_transform(**arrays)
    x, y = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turned = free @ np.array([[x, mirror * y], [-y, mirror * x]]) + [100, 0]
    for strength, bound in ((0.3, 0.1), (1e-3, 0.2)):
        held = PrecomputedUMAP(init="pivot_mds", **SETTINGS).fit_transform(**arrays, anchors=(turned, strength))
        assert np.linalg.norm(held - turned, axis=1).mean() < bound * np.ptp(free, axis=0).max()


def rows_on_a_circle(n):
    offsets = np.array([1, -1, 2, -2, 3, -3, 4, -4])
    indices = (np.arange(n)[:, None] + offsets) % n
    return {"knn_indices": indices, "knn_dists": np.broadcast_to(np.abs(offsets), indices.shape)}


def test_bits_over_levels_threads_and_cuts():
    """A fit over several levels has the same bits if it is split, pickled in between and runs on two threads."""
    n = 25_600
    angles = np.arange(n) * 2 * np.pi / n
    places = 12 * np.c_[np.cos(angles), np.sin(angles)]
    places[::3] = np.nan
    given = rows_on_a_circle(n)
    one, two = (PrecomputedUMAP(9, n_epochs=6, random_state=0, n_jobs=jobs) for jobs in (1, 2))
    one.fit(**given, anchors=places)
    two.partial_fit(**given, anchors=places)
    assert len(two._fitted.run.layout.problem.levels) > 1 and two._fitted.run.layout.state.depth > 0
    while two.epoch_ < two.n_epochs_:
        two = pickle.loads(pickle.dumps(two)).partial_fit(epochs=4)
    assert one.embedding_.tobytes() == two.embedding_.tobytes()


def test_runs_on_disk_know_their_anchors(arrays, circle, tmp_path):
    """A run resumes with equal anchors in any memory order. Other anchors or another strength make a new run."""
    plain = PrecomputedUMAP(**SETTINGS).fit_transform(**arrays, anchors=(circle, 2.0))
    kept = PrecomputedUMAP(**SETTINGS, checkpoint=tmp_path)
    kept.partial_fit(**arrays, anchors=(circle, 2.0), epochs=9)
    del kept
    again = PrecomputedUMAP(**SETTINGS, checkpoint=tmp_path).fit(**arrays, anchors=(np.asfortranarray(circle), 2.0))
    assert again.report_["phases"][-2]["name"] == "resume"
    np.testing.assert_array_equal(again.embedding_, plain)
    PrecomputedUMAP(**SETTINGS, checkpoint=tmp_path).fit(**arrays, anchors=(circle, 3.0))
    PrecomputedUMAP(**SETTINGS, checkpoint=tmp_path).fit(**arrays)
    assert len(list(tmp_path.iterdir())) == 3


def test_later_calls_bring_the_same_anchors(arrays, circle):
    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, anchors=circle)
    model.partial_fit(**arrays, anchors=circle).partial_fit()
    with pytest.raises(ValueError, match="anchors differs"):
        model.partial_fit(**arrays, anchors=circle + 1)


@pytest.mark.parametrize(
    "given, message",
    [
        (np.zeros((60, 3)), r"shape \(60, 3\)"),
        (np.full((60, 2), np.nan), "hold no row"),
        ((np.zeros((60, 2)), 0), "hold no row"),
        ((np.zeros((60, 2)), -1), "from 0 to"),
        ((np.zeros((60, 2)), np.nan), "from 0 to"),
        ((np.zeros((60, 2)), np.ones(59)), r"shape \(59,\)"),
        (np.where(np.eye(60, 2), np.nan, 1.0), "anchor of row 0"),
        (np.where(np.eye(60, 2), np.inf, 1.0), "anchor of row 0"),
    ],
)
def test_what_is_refused(arrays, given, message):
    with pytest.raises(ValueError, match=message):
        PrecomputedUMAP(**SETTINGS).fit(**arrays, anchors=given)
    with pytest.raises(TypeError, match="real numbers"):
        PrecomputedUMAP(**SETTINGS).fit(**arrays, anchors=np.full((60, 2), "a"))


# ----------------------------------------------------------------------------------------------------------- sequences


@pytest.fixture(scope="module")
def windows(digits):
    """Return the manifolds of three windows of 200 digits sorted by label, each sharing 100 rows with the next."""
    rows = np.argsort(digits.labels, kind="stable")
    learner = PrecomputedUMAP()
    parts = [digits.features[rows[first : first + 200]] for first in (0, 100, 200)]
    found = [NearestNeighbors(n_neighbors=15).fit(part).kneighbors(part) for part in parts]
    return [learner.learn_manifold(knn_indices=ids, knn_dists=dists) for dists, ids in found]


def apart(maps):
    """Return the mean distance between shared rows in neighboring maps, divided by the mean width of the maps."""
    pairs = list(zip(maps, maps[1:], strict=False))
    steps = [np.linalg.norm(a.embedding_[100:] - b.embedding_[:100], axis=1).mean() for a, b in pairs]
    return np.mean(steps) / np.mean([np.ptp(model.embedding_, axis=0).max() for model in maps])


def test_same_rows_lie_at_same_places(windows):
    """A stronger alignment brings shared rows closer together. Relations as dicts or pairs give the same bits."""
    same = {row + 100: row for row in range(100)}
    settings = {"n_epochs": 54, "random_state": 0}
    maps = align(windows, [same, same], **settings)
    alone = [PrecomputedUMAP(**settings).fit(manifold=window) for window in windows]
    strong = align(windows, [same, list(same.items())], strength=3.0, **settings)
    assert apart(strong) < apart(maps) < apart(alone) / 10  # with 12 seeds, .27 to .36 of this bound
    again = align(windows, [np.array(list(same.items()))] * 2, **settings)
    for one, other in zip(maps, again, strict=True):
        np.testing.assert_array_equal(one.embedding_, other.embedding_)


@pytest.mark.parametrize(
    "relations, error, message",
    [
        ([{0: 0}], ValueError, "3 manifolds have 2 relations, not 1"),
        ([{0: 0}, {0: 200}], ValueError, "rows 200 to 200 of a graph of 200"),
        ([{0: 0}, {0: 5, 1: 5}], ValueError, "contains a row twice"),
        ([{0: 0}, {}], ValueError, "A relation is empty"),
        ([{0: 0}, [0.5, 1]], TypeError, "pairs"),
    ],
)
def test_relations_that_are_refused(windows, relations, error, message):
    with pytest.raises(error, match=message):
        align(windows, relations)
    with pytest.raises(ValueError, match="no manifolds to align"):
        align([], [])

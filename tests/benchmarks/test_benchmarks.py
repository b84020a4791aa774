"""The benchmarks' own arithmetic: figures against slow formulas, neighbors against scikit-learn's, bars."""

import json
import math

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from benchmarks import cases, datasets, inverse, judge, larger_than_memory, nearest, plans, quality, real_data


@pytest.fixture(scope="module")
def judged():
    """A small data set, a graph of its neighbors and a layout that keeps some of its order."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((300, 5)).astype(np.float32)
    labels = (features[:, 0] > 0).astype(np.int32) + (features[:, 1] > 0.5)
    indices, dists = nearest.brute_force(features, 16)
    positions = (features[:, :2] + 0.3 * rng.standard_normal((300, 2))).astype(np.float32)
    rows = np.repeat(np.arange(300), 15)
    directed = scipy.sparse.csr_array((rng.random(4500), (rows, indices[:, 1:].ravel())), (300, 300))
    dataset = datasets.DataSet(
        "small", features, labels, indices[:, :15], dists[:, :15], positions, np.ascontiguousarray(indices[:, 1:])
    )
    return dataset, scipy.sparse.csr_array(directed + directed.T), positions


def test_neighborhood_figures_equal_scikit_learns(judged):
    dataset, graph, positions = judged
    figures = judge.judge(dataset, graph, positions)
    assert_allclose(figures.trust, trustworthiness(dataset.features, positions, n_neighbors=15), rtol=1e-12)
    others = NearestNeighbors(n_neighbors=15).fit(positions.astype(float)).kneighbors(return_distance=False)
    kept = [len(set(a) & set(b)) for a, b in zip(others, dataset.nearest, strict=True)]
    assert_allclose(figures.recall15, np.mean(kept) / 15, rtol=1e-12)
    votes = [
        KNeighborsClassifier(5)
        .fit(np.delete(positions, i, 0).astype(float), np.delete(dataset.labels, i))
        .predict(positions[[i]].astype(float))[0]
        for i in range(100)
    ]
    chosen = others[:100, :5]
    assert_allclose(
        judge.vote_accuracy(dataset.labels, chosen, dataset.labels[:100]), np.mean(votes == dataset.labels[:100])
    )


def test_expected_loss_equals_the_sum_over_pairs(judged):
    dataset, graph, positions = judged
    a, b = curve = (1.2, 0.8)
    weights, degrees = graph.toarray(), graph.sum(1)
    attraction = repulsion = 0.0
    for i in range(300):
        for j in range(i):
            square = float(((positions[i].astype(float) - positions[j]) ** 2).sum())
            similarity = 1 / (1 + a * square**b)
            attraction -= 2 * weights[i, j] * math.log(similarity)
            repulsion -= 5 / 300 * (degrees[i] + degrees[j]) / 2 * math.log(1 - similarity)
    assert_allclose(judge.judge(dataset, graph, positions, curve).eff, (attraction + repulsion) / 300, rtol=1e-9)


def test_loss_of_points_on_one_place_is_finite(judged):
    dataset, graph, positions = judged
    assert np.isfinite(judge.expected_loss(graph, np.zeros((300, 2))))


def test_order_of_distances_is_perfect_for_the_data_themselves_and_even_by_chance(judged):
    dataset, graph, positions = judged
    same = judge.judge(dataset, graph, dataset.features)
    assert (same.triplet, round(same.spearman, 12), same.recall15) == (1.0, 1.0, 1.0)
    chance = judge.judge(dataset, graph, np.random.default_rng(1).standard_normal((300, 2)))
    assert abs(chance.triplet - 0.5) < 0.05 and abs(chance.spearman) < 0.1


def test_rows_without_a_place_are_left_out(judged):
    dataset, graph, positions = judged
    holed = positions.copy()
    holed[[3, 7]] = np.nan
    rest = np.setdiff1d(np.arange(300), [3, 7])
    number = np.full(300, -1, np.int32)
    number[rest] = np.arange(298)
    part = dataset._replace(
        features=dataset.features[rest], labels=dataset.labels[rest], nearest=number[dataset.nearest[rest]]
    )
    assert judge.judge(dataset, graph, holed) == judge.judge(part, graph[rest][:, rest], positions[rest])


def test_reach_tells_points_that_have_flown_off():
    ring = np.c_[np.cos(np.arange(100)), np.sin(np.arange(100))]
    assert judge.reach(ring) == pytest.approx(1.0, abs=0.05)
    assert judge.reach(np.r_[ring, [[9.0, 0.0]]]) > 7


@pytest.mark.parametrize("search", [nearest.brute_force, nearest.tree_search])
def test_neighbors_equal_scikit_learns(search):
    features = np.random.default_rng(2).standard_normal((700, 3)).astype(np.float32)
    dists, indices = NearestNeighbors(n_neighbors=10).fit(features.astype(float)).kneighbors()
    found = search(features, 11)
    assert_array_equal(found[0][:, 0], np.arange(700))
    assert_array_equal(found[0][:, 1:], indices)
    assert_allclose(found[1][:, 1:], dists, rtol=1e-6)


def test_bars_know_which_way_is_better():
    theirs = {"trust": 0.97, "eff": 2.0}
    assert cases.Bar("trust", margin=-0.01).cleared({"trust": 0.965}, theirs)
    assert not cases.Bar("trust", margin=-0.01).cleared({"trust": 0.955}, theirs)
    assert cases.Bar("eff", 1.01).cleared({"eff": 2.015}, theirs)
    assert not cases.Bar("eff", 1.01).cleared({"eff": 2.03}, theirs)
    assert not cases.Bar("eff", 0.0, 1.9).cleared({"eff": 1.95}, {})


@pytest.mark.parametrize("recipe", ["mixture", "trajectories", "tight", "text", "windows", "uniform"])
def test_recipes_repeat_and_fill_every_row(recipe):
    make = getattr(datasets.recipes, recipe)
    features, labels = make(3000, np.random.default_rng(4))
    again, _ = make(3000, np.random.default_rng(4))
    assert_array_equal(features, again)
    assert features.dtype == np.float32 and labels.dtype == np.int32
    assert len(features) == len(labels) == 3000 and np.isfinite(features).all()


def test_patches_are_of_the_images_whose_labels_they_have(monkeypatch):
    """None of them of a blank one."""
    images = np.arange(784, dtype=np.float32) + 1000 * np.arange(5, dtype=np.float32)[:, None]
    images[3] = 3000
    monkeypatch.setattr(real_data, "fashion_images", lambda: (images, np.arange(5, dtype=np.int32)))
    features, labels = datasets.features_of("patches", 500)
    assert features.shape == (500, 64) and set(labels) == {0, 1, 2, 4}
    assert_array_equal(features // 1000, np.repeat(labels[:, None], 64, 1))
    corner = np.arange(8) + 28 * np.arange(8)[:, None]
    assert_array_equal(features - features[:, :1], np.tile(corner.ravel(), (500, 1)))


@pytest.mark.slow
def test_quality_compares_and_takes_earlier_figures_of_the_peer(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "CACHE", tmp_path)
    first, second = str(tmp_path / "first.json"), str(tmp_path / "second.json")
    command = ["--case", "defaults", "--only", "digits", "--n", "400", "--seeds", "1", "--threads", "1"]
    quality.main([*command, "--json", first])
    runs = json.loads((tmp_path / "first.json").read_text())["runs"]
    assert [run["peer"] for run in runs] == ["ours", "umap-learn-seeded"]
    monkeypatch.delitem(quality.peers.PEERS, "umap-learn-seeded")
    capsys.readouterr()
    quality.main([*command, "--json", second, "--peer-figures", first])
    table = capsys.readouterr().out.splitlines()[-2:]
    assert f"{runs[0]['eff']:.4f}" in table[0] and f"{runs[1]['eff']:.4f}" in table[1]


@pytest.mark.slow
def test_larger_than_memory_at_a_small_size(tmp_path):
    """Neighbors from files, graph in files, the same bits as in memory; memory of each phase was seen."""
    if larger_than_memory.file_system(tmp_path) == "tmpfs":
        pytest.skip("temporary files are memory here; set TMPDIR to a folder on a disk")
    results = larger_than_memory.run(3000, tmp_path / "with space", 3, check=True)
    assert results["same_bits"] and results["edges"] > 3000 * 14
    assert [phase["phase"] for phase in results["phases"]] == ["imports", "graph", "layout"]
    assert all(10 * 2**20 < phase["peak"] < 2**30 for phase in results["phases"])
    assert results["files"] > 8 * results["edges"]


@pytest.mark.slow
def test_larger_than_memory_killed(tmp_path):
    """The second process goes on from a checkpoint in the middle, to the bits of a run that was left alone."""
    if larger_than_memory.file_system(tmp_path) == "tmpfs":
        pytest.skip("temporary files are memory here; set TMPDIR to a folder on a disk")
    results = larger_than_memory.run(3000, tmp_path, 1000, check=True, kill=True)
    assert results["same_bits"]
    first, second = results["phases"][:3], results["phases"][3:]
    assert [phase["phase"] for phase in first[:2]] == ["imports", "graph"]
    assert 500 <= int(first[2]["phase"].removeprefix("killed at epoch ")) < 1000
    assert [phase["phase"] for phase in second] == ["imports", "graph", "layout"]
    assert [step["step"] for step in second[2]["steps"]] == ["resume", "layout"]
    assert len(larger_than_memory.table(results["phases"])) == 6 + sum(len(p["steps"]) for p in results["phases"])


@pytest.mark.slow
def test_a_plan_beside_a_measured_fit(digits):
    """Both halves of a fit of the digits, and the whole, have figures of both kinds, and memory comes near."""
    result = plans.compare(digits.name, 20, cpu=True)
    assert result["rows"] == 1797 and [half["half"] for half in result["halves"]] == ["graph", "layout", "whole fit"]
    *halves, whole = result["halves"]
    for key in ("planned_seconds", "measured_seconds"):
        assert whole[key] == sum(half[key] for half in halves)
    for half in result["halves"]:
        assert 0.8 < half["planned_bytes"] / half["measured_bytes"] < 1.25
        assert half["planned_seconds"] > 0 and half["measured_seconds"] > 0


def test_way_back_misses_bars():
    """Figures above umap-learn's on its own map, and seconds above a tenth of its on either map."""
    bars = {"seconds": 10.0, "rms": 2.0, "round trip": 1.0, "nearest": 5.0}
    line = {"umap-learn": bars, "umap-learn on umap-sk's map": {**bars, "seconds": 5.0}}
    assert inverse.missed({"umap-sk": {**bars, "seconds": 0.5}, **line}) == []
    assert [
        words.split()[0] for words in inverse.missed({"umap-sk": {**bars, "seconds": 0.7, "rms": 2.1}, **line})
    ] == [
        "rms",
        "seconds",
    ]


def test_way_back_figures():
    """One row right and one off by (3, 4); of one grid point the 15 rows of a far corner are the nearest."""
    train = np.concatenate([np.zeros((15, 2)), np.full((15, 2), 100.0)])
    embedding = np.concatenate([np.zeros((15, 2)), np.full((15, 2), 7.0)])
    task = inverse.Task(train, np.array([[1.0, 1.0], [4.0, 5.0]]), None, None, None)
    places = inverse.Places(np.zeros((2, 2)), np.array([[7.0, 4.0]]), embedding)
    found = inverse.figures(task, places, np.ones((2, 2)), np.array([[97.0, 96.0]]))
    assert found == {"rms": 2.5, "round trip": 3.0, "nearest": 5.0}

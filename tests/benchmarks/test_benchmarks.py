"""Tests of the arithmetic of the benchmarks: figures and neighbors against slow references, and the bars."""

import json
import math
import types

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from benchmarks import cases, command, compare, datasets, inverse, judge, peers, plans, quality, real_data, serial
from umap_sk import nearest_neighbors


@pytest.fixture(scope="module")
def judged():
    """Return a small data set, a graph of its neighbors and a layout that preserves some of its order."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((300, 5)).astype(np.float32)
    labels = (features[:, 0] > 0).astype(np.int32) + (features[:, 1] > 0.5)
    indices, dists = nearest_neighbors(features, 16, searcher="exact")
    indices, dists = indices.astype(np.int32), dists.astype(np.float32)
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


def test_neighbors_equal_scikit_learns():
    features = np.random.default_rng(2).standard_normal((700, 3)).astype(np.float32)
    dists, indices = NearestNeighbors(n_neighbors=10).fit(features.astype(float)).kneighbors()
    found = datasets.tree_search(features, 11, chunk=300)
    assert_array_equal(found[0][:, 0], np.arange(700))
    assert_array_equal(found[0][:, 1:], indices)
    assert_allclose(found[1][:, 1:], dists, rtol=1e-6)


def test_a_row_lost_among_copies_is_put_first():
    indices, dists = datasets.tree_search(np.zeros((30, 3), np.float32), 5)
    assert_array_equal(indices[:, 0], np.arange(30))
    assert (indices[:, 1:] != np.arange(30)[:, None]).all() and not dists.any()


def test_recall_is_the_share_of_true_neighbors(judged):
    dataset = judged[0]
    assert datasets.sampled_recall(dataset.features, dataset.nearest) == 1.0
    half = dataset.nearest.copy()
    half[:, :5] = np.argsort(-((dataset.features[:, None] - dataset.features) ** 2).sum(-1), axis=1)[:, :5]
    assert datasets.sampled_recall(dataset.features, half) == pytest.approx(10 / 15)


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
    """Each patch comes from the image whose label it has, and never from a blank image."""
    images = np.arange(784, dtype=np.float32) + 1000 * np.arange(5, dtype=np.float32)[:, None]
    images[3] = 3000
    monkeypatch.setattr(real_data, "fashion_images", lambda: (images, np.arange(5, dtype=np.int32)))
    features, labels = datasets.features_of("patches", 500)
    assert features.shape == (500, 64) and set(labels) == {0, 1, 2, 4}
    assert_array_equal(features // 1000, np.repeat(labels[:, None], 64, 1))
    corner = np.arange(8) + 28 * np.arange(8)[:, None]
    assert_array_equal(features - features[:, :1], np.tile(corner.ravel(), (500, 1)))


@pytest.mark.long
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
    assert f"{runs[0]['eff']:.4g}" in table[0] and f"{runs[1]['eff']:.4g}" in table[1]


def options_of(**given):
    """Return the options of a comparison of plans."""
    return types.SimpleNamespace(n_epochs=3, cpu=False, on_disk=False, kill=False, check=False, folder=None, **given)


@pytest.mark.long
@pytest.mark.parametrize("kill", [False, True])
def test_a_graph_on_disk(tmp_path, kill):
    """A fit with its graph in files has the bits of a fit in memory, also after a kill, and a peak for each phase."""
    if plans.file_system(tmp_path) == "tmpfs":
        pytest.skip("temporary files are memory here; set TMPDIR to a folder on a disk")
    options = options_of()
    options.on_disk, options.check, options.kill, options.folder = True, True, kill, tmp_path / "with space"
    options.folder.mkdir()
    options.n_epochs = 1000 if kill else 3
    lines, notes = plans.compare("uniform:3000", options)
    assert notes["same bits"] and notes["edges"] > 3000 * 14
    names, peaks = zip(*((phase["phase"], phase["peak"]) for phase in notes["phases"]), strict=True)
    assert names[:2] == ("imports", "graph") and names[-3:] == ("imports", "graph", "layout")
    if kill:
        assert 500 <= int(names[2].removeprefix("killed at epoch ")) < 1000
    assert all(10 * 2**20 < peak < 2**30 for peak in peaks)
    assert lines["whole"]["measured MiB"] == max(lines[half]["measured MiB"] for half in plans.HALVES)


@pytest.mark.long
def test_a_plan_beside_a_measured_fit(digits):
    """Both halves of a fit, and the whole, have planned and measured figures, and their memory is similar."""
    options = options_of()
    options.n_epochs, options.cpu = 20, True
    lines, notes = plans.compare(digits.name, options)
    assert notes["rows"] == 1797 and list(lines) == ["graph", "layout", "whole"]
    for key in ("planned s", "measured s"):
        assert lines["whole"][key] == lines["graph"][key] + lines["layout"][key]
    for line in lines.values():
        assert 0.8 < line["planned MiB"] / line["measured MiB"] < 1.25
        assert line["planned s"] > 0 and line["measured s"] > 0


def test_way_back_misses_bars():
    """The inverse transform misses its bars if its error exceeds umap-learn's, or its time a tenth of umap-learn's."""
    theirs, moved = {"seconds": 10.0, "error": 2.0}, {"seconds": 5.0, "error": 1.0}
    assert inverse.missed({"ours": {"seconds": 0.5, "error": 2.0}, "theirs": theirs, "moved": moved}) == []
    words = inverse.missed({"ours": {"seconds": 0.7, "error": 2.1}, "theirs": theirs, "moved": moved})
    assert words == ["error 2.100, bar 2.000", "seconds 0.700, bar 0.500"]


FIGURES = {"trust": 0.97, "recall15": 0.14, "knn5acc": 0.77, "triplet": 0.74, "spearman": 0.58, "eff": 2.4}
REFERENCE = [FIGURES | {"trust": 0.96, "eff": 2.3}, FIGURES | {"trust": 0.98, "eff": 2.5}]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({}, []),
        ({"trust": 0.956}, []),  # the mean minus one standard deviation, 0.97 - 0.0141
        ({"trust": 0.955}, ["trust"]),
        ({"eff": 2.54}, []),  # the mean plus one standard deviation, 2.4 + 0.1414
        ({"eff": 2.55}, ["eff"]),
        ({"eff": 1.0}, []),
        ({"recall15": 0.139}, ["recall15"]),  # the standard deviation is 0
        ({"knn5acc": float("nan"), "spearman": 0.5}, ["knn5acc", "spearman"]),
    ],
)
def test_figures_worse_than_the_references_mean_less_one_deviation(figures, expected):
    assert compare.worse_figures(FIGURES | figures, REFERENCE) == expected


def test_programs_take_turns_and_ratios_are_medians_within_rounds():
    order = []

    def program(name, seconds):
        return lambda number: order.append((name, number)) or {"seconds": seconds[number]}

    runs = command.take_turns(
        {"ours": program("ours", (1.0, 4.0, 2.0)), "slow": program("slow", (8.0, 8.0, 10.0))}, 3, 9
    )
    assert order == [(name, number) for number in range(3) for name in ("ours", "slow")]
    assert command.median_ratio(runs["ours"], runs["slow"]) == 5.0  # of 8, 2 and 5
    assert command.medians(runs["ours"]) == {"seconds": 2.0}
    assert len(command.take_turns({"slow": program("slow", (8.0,))}, 3, 7)["slow"]) == 1


def test_a_table_has_a_row_for_each_program():
    table = command.markdown({"ours": {"s": 0.03217, "n": 12_345}, "other": {"s": float("nan"), "why": "x"}}, "peer")
    assert table.splitlines() == [
        "| peer | s | n | why |", "| --- | --- | --- | --- |", "| ours | 0.03217 | 12,345 |  |", "| other | - |  | x |"
    ]  # fmt: skip


def test_missed_bars_of_speed_are_said():
    assert compare.too_slow("fashion", {"ours": {"graph x": 2.0, "layout x": 30.0}}) == ["fashion: graph x 2.00, bar 4"]
    assert compare.too_slow("digits", {"ours": {"graph x": 2.0, "layout x": 3.0}}) == []


def test_sets_by_name_and_size():
    assert datasets.chosen("digits,tight:4e3") == [("digits", 1_797), ("tight", 4_000)]
    assert datasets.chosen("family") == [("uniform", 10**power) for power in (4, 5, 6, 7)]
    with pytest.raises(ValueError, match="unknown data set 'digit'"):
        datasets.chosen("digit:50")


@pytest.mark.long
def test_a_comparison_goes_on_without_programs_that_are_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "CACHE", tmp_path)
    monkeypatch.setattr(compare, "WARM_UP", dict.fromkeys((True, False), ("digits", 400)))

    def absent(dataset, task):
        import no_such_module  # noqa: F401

    start = peers.Peer(lambda dataset, task: peers.Outcome(dataset.start, 0.5, 0.25), "umap-learn")
    monkeypatch.setattr(peers, "PEERS", {"umap-learn": start, "openTSNE": peers.Peer(absent, "x")})
    compare.main(["--set", "digits:400", "--seeds", "2", "--json", str(tmp_path / "out.json")])
    results = json.loads((tmp_path / "out.json").read_text())
    found = results["results"]["digits:400"]
    assert [run["layout"] for run in found["runs"]["umap-learn"]] == [0.25, 0.25]
    assert found["medians"]["umap-learn"]["worse"] == "-" and found["medians"]["umap-learn"]["seconds"] == 0.75
    assert found["missing"] == {"openTSNE": {"version": "x is not installed (No module named 'no_such_module')"}}
    assert {"cpu", "date", "commit", "versions"} <= results["machine"].keys()
    assert "no_such_module" in capsys.readouterr().out


def test_what_is_serial_is_told_from_what_is_shared_out():
    """The serial time is the second between launches, plus twice the second in which one of two threads works alone."""
    one = [{"seconds": 11.0, "cpu": 11.0, "between": 1.0, "uneven": 0.0, "busiest": 1.0, "launches": 2}]
    two = [{"seconds": 7.0, "cpu": 11.0, "between": 1.0, "uneven": 1.0, "busiest": 1.2, "launches": 2}]
    line = serial.summarize(one, two, 2)
    assert line["serial by CPU"] == pytest.approx(3 / 11) == pytest.approx(line["serial by the clock"])

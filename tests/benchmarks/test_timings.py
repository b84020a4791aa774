"""Clocks around the package's parts, floors of its kernels, and pictures: what is counted and how it is told."""

import importlib
import json
import math
import sys
import time
import types

import numpy as np
import pytest

from benchmarks import bandwidth, floor, floor_kernels, peers, pictures, scaling, serial, stopwatch

FIGURES = {"trust": 0.97, "recall15": 0.14, "knn5acc": 0.77, "triplet": 0.74, "spearman": 0.58, "eff": 2.4}


def test_a_stopwatch_counts_calls_by_their_arguments_tells_what_is_absent_and_leaves_nothing_behind(monkeypatch):
    module = types.ModuleType("stepped")
    exec(
        "def step(x):\n    return x + 1\ndef run(n):\n    for x in range(n):\n        step(x)\n    return n",
        vars(module),
    )
    monkeypatch.setitem(sys.modules, "stepped", module)
    before = module.step
    watched = {
        "whole": stopwatch.Watched(("stepped.run",)),
        "late": stopwatch.Watched(("stepped.step",), lambda x: x >= 7),
        "gone": stopwatch.Watched(("stepped.no_such_function",)),
    }
    with stopwatch.Stopwatch(**watched) as watch:
        assert module.run(10) == 10
        with pytest.raises(TypeError):
            module.run(None)
    assert module.step is before and watch.absent == ["stepped.no_such_function"]
    assert [len(watch.clocks[part].seconds) for part in watched] == [2, 3, 0]
    assert 0 < watch.clocks["late"].wall < watch.clocks["whole"].wall


def test_what_the_stopwatches_look_for_is_in_the_package():
    """A part that was renamed must be renamed in the benchmarks too, or it goes unmeasured."""
    kernels = {f"umap_sk.kernels.{name}" for name in floor.KERNELS}
    for name in kernels.union(*(watched.names for watched in scaling.PARTS.values())):
        path, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(path), attribute), name


def test_a_clock_tells_work_of_threads_from_waiting():
    clock = stopwatch.Clock()
    clock.threads = {"1": 3.0, "2": 1.0, "3": 0.0}
    assert (clock.cpu, clock.imbalance(2)) == (4.0, 1.5)
    before = sum(stopwatch.thread_seconds().values())
    time.sleep(0.2)
    assert sum(stopwatch.thread_seconds().values()) - before < 0.1


def clock_of(seconds, *threads):
    clock = stopwatch.Clock()
    clock.seconds, clock.threads = seconds, dict(enumerate(threads))
    return clock


def test_scaling_sets_threads_beside_one_thread_and_size_beside_size():
    part = scaling.figures([clock_of([2.0, 4.0], 6.0)], [clock_of([1.0, 3.0], 4.0, 3.5)], 1_000, 2)
    assert part == {
        "calls": 2, "call": 2.0, "an_edge": 0.002, "wall": 4.0, "speed_up": 1.5, "cpu_ratio": 1.25,
        "imbalance": 4.0 * 2 / 7.5,
    }  # fmt: skip
    sizes = [{"rows": n, "parts": {scaling.EPOCH: {"an_edge": each}}} for n, each in ((10, 1.0), (100, 1.5))]
    assert scaling.growth(sizes) == 1.5
    assert scaling.growth([sizes[0], {"rows": 100, "failed": "stopped after 1 s, the limit"}]) is None
    size = {"parts": {scaling.EPOCH: part, scaling.FIT: part | {"wall": 8.0}}}
    assert scaling.table(size).splitlines()[2] == "| an epoch | 2 | 2000.0 | 2000000.00 | 50 % | 1.50 | 1.25 | 1.07 |"


def test_a_floor_is_the_larger_of_arithmetic_and_traffic():
    line = floor.Floor("Adam", "rows", 1_000, 6e-6, 2e-6, 3e-6)
    assert line.ratio == pytest.approx(2.0)
    gone = floor.Floor("deposit", "rows", 1_000, math.nan, 2e-6, 1e-6)
    rows = floor.table([line, gone]).splitlines()[2:]
    assert rows[0] == "| Adam | 1,000 rows | 6.00 | 2.00 | 2.00 | 3.00 |"
    assert rows[1] == "| deposit | 1,000 rows | not found | not found | 2.00 | 1.00 |"


def test_near_pairs_are_those_of_the_cells_around():
    positions = np.random.default_rng(3).random((300, 2)).astype(np.float32)
    cells = floor.cells_of(positions, 0.1)
    order = np.argsort(cells.numbers, kind="stable")
    begin = np.concatenate([[0], np.cumsum(np.bincount(cells.numbers, minlength=cells.count))])
    words, out = floor.words(positions[order]), np.zeros(300, np.uint64)
    place = ((positions - positions.min(0)) / 0.1).astype(int)
    around = (np.abs(place[:, None] - place[None]) <= 1).all(2).sum(1)
    for samples in (8, 300):
        pairs = floor_kernels.near_field_traffic(words, order, begin, cells.numbers[order], cells.columns, samples, out)
        assert pairs == np.minimum(around, samples).sum()


def test_bisection_visits_entries_until_the_sum_is_reached():
    assert floor_kernels.bisections(np.zeros((2, 3)), 3.0) == 6  # at once
    assert floor_kernels.bisections(np.zeros((1, 3)), 2.0) == 64 * 3  # never


def results_of(set_name, rows, seconds, trust):
    runs = [
        {"peer": peer, "seed": seed, "graph": 0.1, "layout": took, "peak": 2**30, "reach": 1.1}
        | FIGURES
        | {"trust": kept}
        for peer, took, kept in (("ours", seconds, trust), ("umap-learn", 10 * seconds, 0.97))
        for seed in (0, 1)
    ]
    options = {"reference": "umap-learn", "threads": 2}
    versions = dict.fromkeys(peers.PEERS, "1")
    return {"set": set_name, "rows": rows, "edges": 20 * rows, "options": options, "peers": versions, "runs": runs}


def test_pictures_are_small_the_same_each_time_and_leave_out_other_files(tmp_path, capsys):
    sets = (("uniform", 10_000, 0.5, 0.9), ("uniform", 100_000, 4.0, 0.98), ("digits", 1_797, 0.1, 0.98))
    for results in (results_of(*each) for each in sets):
        (tmp_path / f"{results['set']}-{results['rows']}.json").write_text(json.dumps(results))
    (tmp_path / "scaling.json").write_text('{"sizes": []}')
    drawn = []
    for folder in ("first", "second"):
        pictures.main(["--results", str(tmp_path), "--pictures", str(tmp_path / folder)])
        drawn.append({file.name: file.read_text() for file in (tmp_path / folder).iterdir()})
    assert drawn[0] == drawn[1] and set(drawn[0]) == {"time.svg", "quality.svg", "memory.svg"}
    assert all(len(text) < 60_000 and "<dc:date>" not in text for text in drawn[0].values())
    assert "digits, 1,797 rows" in drawn[0]["quality.svg"] and "umap-learn" in drawn[0]["time.svg"]
    lines = pictures.points(
        pictures.read(tmp_path), lambda results, line: results["rows"], lambda results, line: line["total"]
    )
    below = [below for _, _, below in lines["ours"]]
    assert [line[:2] for line in lines["ours"]] == [(1_797, 0.2), (10_000, 0.6), (100_000, 4.1)]
    assert below[0] == below[2] == [] and below[1] == ["trust"]
    (tmp_path / "empty").mkdir()
    capsys.readouterr()
    pictures.main(["--results", str(tmp_path / "empty"), "--pictures", str(tmp_path / "none")])
    assert capsys.readouterr().out.count("no figures in") == 3


def test_the_triad_is_computed_and_counted():
    a, b, c = np.zeros(100), np.arange(100.0), np.ones(100)
    bandwidth.triad(a, b, c, 3.0)
    assert a.tolist() == (b + 3).tolist()
    rates = bandwidth.measure([1, 2], 10_000, 3)
    assert list(rates) == [1, 2] and all(len(of) == 3 and min(of) > 0 for of in rates.values())


def test_what_is_serial_is_told_from_what_is_shared_out():
    """One second between launches, a launch of two threads that is even, and one that a thread does alone."""
    one = [{"cpu": 11.0, "between": 1.0, "launches": {}}]
    two = [{"cpu": 11.0, "between": 1.0, "launches": {"even": [1, 8.0, 4.0, 4.0], "alone": [1, 2.0, 2.0, 2.0]}}]
    found = serial.summary(one, two)
    assert found["uneven_by_launch"] == {"even": 0.0, "alone": 1.0}
    assert found["share"] == pytest.approx(3 / 11)
    assert found["model"] == pytest.approx({count: 11 / (3 + 8 / count) for count in serial.MODELLED})
    few = [{**two[0], "launches": {"deposit": [1, 8.0, 4.0, 4.0]}}]
    assert serial.summary([{**one[0], "cpu": 9.0}], few)["model"][64] == pytest.approx(9 / (1 + 8 / 8))

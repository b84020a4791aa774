"""The comparison of peers: whose quality is reached, what the table says, what stops a peer and what that costs."""

import json
import os
import signal

import pytest

from benchmarks import compare, datasets, peers, processes, tables

FIGURES = {"trust": 0.97, "recall15": 0.14, "knn5acc": 0.77, "triplet": 0.74, "spearman": 0.58, "eff": 2.4}


def run_of(peer, seed, graph=1.0, layout=9.0, **figures):
    return (
        {"peer": peer, "seed": seed, "graph": graph, "layout": layout, "peak": 2**20, "reach": 1.1} | FIGURES | figures
    )


def results_of(*runs, rows=1_000, **more):
    options = {"reference": "umap-learn", "threads": 2}
    versions = dict.fromkeys(peers.PEERS, "1.0")
    whole = {"set": "digits", "rows": rows, "edges": 20_000, "options": options, "peers": versions, "missing": {}}
    return whole | {"runs": list(runs)} | more


REFERENCE = [run_of("umap-learn", 0, trust=0.96, eff=2.3), run_of("umap-learn", 1, trust=0.98, eff=2.5)]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({}, []),
        ({"trust": 0.956}, []),  # the mean less one standard deviation, 0.97 - 0.0141
        ({"trust": 0.955}, ["trust"]),
        ({"eff": 2.54}, []),  # the mean plus one, 2.4 + 0.1414
        ({"eff": 2.55}, ["eff"]),
        ({"eff": 1.0}, []),
        ({"recall15": 0.139}, ["recall15"]),  # no deviation at all
        ({"knn5acc": float("nan"), "spearman": 0.5}, ["knn5acc", "spearman"]),
    ],
)
def test_quality_is_the_references_mean_less_one_deviation_in_all_figures(figures, expected):
    results = results_of(*REFERENCE, run_of("ours", 0, **figures))
    assert tables.summarize(results)["ours"]["below"] == expected


def test_quality_is_that_of_an_earlier_run_where_one_is_given(tmp_path):
    file = tmp_path / "earlier.json"
    earlier = [{"variant": "digits", "rows": 1_000, "peer": "umap-learn-seeded", "seed": 0} | FIGURES]
    ours = [{"variant": "digits", "rows": 1_000, "peer": "ours", "seed": 0} | FIGURES]
    file.write_text(json.dumps({"runs": [*earlier, *ours]}))
    found = tables.earlier_reference(file, "digits", 1_000)
    assert len(found) == 1
    results = results_of(*REFERENCE, run_of("ours", 0, trust=0.965), reference_runs=found)
    assert tables.summarize(results)["ours"]["below"] == ["trust"]
    assert tables.about_reference(results) == (
        f"Quality: the figures of 1 seed of umap-learn-seeded in {file}, an earlier run; one seed has no standard "
        "deviation. 5 are needed to tell small differences apart."
    )
    none = tables.earlier_reference(file, "fashion", 70_000)
    assert none == []
    words = tables.about_reference(results_of(*REFERENCE, rows=200_000, reference_runs=none))
    assert words == "Quality: the mean less one standard deviation of 2 seeds in this run."


def test_ratios_are_medians_within_rounds():
    ours = [run_of("ours", seed, layout=layout) for seed, layout in enumerate((1.0, 4.0, 2.0))]
    theirs = [run_of("umap-learn", seed, layout=layout) for seed, layout in enumerate((8.0, 8.0, 10.0))]
    line = tables.summarize(results_of(*ours, *theirs))["ours"]
    assert line["layout_ratio"] == 5.0  # of 8, 2 and 5
    assert line["total_ratio"] == 11 / 3  # of 9 / 2, 9 / 5 and 11 / 3
    assert (line["layout"], line["total"], line["runs"]) == (2.0, 3.0, 3)


def test_a_table_lists_every_peer_with_its_seconds_to_quality_or_the_reason():
    nan = float("nan")
    results = results_of(
        *REFERENCE,
        run_of("ours", 0, graph=0.0321, layout=0.5),
        run_of("umapers", 0, graph=nan, layout=4.0, triplet=0.5),
        run_of("umapers", 1, graph=nan, layout=4.0, triplet=0.5),
        missing={"umap-rs": "umap-rs needs cargo, which is not installed"},
    )
    header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in tables.table(results).splitlines())
    rows = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    assert list(rows) == ["umap-learn", "ours", "umapers", "umap-rs"]
    assert (rows["ours"]["graph s"], rows["ours"]["layout s"], rows["ours"]["s to quality"]) == ("0.032", "0.5", "0.53")
    assert (rows["ours"]["threads"], rows["ours"]["trust"], rows["ours"]["peak MiB"]) == ("2", "0.9700", "1")
    assert rows["umap-learn"]["trust"] == "0.9700 (0.0141)"
    assert (rows["umapers"]["graph s"], rows["umapers"]["graph x"], rows["umapers"]["threads"]) == ("-", "-", "1")
    assert rows["umapers"]["total x"] == "2.50" and rows["umapers"]["s to quality"] == "below in triplet"
    assert rows["umap-rs"]["threads"] == "umap-rs needs cargo, which is not installed"


def test_missed_bars_of_speed_are_said():
    results = results_of(*REFERENCE, run_of("ours", 0, graph=0.5, layout=3.0), set="fashion")
    said = [
        "Missed: graph 2.00 times as fast as umap-learn, bar 4.",
        "Missed: layout 3.00 times as fast as umap-learn, bar 25.",
    ]
    assert tables.too_slow(results) == said


def test_sets_by_name_and_size():
    assert datasets.chosen("digits,tight:4e3") == [("digits", 1_797), ("tight", 4_000)]
    assert datasets.chosen("family") == [("uniform", 10**power) for power in (4, 5, 6, 7)]
    with pytest.raises(ValueError, match="unknown data set 'digit'"):
        datasets.chosen("digit:50")


def test_slow_peers_run_once_and_hopeless_ones_are_not_tried():
    pace = compare.Pace(compare.parse(["--once", "umap-rs", "--patience", "60", "--limit", "1000"]))
    pace.note("umapers", "uniform", 100_000, 90.0)
    pace.note("ours", "uniform", 100_000, 99.0)
    repeats = [pace.repeats(name, "uniform", 100_000) for name in ("umap-rs", "umapers", "ours", "opentsne")]
    assert repeats == [False, False, True, True]
    assert pace.repeats("umapers", "digits", 1_797)
    assert pace.too_long("umapers", "uniform", 1_000_000) is None
    assert pace.too_long("umapers", "uniform", 10_000_000) == ("not tried: 100,000 rows took 90 s, the limit is 1000 s")
    assert pace.too_long("umapers", "mixture", 10_000_000) is None


def test_a_comparison_survives_peers_that_fail_and_writes_its_results(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "CACHE", tmp_path)
    monkeypatch.setattr(processes, "WARM_UP", dict.fromkeys((True, False), ("digits", 400)))

    def absent(dataset, task):
        import no_such_module  # noqa: F401

    def broken(dataset, task):
        raise RuntimeError("out of luck\nand more")

    start = peers.Peer(lambda dataset, task: peers.Outcome(dataset.start, 0.5, 0.25), "umap-learn")
    monkeypatch.setattr(
        peers,
        "PEERS",
        {"umap-learn": start, "umapers": peers.Peer(absent, "x"), "umap-rs": peers.Peer(broken, "umap-rs")},
    )
    compare.main(["--set", "digits:400", "--seeds", "2", "--one-process", "--results", str(tmp_path / "out")])
    results = json.loads((tmp_path / "out" / "digits-400.json").read_text())
    assert results["missing"] == {
        "umapers": "x is not installed (No module named 'no_such_module')",
        "umap-rs": "failed: RuntimeError: out of luck",
    }
    assert [(run["peer"], run["seed"], run["layout"]) for run in results["runs"]] == [
        ("umap-learn", s, 0.25) for s in (0, 1)
    ]
    assert results["summary"]["umap-learn"]["below"] == [] and results["peers"]["umapers"] == "not installed"
    assert {"cpu", "date", "commit", "versions"} <= results["machine"].keys()
    printed = capsys.readouterr().out
    tables.main([str(tmp_path / "out" / "digits-400.json")])
    assert tables.table(results) in printed and tables.table(results) in capsys.readouterr().out


def test_a_process_that_dies_or_hangs_is_told_and_replaced():
    runner = processes.Apart(limit=0.01)
    try:
        runner._start("ours")
        first = runner.open["ours"][0]
        os.kill(first.pid, signal.SIGKILL)
        first.join()
        with pytest.raises(processes.Stopped, match="its process died: signal SIGKILL"):
            runner.run("ours", "digits", None, peers.Task())
        with pytest.raises(processes.Stopped, match="stopped after 0 s, the limit"):
            runner.run("ours", "digits", None, peers.Task())
        assert runner.open == {}
    finally:
        runner.close()

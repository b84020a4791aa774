"""Tests of the messages of a running fit: the progress bar, the plain lines that replace it, and the log."""

import functools
import logging
import sys
import types
import warnings

import numba
import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP
from umap_sk.layout import coarsen, optimizer, schedule
from umap_sk.monitor import progress
from umap_sk.pipeline import lay_out
from umap_sk.runtime import first_compile, kernel_cache

SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}


@pytest.fixture(scope="module", autouse=True)
def compiled(ring):
    """Compile the kernels before the tests, which are not about the first run."""
    PrecomputedUMAP(**SETTINGS).fit(knn_indices=ring[0], knn_dists=ring[1])


@pytest.fixture
def without_rich(monkeypatch):
    """Simulate an environment without rich."""
    for name in ("rich", "rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)


def test_silent_by_default(ring, capfd):
    """A fit writes nothing by default."""
    PrecomputedUMAP(**SETTINGS).fit(knn_indices=ring[0], knn_dists=ring[1])
    assert capfd.readouterr() == ("", "")


def test_bar(ring, capfd, monkeypatch):
    """The bar of rich on a terminal reaches 100 %, and nothing is written to stdout."""
    pytest.importorskip("rich")
    monkeypatch.setenv("FORCE_COLOR", "1")
    PrecomputedUMAP(**SETTINGS, verbose=True).fit(knn_indices=ring[0], knn_dists=ring[1])
    out, err = capfd.readouterr()
    assert out == "" and "layout" in err and "100%" in err


@pytest.mark.parametrize("has_rich", [False, True])
def test_plain_lines(ring, capfd, request, has_rich):
    """In a file, and without rich, a line is written for each tenth of the epochs, for any steps of the fit."""
    if not has_rich:
        request.getfixturevalue("without_rich")
    PrecomputedUMAP(**SETTINGS, verbose=True).fit(knn_indices=ring[0], knn_dists=ring[1])
    out, err = capfd.readouterr()
    expected = [f"layout: epoch {epoch} of 20, about {{}} s left" for epoch in range(2, 21, 2)]
    assert out == "" and len(err.splitlines()) == 10
    for line, pattern in zip(err.splitlines(), expected, strict=True):
        before, after = pattern.split("{}")
        assert line.startswith(before) and line.endswith(after) and line[len(before) : -len(after)].isdigit()
    model = PrecomputedUMAP(**SETTINGS, verbose=True)
    for _ in range(20):
        model.partial_fit(knn_indices=ring[0], knn_dists=ring[1])
    assert [line.split(",")[0] for line in capfd.readouterr().err.splitlines()] == [p.split(",")[0] for p in expected]


def in_a_notebook(monkeypatch, widgets):
    """Simulate a notebook for rich, with or without ipywidgets."""
    console = pytest.importorskip("rich.console")
    monkeypatch.setattr(console, "_is_jupyter", lambda: True)
    monkeypatch.setitem(sys.modules, "ipywidgets", types.ModuleType("ipywidgets") if widgets else None)


def test_notebook_without_widgets(ring, monkeypatch, capfd):
    """If rich would show nothing in a notebook, plain lines are written."""
    in_a_notebook(monkeypatch, widgets=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PrecomputedUMAP(**SETTINGS, verbose=True).fit(knn_indices=ring[0], knn_dists=ring[1])
    assert len(capfd.readouterr().err.splitlines()) == 10
    in_a_notebook(monkeypatch, widgets=True)
    assert progress._make_rich_bar().console.is_jupyter


@pytest.fixture
def notebook_kernel(monkeypatch):
    """Simulate the kernel of a notebook without widgets, and return a list of contents for each output of a cell."""

    class ZMQInteractiveShell:
        pass

    outputs = []

    class Handle:
        def __init__(self, output):
            self.update = lambda content, raw: output.append(content)

    def display(content, raw, display_id=False):
        outputs.append([content])
        return Handle(outputs[-1]) if display_id else None

    ipython, shown = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython, shown.display = ZMQInteractiveShell, display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    in_a_notebook(monkeypatch, widgets=False)
    return outputs


def test_bars_in_a_notebook(notebook_kernel, capfd):
    """The search and then the layout have one output each, which is updated until it is full, and no other text."""
    X = np.random.default_rng(0).random((300, 4))
    PrecomputedUMAP(metric="manhattan", **SETTINGS, verbose=True).fit(X)
    search, layout = (output for output in notebook_kernel if "text/html" in output[0])
    assert search[-1]["text/plain"].startswith("search: 100%") and "left" in search[-1]["text/plain"]
    assert layout[0]["text/plain"] == "layout: 0%" and layout[-1]["text/plain"].startswith("layout: 100%")
    assert layout[-1]["text/html"].startswith("<progress value=1.000>")
    assert capfd.readouterr() == ("", "")


def test_lines_in_a_notebook(notebook_kernel, monkeypatch, capfd):
    """If progress is shown, the end of each long phase is a line in an output of the cell."""
    monkeypatch.setattr(progress, "LONG_PHASE", 0.0)
    X = np.random.default_rng(0).random((300, 4))
    PrecomputedUMAP(metric="euclidean", **SETTINGS, verbose=True).fit(X)
    lines = [output[0]["text/plain"] for output in notebook_kernel if "text/html" not in output[0]]
    assert [line.split(": done in ")[0] for line in lines] == ["search", "neighbors", "graph", "start"]
    PrecomputedUMAP(metric="euclidean", **SETTINGS).fit(X)
    assert len([output for output in notebook_kernel if "text/html" not in output[0]]) == 4
    assert capfd.readouterr() == ("", "")


def test_search_under_rich(capfd, monkeypatch):
    """The search has a bar of its own, before that of the layout."""
    pytest.importorskip("rich")
    monkeypatch.setenv("FORCE_COLOR", "1")
    X = np.random.default_rng(0).random((300, 4))
    PrecomputedUMAP(metric="manhattan", **SETTINGS, verbose=True).fit(X)
    err = capfd.readouterr().err
    assert 0 <= err.index("search") < err.index("layout") and err.count("100%") >= 2


def uncompiled(**options):
    """Return a kernel of the package that is not compiled yet."""

    def missing(number):
        return number + 1

    missing.__module__ = "umap_sk.kernels"
    return numba.njit(**options)(missing)


@pytest.fixture
def first_run(monkeypatch, tmp_path):
    """Require the compilation of two kernels before the initial layout, and of one before the epochs."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 0)
    before, later = [uncompiled(cache=True), uncompiled(cache=True)], uncompiled(cache=True)
    start, run = lay_out.begin, optimizer.run_epochs

    def slow_start(*arguments, **options):
        assert [kernel(1) for kernel in before] == [2, 2]
        return start(*arguments, **options)

    def slow_run(*arguments, **options):
        assert later(1) == 2
        return run(*arguments, **options)

    monkeypatch.setattr(lay_out, "begin", slow_start)
    monkeypatch.setattr(optimizer, "run_epochs", slow_run)


@pytest.mark.usefixtures("first_run")
@pytest.mark.parametrize("verbose", [False, True])
def test_compiling_is_told(ring, caplog, capfd, verbose):
    """A call that compiles logs one line, and shows one line together with the progress. The next call adds none."""
    model = PrecomputedUMAP(**SETTINGS, verbose=verbose)
    with caplog.at_level(logging.INFO, logger="umap_sk"):
        for count in (1, 1):
            model.fit(knn_indices=ring[0], knn_dists=ring[1])
            told = [record for record in caplog.records if "compil" in record.getMessage()]
            assert [record.getMessage() for record in told] == [first_compile.FIRST_RUN] * count
            assert all(record.levelno == (logging.INFO if verbose else logging.WARNING) for record in told)
    out, err = capfd.readouterr()
    assert out == "" and err.count("compiles its kernels now") == verbose


@pytest.mark.usefixtures("first_run")
def test_a_machine_that_has_kernels_is_not_warned(ring, caplog, monkeypatch, tmp_path):
    """If any kernel of this source is stored, the compilation of others is logged at the level INFO."""
    monkeypatch.setattr(kernel_cache, "list_cached_files", lambda folder: [folder] * folder.is_relative_to(tmp_path))
    with caplog.at_level(logging.INFO, logger="umap_sk"):
        PrecomputedUMAP(**SETTINGS).fit(knn_indices=ring[0], knn_dists=ring[1])
    told = [(record.levelno, record.getMessage()) for record in caplog.records if "compil" in record.getMessage()]
    assert told == [(logging.INFO, first_compile.MORE_KERNELS)]


@pytest.mark.usefixtures("first_run")
def test_a_log_that_is_configured_to_be_silent_is(ring, caplog):
    """The line about compilation is only written to the log, so a level above WARNING hides it."""
    with caplog.at_level(logging.ERROR, logger="umap_sk"):
        PrecomputedUMAP(**SETTINGS).fit(knn_indices=ring[0], knn_dists=ring[1])
    assert not [record for record in caplog.records if "compil" in record.getMessage()]


@pytest.mark.parametrize("plain", [False, True])
def test_compiling_under_the_bar(ring, monkeypatch, capfd, plain):
    """The message about compilation is shown together with the bar or with plain lines."""
    if plain:
        monkeypatch.setattr(progress, "_make_rich_bar", lambda: None)
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 0)
    monkeypatch.setattr(kernel_cache._CacheImplementation, "_locator_classes", [kernel_cache.NoFolder])
    later, run = uncompiled(), optimizer.run_epochs
    later._cache = kernel_cache.PackageCache(later.py_func)
    monkeypatch.setattr(optimizer, "run_epochs", lambda *given, **options: (later(1), run(*given, **options))[1])
    PrecomputedUMAP(**SETTINGS, verbose=True).fit(knn_indices=ring[0], knn_dists=ring[1])
    told = " ".join(capfd.readouterr().err.split())
    assert "in every process again" in told and "NUMBA_CACHE_DIR" in told


def test_others_kernels_are_theirs(caplog):
    """The compilation of functions outside of the package, and of loops around them, is not logged."""
    with caplog.at_level(logging.INFO, logger="umap_sk"), first_compile.announce_compilation():
        assert uncompiled()(1) == 2
    assert not caplog.records
    with caplog.at_level(logging.INFO, logger="umap_sk"), first_compile.announce_compilation():
        assert numba.njit(lambda number: number + 1)(1) == 2
    assert not caplog.records


@pytest.fixture
def clock(monkeypatch):
    """Replace the clock by one that only the test moves, and return its time in a list."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


@pytest.mark.parametrize("done", [0, 20, 145])
def test_time_left_by_what_epochs_cost(clock, done):
    """The time left is exact from the first epoch on if the pace is constant, on each level and after a resumption."""
    costs = [1.0] * 120 + [7.0] * 30 + [40.0] * 44
    line_at = progress.describe_epochs(costs, done)
    for epoch in range(done + 1, 195):
        clock[0] += 0.5 * costs[epoch - 1]
        left = 0.5 * sum(costs[epoch:])
        text = f"{left:.0f} s" if left < 120 else f"{left / 60:.0f} min"
        assert line_at(epoch) == f"layout: epoch {epoch} of 194, about {text} left"


def test_time_left_on_a_level_without_edges(clock):
    """A coarse level of separate pairs has no edges, and its epochs no pace."""
    line_at = progress.describe_epochs([0] * 10 + [4] * 10, 0)
    assert [line_at(epoch) for epoch in (1, 2)][-1].startswith("layout: epoch 2 of 20, about 0 s")


def test_time_left_when_the_machine_becomes_slower(clock):
    """A tenth of the epochs after a change of pace, the time left depends on the new pace only."""
    costs, line_at = [1.0] * 50 + [2.0] * 50, progress.describe_epochs([1.0] * 50 + [2.0] * 50, 0)
    for epoch in range(1, 101):
        clock[0] += (0.1 if epoch <= 60 else 0.3) * costs[epoch - 1]
        line = line_at(epoch)
        if epoch in (60, 69):
            pace = 0.1 if epoch == 60 else 0.3
            assert line == f"layout: epoch {epoch} of 100, about {pace * sum(costs[epoch:]):.0f} s left"


def test_time_left_by_the_pace_of_the_level_that_runs(clock):
    """From the first epoch of a level on, the time left depends on the time per edge on this level only."""
    edges, pace = [1] * 60 + [7] * 30 + [40] * 44, {1: 9.0, 7: 0.7, 40: 0.5}
    line_at = progress.describe_epochs(edges, 0)
    for epoch in range(1, 135):
        clock[0] += pace[edges[epoch - 1]] * edges[epoch - 1]
        left = float(line_at(epoch).split()[6])
        expected = pace[edges[epoch - 1]] * sum(edges[epoch:])
        assert left == pytest.approx(expected if expected < 120 else expected / 60, abs=0.6) or expected > 7200


@pytest.mark.usefixtures("without_rich")
def test_edges_of_a_real_layout(monkeypatch):
    """The progress of a fit over three levels receives the number of edges for each epoch, whole or in steps."""
    monkeypatch.setattr(coarsen, "build_levels", functools.partial(coarsen.build_levels, largest=100))
    points = np.random.default_rng(0).random((3000, 3))
    dists, indices = NearestNeighbors(n_neighbors=10).fit(points).kneighbors(points)
    told = []
    monkeypatch.setattr(progress, "write_epoch_lines", lambda *given, what: told.append(given) or (lambda epoch: None))
    model = PrecomputedUMAP(10, n_epochs=100, random_state=0, init=points[:, :2], verbose=True)
    model.fit(knn_indices=indices, knn_dists=dists)
    ((edges, done),) = told
    phases = schedule.plan_length(3, 100, 32, field=True)
    assert len(model.report_["phases"][-2]["levels"]) == 3 and done == 0
    assert len(edges) == model.n_epochs_ == schedule.count_epochs(phases) == 100
    of_phases = [set(edges[phase.first_epoch :][: phase.epochs]) for phase in phases]
    assert [len(of_phase) for of_phase in of_phases] == [1] * 4
    coarsest, middle, *finest = (of_phase.pop() for of_phase in of_phases)
    assert coarsest < middle < finest[0] == finest[1] and 1 <= finest[0] / model.manifold_.n_edges < 1.05
    model.partial_fit(knn_indices=indices, knn_dists=dists, epochs=70).partial_fit()
    left = phases[2].first_epoch  # the coarse levels, which are released by then, have 0 edges
    assert told[1:] == [(edges, 0), ([0] * left + edges[left:], 70)]


def test_telling_changes_nothing(ring):
    """The map has the same bits with and without a progress bar."""
    arrays = {"knn_indices": ring[0], "knn_dists": ring[1]}
    quiet = PrecomputedUMAP(**SETTINGS).fit_transform(**arrays)
    assert np.array_equal(PrecomputedUMAP(**SETTINGS, verbose=True).fit_transform(**arrays), quiet)


def test_one_record_a_phase(ring, caplog):
    """Each phase has one log record, with the entry of the report as an attribute and its line as the message."""
    with caplog.at_level(logging.INFO, logger="umap_sk"):
        model = PrecomputedUMAP(**SETTINGS, metric="euclidean").fit(ring[2])
    records = [record for record in caplog.records if record.getMessage() != first_compile.MORE_KERNELS]
    assert [record.umap_sk for record in records] == model.report_["phases"]
    assert [record.getMessage().split()[0] for record in records] == [
        "search",
        "neighbors",
        "graph",
        "start",
        "layout",
    ]
    assert all(record.levelno == logging.INFO and record.name == "umap_sk" for record in records)
    assert str(model.report_).splitlines()[3:5] == [record.getMessage() for record in records[3:5]]


def test_steps_add_up_to_one_phase(ring):
    """A layout in steps is one phase of the report, and each step adds to its seconds."""
    arrays = {"knn_indices": ring[0], "knn_dists": ring[1]}
    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=5)
    before = model.report_.seconds("layout")
    model.partial_fit(epochs=15)
    assert [phase["name"] for phase in model.report_["phases"]] == ["neighbors", "graph", "start", "layout"]
    assert model.report_["phases"][-1]["epochs"] == 20
    assert model.report_.seconds("layout") > before

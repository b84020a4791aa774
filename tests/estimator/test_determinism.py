"""Tests that results have the same bits for any threads, steps, copies, processes and processors."""

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import tiny_run
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP, kernels

EPOCHS = 16  # few, but enough for two levels and the near field

VARIANTS = {  # every initial layout, number of axes and kind of graph
    "neighbors alone": {},
    "spectral": {"init": "spectral"},
    "array": {"init": "array"},
    "directed": {"init": "array", "symmetrize": False},
    "pca, 3 axes": {"init": "pca", "n_components": 3},
    "random, 10 axes": {"init": "random", "n_components": 10, "set_op_mix_ratio": 0.5},
    "directed, spectral, 3 axes": {"init": "spectral", "n_components": 3, "symmetrize": False},
    "one level": {"init": "random", "multilevel": False, "local_connectivity": 1.75},
}


def given(data, variant):
    """Return an estimator and the arguments of its fit."""
    options = {"n_epochs": EPOCHS, "random_state": 3} | VARIANTS[variant]
    arrays = {"knn_indices": data.knn_indices, "knn_dists": data.knn_dists}
    if options.get("init") == "array":
        options.pop("init")
        arrays["init"] = data.start
    if options.get("init") == "pca":
        arrays["X"] = data.features
    return PrecomputedUMAP(**options), arrays


@pytest.fixture(scope="module")
def manifold(images):
    return PrecomputedUMAP().learn_manifold(knn_indices=images.knn_indices, knn_dists=images.knn_dists)


@pytest.fixture(scope="module")
def whole(images, manifold):
    """Return a model that one call of fit laid out over several levels."""
    model = laid_out(images, manifold).fit(manifold=manifold)
    assert any(len(phase.get("levels", ())) > 1 for phase in model.report_["phases"])
    return model


def laid_out(images, manifold):
    return PrecomputedUMAP(n_epochs=EPOCHS, random_state=3, init=images.start)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_threads(images, variant):
    results = []
    for n_jobs in (1, 2):
        model, arrays = given(images, variant)
        results.append(model.set_params(n_jobs=n_jobs).fit(**arrays))
    one, two = results
    assert one.report_["threads"] == 1
    assert np.isfinite(one.embedding_).all()
    for name in ("data", "indices", "indptr"):
        assert getattr(one.graph_, name).tobytes() == getattr(two.graph_, name).tobytes()
    assert one.embedding_.tobytes() == two.embedding_.tobytes()


def test_seeds_matter(images, manifold, whole):
    other = laid_out(images, manifold).set_params(random_state=4).fit(manifold=manifold)
    assert other.embedding_.tobytes() != whole.embedding_.tobytes()


def through_a_file(model, path):
    joblib.dump(model, path)
    return joblib.load(path)


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_cuts_and_copies(images, manifold, whole, tmp_path, seed):
    """Steps with copies, files and changes of threads in between give the bits of one fit."""
    rng = np.random.default_rng(seed)
    model = laid_out(images, manifold).partial_fit(manifold=manifold)
    between = [
        lambda model: model,
        lambda model: pickle.loads(pickle.dumps(model)),
        lambda model: through_a_file(model, tmp_path / "model.joblib"),
        copy.deepcopy,
        copy.copy,
    ]
    step = 0
    while model.epoch_ < whole.epoch_:
        model = between[step % 5](model).set_params(n_jobs=1 + step % 2)
        model.partial_fit(epochs=1 if seed is None else int(rng.integers(1, 6)))
        step += 1
    assert model.embedding_.tobytes() == whole.embedding_.tobytes()


@pytest.mark.parametrize("n_components", [2, 3])
@pytest.mark.parametrize("metric", ["precomputed", "euclidean"])
def test_new_rows(digits, metric, n_components):
    """The position of a new row does not depend on the order, the batch or the number of threads."""
    old, new = digits.features[:1500], digits.features[1500:]
    settings = {"n_components": n_components, "n_epochs": 10, "random_state": 0, "init": "random", "metric": metric}
    search = NearestNeighbors(n_neighbors=15).fit(old)
    dists, indices = search.kneighbors(old)
    new_dists, new_indices = search.kneighbors(new)
    fitted_with = {"knn_indices": indices, "knn_dists": dists} if metric == "precomputed" else {"X": old}
    model = PrecomputedUMAP(**settings).fit(**fitted_with)

    def places(rows, n_jobs=1):
        model.set_params(n_jobs=n_jobs)
        if metric == "euclidean":
            return model.transform(new[rows])
        return model.transform(knn_indices=new_indices[rows], knn_dists=new_dists[rows])

    whole = places(np.arange(297))
    assert np.isfinite(whole).all()
    order = np.random.default_rng(1).permutation(297)
    assert places(order, n_jobs=2).tobytes() == whole[order].tobytes()
    for row in range(0, 297, 6):
        assert places([row], n_jobs=1 + row % 4 // 2).tobytes() == whole[row].tobytes()
    for part in np.array_split(order, [1, 20, 150]):
        assert places(part).tobytes() == whole[part].tobytes()


def python(*arguments, **environment):
    """Run Python with the tests in its path and another hash seed, and return its output."""
    here = Path(__file__).parents[1]
    paths = os.pathsep.join([str(here.parent), str(here)])
    settings = {"PYTHONPATH": paths, "PYTHONHASHSEED": "7", "NUMBA_NUM_THREADS": "1"} | environment
    return subprocess.run(
        [sys.executable, *arguments], env=os.environ | settings, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.slow
def test_another_process_goes_on(images, manifold, whole, tmp_path):
    """Another process resumes a layout that has just left its coarsest level, and reaches the bits of one fit."""
    model = laid_out(images, manifold).partial_fit(manifold=manifold)
    model.partial_fit(epochs=model._fitted.run.layout.problem.phases[0].epochs)
    joblib.dump(model, tmp_path / "half.joblib")
    code = (
        "import joblib, numpy, sys\n"
        "model = joblib.load(sys.argv[1]).partial_fit(epochs=1000)\n"
        "numpy.save(sys.argv[2], model.embedding_)\n"
    )
    python("-c", code, str(tmp_path / "half.joblib"), str(tmp_path / "whole.npy"))
    assert np.load(tmp_path / "whole.npy").tobytes() == whole.embedding_.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("n_epochs", [5, pytest.param(tiny_run.NEAR_FIELD_EPOCHS, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"NUMBA_DISABLE_JIT": "1"}, id="plain Python"),
        pytest.param(
            {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}, id="any processor", marks=pytest.mark.long
        ),
    ],
)
def test_compiler_and_processor(tmp_path, environment, n_epochs):
    """Plain Python and code for a generic processor give the same bits as the compiled code."""
    python(tiny_run.__file__, str(tmp_path / "there.npz"), str(n_epochs), **environment)
    there = np.load(tmp_path / "there.npz")
    here = tiny_run.results(n_epochs)
    assert set(here) == set(there)
    for name, array in here.items():
        assert np.isfinite(array).all()
        assert array.tobytes() == there[name].tobytes(), name


def test_kernels_are_given_plain_arrays(monkeypatch):
    """Kernels get their settings as structured arrays and never as recarrays.

    With a recarray, numba runs Python code and loses an interrupt that arrives there.
    """
    records = []

    def watched(launch):
        def look(*arguments):
            assert np.recarray not in map(type, arguments)
            records.extend(a for a in arguments if isinstance(a, np.ndarray) and a.dtype.names)
            return launch(*arguments)

        return look

    for name, launch in list(vars(kernels).items()):
        if hasattr(launch, "compiled"):
            monkeypatch.setattr(kernels, name, watched(launch))
    tiny_run.results()
    assert len(records) > 14 and all(type(record[0]) is np.record for record in records)

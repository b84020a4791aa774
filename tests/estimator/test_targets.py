"""Tests of targets: their effect on fits, runs and manifolds, and the warning about an unused target."""

import importlib.util
import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from umap_sk import Checkpoint, IgnoredTargetWarning, Manifold, PrecomputedUMAP
from umap_sk.cli.main import main
from umap_sk.pipeline import targets

SETTINGS = {"n_neighbors": 5, "metric": "euclidean", "n_epochs": 2, "random_state": 0}
X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.arange(60) % 2


@pytest.fixture(autouse=True)
def not_said_yet(monkeypatch):
    """Forget the warnings that were given, as in a new process."""
    monkeypatch.setattr(targets, "_warned", set())


def said(function, *arguments):
    """Return the warnings about a target in a call."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        function(*arguments)
    return [warning for warning in found if warning.category is IgnoredTargetWarning]


@pytest.mark.parametrize("call", ["fit", "fit_transform", "partial_fit"])
def test_called_directly(call):
    """In any method, an unused target causes one warning at the caller's line and does not change the map."""
    model = PrecomputedUMAP(**SETTINGS)
    assert not said(getattr(model, call), X) and not said(getattr(PrecomputedUMAP(**SETTINGS), call), X, None)
    (warning,) = said(getattr(PrecomputedUMAP(**SETTINGS), call), X, Y)
    assert warning.filename == __file__ and "y is not used" in str(warning.message)
    with_target = PrecomputedUMAP(**SETTINGS)
    assert not said(getattr(with_target, call), X, Y)
    np.testing.assert_array_equal(with_target.embedding_, model.embedding_)


def test_where_targets_are_routine():
    """Pipelines, searches and scikit-learn's checks, which pass targets to every step, cause no warning."""
    pipeline = make_pipeline(PrecomputedUMAP(**SETTINGS), KNeighborsClassifier(3))
    assert not said(pipeline.fit, X, Y)
    assert not said(make_pipeline(PrecomputedUMAP(**SETTINGS)).fit_transform, X, Y)
    assert not said(GridSearchCV(PrecomputedUMAP(**SETTINGS), {"min_dist": [0.1]}, cv=2).fit, X, Y)
    assert not said(check_estimator, PrecomputedUMAP(**SETTINGS))
    assert said(PrecomputedUMAP(**SETTINGS).fit, X, Y)


def test_installed_packages(tmp_path):
    """A call by an installed package causes no warning, but a call by the user's own project does."""
    for folder, expected in (("site-packages", 0), ("my_project", 1)):
        file = tmp_path / folder / "topics.py"
        file.parent.mkdir()
        file.write_text("def reduce(reducer, X, y):\n    return reducer.fit(X, y=y)\n")
        spec = importlib.util.spec_from_file_location(folder.replace("-", "_"), file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert len(said(module.reduce, PrecomputedUMAP(**SETTINGS), X, Y)) == expected


# ------------------------------------------------------------------------------------------------- targets in use


LABELED = {**SETTINGS, "target_metric": "categorical"}
LABELS = np.where(np.arange(60) % 7 == 0, -1, Y)


def test_what_a_target_does():
    """Labels change the map without a warning, and other names of the same labels give the same map."""
    model = PrecomputedUMAP(**LABELED)
    assert not said(model.fit, X, LABELS)
    assert (model.embedding_ != PrecomputedUMAP(**SETTINGS).fit(X).embedding_).any()
    words = np.where(LABELS < 0, None, np.array(["odd", "even"])[LABELS])
    for again in (PrecomputedUMAP(**LABELED).fit_transform(X, y=words), clone(model).partial_fit(X, LABELS, epochs=2)):
        np.testing.assert_array_equal(getattr(again, "embedding_", again), model.embedding_)
    for changed in ({"target_weight": 0.9}, {"target_metric": "euclidean"}):
        other = clone(model).set_params(**changed).fit(X, LABELS)
        assert (other.embedding_ != model.embedding_).any()


def test_without_a_target():
    """If target_metric is set, every method needs a target, and a failed call leaves the previous fit unchanged."""
    model = PrecomputedUMAP(**LABELED).fit(X, Y)
    before = model.embedding_
    for call in (model.fit, model.fit_transform, model.partial_fit, model.learn_manifold):
        with pytest.raises(ValueError, match="needs targets, but y is None: pass them, fit"):
            call(X + 1)
    assert model.embedding_ is before


def test_manifolds_hold_their_targets(tmp_path):
    """A manifold that was learned with a target gives the map of a fit with y, even after it was stored.

    Only an estimator with the same target parameters accepts it, together with the same y or with none.
    """
    model = PrecomputedUMAP(**LABELED)
    manifold = model.learn_manifold(X, LABELS)
    manifold.save(tmp_path / "m")
    stored, expected = Manifold.load(tmp_path / "m"), model.fit(X, LABELS).embedding_
    targets_of = manifold.parameters["targets"]
    assert targets_of.pop("hash") and targets_of == {"metric": "categorical", "weight": 0.5}
    for given in ({"y": None}, {"y": LABELS}):
        np.testing.assert_array_equal(clone(model).fit(X, manifold=stored, **given).embedding_, expected)
    with pytest.raises(ValueError, match="y is not what the manifold was learned with"):
        model.fit(y=Y, manifold=stored)
    with pytest.raises(ValueError, match="learned with target_metric='categorical', target_weight=0.5, but the estim"):
        PrecomputedUMAP(**SETTINGS).fit(manifold=stored)
    for changed in ({"target_weight": 0.4}, {"target_metric": "l2"}):
        with pytest.raises(ValueError, match=f"but the estimator has .*{next(iter(changed.values()))}"):
            clone(model).set_params(**changed).fit(manifold=stored)
    plain = PrecomputedUMAP(**SETTINGS).learn_manifold(X)
    for other in (plain, Manifold.from_graph(plain.graph)):
        with pytest.raises(ValueError, match="The manifold was learned with target_metric=None, but"):
            model.fit(manifold=other, y=Y)
    assert "targets" not in (manifold + plain).parameters and (manifold + manifold).parameters == manifold.parameters
    assert PrecomputedUMAP(**SETTINGS).fit(manifold=manifold + plain).embedding_.shape == (60, 2)


def test_another_target_is_another_run(tmp_path):
    """A layout or a run with another target is refused, and the error names y. Unused targets make no difference."""
    model = PrecomputedUMAP(**LABELED).partial_fit(X, LABELS, epochs=1)
    with pytest.raises(ValueError, match="y differs from what the first call of partial_fit was given"):
        model.partial_fit(y=Y)
    model.partial_fit(y=LABELS)
    on_disk = PrecomputedUMAP(**LABELED, checkpoint=Checkpoint(tmp_path, every_epochs=1, on_mismatch="raise"))
    clone(on_disk).partial_fit(X, LABELS, epochs=1)
    with pytest.raises(ValueError, match=r"is not this one: y differs\."):
        clone(on_disk).fit(X, Y)
    resumed = clone(on_disk).fit(X, LABELS)
    assert "resume" in [phase["name"] for phase in resumed.report_["phases"]]
    np.testing.assert_array_equal(resumed.embedding_, model.embedding_)
    assert resumed.manifold_.parameters == model.manifold_.parameters
    ignored = PrecomputedUMAP(**SETTINGS).partial_fit(X, Y, epochs=1).partial_fit(X, LABELS)
    np.testing.assert_array_equal(ignored.embedding_, PrecomputedUMAP(**SETTINGS).fit(X).embedding_)


def test_a_fold_sees_no_other_labels():
    """In a grid search over a pipeline, labels outside the fold do not change the positions by a bit."""
    fold = np.arange(60) < 40
    other = np.where(fold, Y, 1 - Y)
    places = []

    def kept(pipeline, features, y):
        places.append(pipeline[:-1].transform(X))
        return 0.0

    pipeline = make_pipeline(PrecomputedUMAP(**LABELED), KNeighborsClassifier(3))
    grid = {"precomputedumap__target_weight": [0.2, 0.8]}
    for y in (Y, other):
        GridSearchCV(pipeline, grid, cv=[(np.flatnonzero(fold), np.flatnonzero(~fold))], scoring=kept, refit=False).fit(
            X, y
        )
    np.testing.assert_array_equal(places[0], places[2])
    np.testing.assert_array_equal(places[1], places[3])
    assert (places[0] != places[1]).any()
    by_hand = PrecomputedUMAP(**LABELED).set_params(target_weight=0.2).fit(X[fold], Y[fold])
    np.testing.assert_array_equal(places[0][fold], by_hand.embedding_)


def test_stored_models(tmp_path):
    """A stored model has its target parameters, but not y. A state without them is loaded with the defaults."""
    numbers = np.random.default_rng(1).normal(size=60)
    labels = np.unique(numbers, return_inverse=True)[1]
    for y, parameters in ((labels, LABELED), (numbers, {**SETTINGS, "target_metric": "euclidean"})):
        for epochs in (1, 2):
            stored = pickle.dumps(PrecomputedUMAP(**parameters).partial_fit(X, y, epochs=epochs))
            assert X.tobytes() in stored and not any(y.astype(dtype).tobytes() in stored for dtype in "bhilfd")
    model = PrecomputedUMAP(**LABELED).fit(X, LABELS)
    joblib.dump(model, tmp_path / "model")
    again = joblib.load(tmp_path / "model")
    assert again.target_metric == "categorical" and again.manifold_.parameters == model.manifold_.parameters
    state = model.__getstate__()
    for name in ("target_metric", "target_weight", "target_n_neighbors"):
        del state[name]
    former = PrecomputedUMAP.__new__(PrecomputedUMAP)
    former.__setstate__(state)
    assert (former.target_metric, former.target_weight, former.target_n_neighbors) == (None, 0.5, None)


def test_command_line(tmp_path, monkeypatch, capsys):
    """The command line accepts targets from a file, also as text, and from a manifold."""
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    np.save("y.npy", np.array(["odd", "even"])[Y])
    common = ["--metric", "euclidean", "--n-neighbors", "5", "--target-metric", "categorical"]
    epochs = ["--n-epochs", "2", "--random-state", "0"]
    assert main(["fit", "--features", "x.npy", "--y", "y.npy", "--out", "e.npy", *common, *epochs]) == 0
    assert main(["learn", "--features", "x.npy", "--y", "y.npy", "--out", "m", *common]) == 0
    assert main(["fit", "--manifold", "m", "--features", "x.npy", "--out", "f.npy", *common, *epochs]) == 0
    expected = PrecomputedUMAP(**LABELED).fit(X, Y).embedding_
    for file in ("e.npy", "f.npy"):
        np.testing.assert_array_equal(np.load(file), expected)
    assert main(["fit", "--features", "x.npy", "--out", "g.npy", *common]) != 0
    assert "needs targets, but y is None" in capsys.readouterr().err


def test_update_takes_manifolds_alone():
    """A model with targets cannot be updated with features, but with a manifold of all rows and targets."""
    model = PrecomputedUMAP(**LABELED).fit(X[:50], Y[:50])
    with pytest.raises(ValueError, match="update takes no y. Learn a manifold of all rows"):
        model.update(X[50:])
    with pytest.raises(ValueError, match="The manifold was learned with target_metric=None"):
        model.update(manifold=PrecomputedUMAP(**SETTINGS).learn_manifold(X))
    assert model.update(manifold=model.learn_manifold(X, Y), epochs=2).embedding_.shape == (60, 2)

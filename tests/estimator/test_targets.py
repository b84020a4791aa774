"""A target that is not used: said once a process where a person calls, never where it is passed as routine."""

import importlib.util
import warnings

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from umap_sk import IgnoredTargetWarning, PrecomputedUMAP, targets

SETTINGS = {"n_neighbors": 5, "metric": "euclidean", "n_epochs": 2, "random_state": 0}
X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.arange(60) % 2


@pytest.fixture(autouse=True)
def not_said_yet(monkeypatch):
    """As in a new process."""
    monkeypatch.setattr(targets, "_said", set())


def said(function, *arguments):
    """Warnings about a target in a call."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        function(*arguments)
    return [warning for warning in found if warning.category is IgnoredTargetWarning]


@pytest.mark.parametrize("call", ["fit", "fit_transform", "partial_fit"])
def test_called_directly(call):
    """Once, at the caller's line, whatever the method; the map is the same."""
    model = PrecomputedUMAP(**SETTINGS)
    assert not said(getattr(model, call), X) and not said(getattr(PrecomputedUMAP(**SETTINGS), call), X, None)
    (warning,) = said(getattr(PrecomputedUMAP(**SETTINGS), call), X, Y)
    assert warning.filename == __file__ and "y is not used" in str(warning.message)
    with_target = PrecomputedUMAP(**SETTINGS)
    assert not said(getattr(with_target, call), X, Y)
    np.testing.assert_array_equal(with_target.embedding_, model.embedding_)


def test_where_targets_are_routine():
    """Pipelines, searches and scikit-learn's checks pass a target to every step."""
    pipeline = make_pipeline(PrecomputedUMAP(**SETTINGS), KNeighborsClassifier(3))
    assert not said(pipeline.fit, X, Y)
    assert not said(make_pipeline(PrecomputedUMAP(**SETTINGS)).fit_transform, X, Y)
    assert not said(GridSearchCV(PrecomputedUMAP(**SETTINGS), {"min_dist": [0.1]}, cv=2).fit, X, Y)
    assert not said(check_estimator, PrecomputedUMAP(**SETTINGS))
    assert said(PrecomputedUMAP(**SETTINGS).fit, X, Y)


def test_installed_packages(tmp_path):
    """So does a library that clusters with whatever reducer it is given."""
    for folder, expected in (("site-packages", 0), ("my_project", 1)):
        file = tmp_path / folder / "topics.py"
        file.parent.mkdir()
        file.write_text("def reduce(reducer, X, y):\n    return reducer.fit(X, y=y)\n")
        spec = importlib.util.spec_from_file_location(folder.replace("-", "_"), file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert len(said(module.reduce, PrecomputedUMAP(**SETTINGS), X, Y)) == expected

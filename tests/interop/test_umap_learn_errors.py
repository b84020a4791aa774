"""Tests of the errors of UMAP, which name cures that a UMAP has, and of its smallest inputs."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris

from umap_sk import UMAP, FewerNeighborsWarning
from umap_sk.plot import LossCurveDisplay

X = load_iris().data
DISTANCES = np.linalg.norm(X[:, None] - X, axis=2)
FEW = {"n_epochs": 20, "random_state": 0}


@pytest.fixture(scope="module")
def dropped():
    """Return a model without features."""
    return UMAP(**FEW).fit(X).drop_features()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda model: model.inverse_transform([[0, 0]]), "Set those of the fit by set_features.$"),
        (lambda model: model.update(X[:5]), "Set the features of the fit by set_features.$"),
        (lambda model: model.transform(X[:5]), "Give those of the fit by set_features"),
    ],
)
def test_methods_that_miss_features(dropped, call, message):
    """After drop_features, the errors name set_features as the cure."""
    with pytest.raises(ValueError, match=message):
        call(dropped)


@pytest.mark.parametrize(
    "parameters, given, message",
    [
        ({}, None, "X is None. Give features, or distances"),
        ({"metric": "precomputed", "init": "pca"}, DISTANCES, "init='pca' needs features: pass components of your own"),
        ({"metric": "poincarre"}, X, "the nearest name is 'poincare'"),
        ({"metric": "strings"}, X, "the nearest name is 'string'"),
        ({"n_epochs": -1}, X, r"an int in the range \[0, inf\), an instance of 'list'"),
        ({"learning_rate": -1}, X, r"in the range \[0.0, inf\)"),
        ({"negative_sample_rate": -1}, X, r"in the range \[0.0, inf\)"),
    ],
)
def test_errors_name_what_a_umap_takes(parameters, given, message):
    """Errors name neither arguments of PrecomputedUMAP nor ranges without values that a UMAP accepts."""
    with pytest.raises(ValueError, match=message):
        UMAP(**{**FEW, **parameters}).fit(given)


def test_ensure_all_finite_of_another_kind():
    """Another value of ensure_all_finite is refused, and missing values lead to a metric that accepts them."""
    with pytest.raises(ValueError, match="ensure_all_finite='foo', but True, False or 'allow-nan' is needed"):
        UMAP(**FEW).fit(X, ensure_all_finite="foo")
    with pytest.raises(ValueError, match="With metric='nan_euclidean' or a function"):
        UMAP(**FEW).fit(np.where(X > 6, np.nan, X), ensure_all_finite="allow-nan")


def test_radii_of_a_model_without_density():
    """The error for missing radii names the parameters of a UMAP that give them."""
    with pytest.raises(AttributeError, match="rad_orig_ needs densmap=True or output_dens=True"):
        _ = UMAP(**FEW).fit(X).rad_orig_


def test_an_update_by_distances_needs_old_and_new_columns():
    """The error for an update by distances says which columns are needed."""
    model = UMAP(metric="precomputed", **FEW).fit(DISTANCES[:140, :140])
    with pytest.raises(ValueError, match="X has 140 columns, but 150 are needed: .* 140 rows of the map, .* 10 new"):
        model.update(DISTANCES[140:, :140])
    assert len(model.update(DISTANCES[140:]).embedding_) == 150


def test_features_of_a_model_with_equal_rows():
    """set_features takes the rows of a fit with unique=True, copies included."""
    rows = np.r_[X[:100], X[:50]]
    model = UMAP(unique=True, **FEW).fit(rows)
    places = model.transform(X[100:])
    assert np.array_equal(model.drop_features().set_features(rows).transform(X[100:]), places)
    with pytest.raises(ValueError, match="Give the same rows"):
        model.set_features(rows[1:])


def test_features_of_a_combined_model():
    """A combined model, which has no features, places rows by those that set_features gives it."""
    model = UMAP(**FEW).fit(X) + UMAP(metric="manhattan", **FEW).fit(X)
    with pytest.raises(ValueError, match="set_features"):
        model.transform(X[:5])
    places = model.set_features(X).transform(X[:50] + 1e-6)
    assert model.n_features_in_ == X.shape[1]
    assert np.linalg.norm(places - model.embedding_[:50], axis=1).max() < 1


@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning")
def test_one_row():
    """One row has a map and column names, and the errors of other methods say that two rows are needed."""
    model = UMAP(n_components=3).fit(X[:1])
    assert model.get_feature_names_out().tolist() == ["umap0", "umap1", "umap2"]
    assert UMAP().set_output(transform="pandas").fit_transform(X[:1]).shape == (1, 2)
    assert UMAP(metric="string").fit_transform(["abc"]).tolist() == [[0, 0]]
    for call in (
        lambda: model.graph_,
        lambda: model.rad_orig_,
        lambda: model.transform(X[:2]),
        lambda: model.inverse_transform([[0, 0, 0]]),
        lambda: model.update(X[:30]),
        lambda: model.score(X[:1]),
        lambda: model + model,
        lambda: model.drop_features(),
    ):
        with pytest.raises((AttributeError, ValueError), match="fitted to one row.*Fit two rows or more"):
            call()
    with pytest.raises(ValueError, match="metric='nope' is unknown"):
        UMAP(metric="nope").fit(X[:1])


@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning")
def test_equal_rows_only():
    """Equal rows are one row with unique=True, and lie at the origin, as with umap-learn."""
    assert np.array_equal(UMAP(unique=True).fit_transform(np.ones((50, 3))), np.zeros((50, 2)))


def test_two_rows():
    """Two rows cause the warning about few rows, and none about the one distance between them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = UMAP(**FEW).fit(X[:2])
    assert [warning.category for warning in caught] == [FewerNeighborsWarning]
    assert np.isfinite(model.embedding_).all()


def test_loss_curve_of_a_umap():
    """The display reads the curve of the estimator of a UMAP."""
    model = UMAP(**FEW).fit(X)
    display = LossCurveDisplay.from_estimator(model)
    assert np.array_equal(display.losses, model.estimator_.loss_curve_[:, 2])

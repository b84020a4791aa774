"""Tests of the steps of a fit without an estimator, and of the settings that they read."""

import inspect

import numpy as np
import pytest

from umap_sk import PrecomputedUMAP
from umap_sk.pipeline.grow import grow
from umap_sk.pipeline.inputs import Arguments, read_inputs
from umap_sk.pipeline.lay_out import lay_out
from umap_sk.pipeline.learn import learn
from umap_sk.pipeline.parameters import CONSTRAINTS, ParameterValues
from umap_sk.pipeline.place import find_features, place
from umap_sk.pipeline.settings import settings_of

PARAMETERS = {"n_neighbors": 8, "metric": "euclidean", "n_epochs": 20, "random_state": 0}
X = np.random.default_rng(0).normal(size=(150, 3))
OLD, NEW = X[:130], X[130:]


def fitted_by_steps(**parameters):
    settings = settings_of(PARAMETERS | parameters)
    return settings, lay_out(settings, learn(settings, read_inputs(settings, Arguments(OLD))))


def test_steps_are_what_the_estimator_does():
    """The map, new rows, the inverse transform and added rows have the bits of those of the estimator."""
    settings, fitted = fitted_by_steps()
    model = PrecomputedUMAP(**PARAMETERS).fit(OLD)
    np.testing.assert_array_equal(fitted.embedding, model.embedding_)
    assert (fitted.seed, fitted.epoch, fitted.n_epochs, fitted.run.layout) == (0, 20, 20, None)
    np.testing.assert_array_equal(place(settings, fitted, NEW), model.transform(NEW))
    places = fitted.embedding[:3]
    np.testing.assert_array_equal(find_features(settings, fitted, places), model.inverse_transform(places))
    before = fitted.embedding.copy()
    grown = grow(settings, fitted, Arguments(NEW), 5)
    np.testing.assert_array_equal(grown.embedding, model.update(NEW, epochs=5).embedding_)
    np.testing.assert_array_equal(fitted.embedding, before)


def test_a_seed_is_drawn_once_a_run():
    """A generator draws one seed for each run."""
    generator, counted = np.random.default_rng(5), np.random.default_rng(5)
    first, second = (fitted_by_steps(random_state=generator)[1] for _ in range(2))
    assert [first.seed, second.seed] == [counted.integers(2**31) for _ in range(2)]


def test_defaults_are_those_of_the_estimator():
    """Settings have the estimator's defaults and no checkpoint, which no step reads. Each parameter has constraints."""
    signature = inspect.signature(PrecomputedUMAP).parameters
    defaults = {name: parameter.default for name, parameter in signature.items() if name != "checkpoint"}
    assert defaults == ParameterValues()._asdict()
    assert CONSTRAINTS.keys() == signature.keys()


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"n_neighbours": 5}, "'n_neighbours' is no parameter; the nearest name is 'n_neighbors'"),
        ({"n_neighbors": 1}, "'n_neighbors' parameter of settings_of must be an int in the range"),
        ({"init": "spektral"}, "The nearest name is 'spectral'"),
        ({"min_dist": 3.0}, "min_dist=3.0 must be at most spread=1.0"),
        ({"output_metric": "torus", "dens_lambda": 2.0}, "dens_lambda=2.0 keeps density by Euclidean distances"),
    ],
)
def test_settings_are_checked(parameters, message):
    with pytest.raises(ValueError, match=message):
        settings_of(parameters)

"""Tests of the legend, which is inside the figure, and of the warning for numbers as classes."""

import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from umap_sk import EmbeddingDisplay, UMAPWarning

PLACES = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)


@pytest.mark.parametrize("count", [3, 40, 300, *(pytest.param(count, marks=pytest.mark.long) for count in (10, 61))])
@pytest.mark.parametrize("word", ["class ", "W of a name as long as MMMMMMM "])
@pytest.mark.parametrize("form", [(1, 1), (10, 1)])
def test_the_legend_lies_inside_of_the_figure_whatever_it_holds(count, word, form):
    labels = pd.Series([f"{word}{row % count}" for row in range(300)], name=f"{word}kind")
    title = "A title" if count == 40 else None
    display = EmbeddingDisplay.from_embedding(PLACES * form, labels=labels, title=title)
    for dpi in (150, 72):  # at which letters have other widths
        display.figure_.set_dpi(dpi)
        display.figure_.canvas.draw()
        (left, bottom), (right, top) = display.legend_.get_window_extent().get_points()
        assert 0 <= left < right <= display.figure_.bbox.x1 and 0 <= bottom < top <= display.figure_.bbox.y1
        assert left >= display.ax_.get_window_extent().x1
    assert max(display.ax_.get_window_extent().size) / 72 > 5.5  # inches of the map


def test_a_figure_of_the_callers_keeps_its_size():
    figure, axes = plt.subplots(figsize=(5, 4))
    EmbeddingDisplay.from_embedding(PLACES, labels=np.arange(300), ax=axes)
    assert figure.get_size_inches().tolist() == [5, 4] and figure.get_layout_engine() is None


@pytest.mark.parametrize("kind", [np.float64, np.float32, object, "Float64"])
def test_many_numbers_that_are_not_whole_are_hardly_classes(kind):
    numbers = pd.Series((np.arange(300) % 60 + 0.015625).tolist(), dtype=kind)
    message = r"labels contain 60 distinct numbers.* Pass them as values="
    with pytest.warns(UMAPWarning, match=message) as told:
        EmbeddingDisplay.from_embedding(PLACES, labels=numbers)
    assert told[0].filename == __file__
    with pytest.warns(UMAPWarning, match=message):
        EmbeddingDisplay.from_embedding(pd.DataFrame(PLACES, columns=["x", "y"]).assign(age=numbers), labels="age")


@pytest.mark.parametrize(
    "labels",
    [
        np.where(np.arange(300) < 9, np.nan, np.arange(300.0) % 60),
        np.arange(300) % 20 / 4,
        np.arange(300),
        (np.arange(300) % 60 / 4).astype(str),
        pd.Series(np.arange(300) % 60 / 4, dtype="category"),
    ],
)
def test_whole_few_or_categorical_numbers_are_classes_without_a_word(labels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert EmbeddingDisplay.from_embedding(PLACES, labels=labels).rows.classes

"""What the demos share: fit, place new rows, judge, draw, save."""

import contextlib
import time
from pathlib import Path
from typing import NamedTuple

import joblib
import matplotlib

matplotlib.use("Agg")  # writes files, needs no screen
import numpy as np
from matplotlib import pyplot as plt
from scipy.spatial import cKDTree

from benchmarks import judge
from umap_sk import EmbeddingDisplay, PrecomputedUMAP


class Rows(NamedTuple):
    """Rows of a data set with their 16 nearest neighbors among the rows that make the map, the row itself included."""

    features: np.ndarray
    labels: np.ndarray
    knn_indices: np.ndarray
    knn_dists: np.ndarray


@contextlib.contextmanager
def timed(name, note):
    """Print a line on a phase: its name when it begins, its seconds and a note when it ends."""
    print(f"{name:<10} ", end="", flush=True)
    clock = time.perf_counter()
    yield
    print(f"{time.perf_counter() - clock:8.3f} s  {note}")


def show(name, title, classes, fitted, new, folder=Path("demo")):
    """Make a map of `fitted`, place `new` on it, and say how long it took, how good it is and where it lies.

    Parameters
    ----------
    name, title : str
        Of the files, and above the picture.
    classes : list of str
        Names of the labels 0, 1, ...
    fitted, new : Rows
    folder : pathlib.Path

    Returns
    -------
    dict
        The quality figures.
    """
    folder.mkdir(exist_ok=True)
    arrays = {"knn_indices": fitted.knn_indices, "knn_dists": fitted.knn_dists}
    new_arrays = {"knn_indices": new.knn_indices, "knn_dists": new.knn_dists}
    model = PrecomputedUMAP(init="pca", random_state=0)
    with timed("warm-up", "a short run; it compiles what the first run on a machine has to compile"):
        PrecomputedUMAP(init="pca", n_epochs=20).fit(fitted.features, **arrays).transform(**new_arrays)
    embedding = model.fit_transform(fitted.features, **arrays)
    print(model.report_)
    with timed("transform", f"rows={len(new.labels):,}"):
        placed = model.transform(**new_arrays)
    with timed("judge", "the figures below"):
        figures = quality(fitted, embedding, new, placed)
    with timed("draw", "the picture"):
        footer = "      ".join(f"{label}: {figure:.3f}" for label, figure in figures.items())
        maps = (embedding, np.take(classes, fitted.labels)), (placed, np.take(classes, new.labels))
        draw(folder / f"{name}.png", title, footer, *maps)
    joblib.dump(model, folder / f"{name}.joblib")
    print("\nHow good the map is (1 is best):")
    for label, figure in figures.items():
        print(f"  {label:<26} {figure:.4f}")
    print(f"\nThe picture: {folder / name}.png\nThe model:   {folder / name}.joblib, read by joblib.load")
    return figures


def draw(path, title, footer, fitted, new):
    """Write the picture of a map, and of new rows on the same ground; both are positions and labels."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(15, 8.4), layout="compressed")
    for axes, (positions, labels), rows in ((left, fitted, "rows make the map"), (right, new, "new rows placed on it")):
        about = {"title": f"{len(positions):,} {rows}", "names": True, "legend": False}
        EmbeddingDisplay.from_embedding(positions, labels=labels, ax=axes, **about)
    right.set(xlim=left.get_xlim(), ylim=left.get_ylim())
    around = figure.suptitle(title, fontsize=18, fontweight="bold"), figure.supxlabel(footer, fontsize=12)
    figure.draw_without_rendering()  # arranges the panels, which stay so: the title begins where the left one does
    figure.set_layout_engine("none")
    for text in around:
        text.set(x=left.get_position().x0, horizontalalignment="left")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def quality(fitted, embedding, new, placed):
    """How well the map keeps neighbors and classes."""
    positions = np.asarray(embedding, np.float64)
    tree = cKDTree(positions)
    nearest = tree.query(placed, 5)[1]
    return {
        "trustworthiness": judge.trustworthiness(fitted.features, positions, tree),
        "15-NN recall": judge.neighbor_recall(fitted.knn_indices[:, 1:], positions, tree),
        "5-NN accuracy": judge.label_accuracy(fitted.labels, positions, tree),
        "5-NN accuracy of new rows": judge.vote_accuracy(fitted.labels, nearest, new.labels),
    }

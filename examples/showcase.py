"""What the demos share: fit, place new rows, judge, draw, save."""

import time
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
from scipy.spatial import cKDTree

from benchmarks import judge
from examples.picture import draw
from umap_sk import PrecomputedUMAP


class Rows(NamedTuple):
    """Rows of a data set with their nearest neighbors among the rows that make the map."""

    features: np.ndarray
    labels: np.ndarray
    knn_indices: np.ndarray
    knn_dists: np.ndarray


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
    model = PrecomputedUMAP(init="pca", random_state=0)
    embedding = model.fit_transform(fitted.features, knn_indices=fitted.knn_indices, knn_dists=fitted.knn_dists)
    print(f"\n{model.report_}\n")
    clock = time.perf_counter()
    placed = model.transform(knn_indices=new.knn_indices, knn_dists=new.knn_dists)
    print(f"Placed {len(placed):,} new rows in {time.perf_counter() - clock:.2f} s.")
    print("(A first run's seconds include compiling; run it again to see the speed.)\n")

    figures = quality(fitted, embedding, new, placed)
    for label, figure in figures.items():
        print(f"  {label:<45} {figure:.4f}")
    footer = "      ".join(f"{label}: {figure:.3f}" for label, figure in figures.items())
    draw(folder / f"{name}.png", title, footer, classes, (embedding, fitted.labels), (placed, new.labels))
    joblib.dump(model, folder / f"{name}.joblib")
    print(f"\nThe picture: {folder / name}.png\nThe model:   {folder / name}.joblib, read by joblib.load")
    return figures


def quality(fitted, embedding, new, placed):
    """How well the map keeps neighbors (among up to 2,000 rows' nearest 15) and classes."""
    positions = np.asarray(embedding, np.float64)
    tree = cKDTree(positions)
    nearest = tree.query(placed, 5)[1]
    return {
        "trustworthiness": judge.trustworthiness(fitted.features, positions, tree),
        "15-NN recall": judge.neighbor_recall(fitted.knn_indices, positions, tree),
        "5-NN accuracy": judge.label_accuracy(fitted.labels, positions, tree),
        "5-NN accuracy of new rows": judge.vote_accuracy(fitted.labels, nearest, new.labels),
    }

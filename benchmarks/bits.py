"""What the package computes, as checksums: ``python -m benchmarks.bits > before.txt``, and again after a rebuild.

A change that is meant to move nothing leaves every line as it was, on the same machine and with the same versions of
numpy, scipy, scikit-learn and numba. Only the public interface is used.
"""

import hashlib
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from benchmarks import datasets
from umap_sk import Checkpoint, Manifold, PrecomputedUMAP, knn_graph, metrics

FASHION_ROWS = 30_000  # enough for coarser levels and the field
NEW = 200  # rows of digits that are kept from the fit
SEARCHED = ("euclidean", "manhattan", "cosine", "correlation", "chebyshev", "hamming", "braycurtis", "hellinger")


def digest(*values: Any) -> str:
    """First half of the SHA-256 of arrays and numbers."""
    sums = hashlib.sha256()
    for value in values:
        array = np.ascontiguousarray(value)
        sums.update(f"{array.dtype} {array.shape}".encode())
        sums.update(array.tobytes())
    return sums.hexdigest()[:32]


def of_graph(manifold: Manifold) -> str:
    """Checksum of a manifold's graph."""
    graph = manifold.graph
    return digest(graph.indptr.astype(np.int64), graph.indices.astype(np.int64), graph.data)


def arrays_of(points: np.ndarray, k: int = 15) -> dict[str, np.ndarray]:
    """Neighbors as arguments of fit."""
    dists, indices = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points).kneighbors(points)
    return {"knn_indices": indices, "knn_dists": dists}


def layouts(points: np.ndarray, arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, Callable[[], str]]]:
    """Layouts of one set, by name."""
    start = np.random.default_rng(0).normal(size=(len(points), 2)).astype(np.float32)

    def laid_out(given: dict[str, Any] | None = None, **parameters: Any) -> Callable[[], str]:
        return lambda: digest(PrecomputedUMAP(random_state=0, **parameters).fit(**arrays, **(given or {})).embedding_)

    yield "arrays alone", laid_out()
    yield "features beside", laid_out({"X": points})
    for init in ("pivot_mds", "spectral", "random"):
        yield init, laid_out(init=init)
    yield "pca", laid_out({"X": points}, init="pca")
    yield "array", laid_out({"init": start})
    yield "array as it is", laid_out({"init": start}, rescale_init=False)
    for axes in (1, 3, 10):
        yield f"{axes} axes", laid_out(n_components=axes, init="random", n_epochs=40)
    yield "directed", laid_out(symmetrize=False)
    yield "one level", laid_out(multilevel=False, n_epochs=40)
    yield "curve", laid_out(min_dist=0.5, spread=2.0, n_epochs=100)
    yield "forces", laid_out(repulsion_strength=2.0, negative_sample_rate=8, learning_rate=0.5, n_epochs=100)
    apart = float(np.quantile(arrays["knn_dists"], 0.95))
    graph = {"local_connectivity": 1.5, "set_op_mix_ratio": 0.5, "disconnection_distance": apart}
    yield "graph", laid_out(n_neighbors=10, n_epochs=50, **graph)


def cuts(arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, Callable[[], str]]]:
    """Layouts that are cut, stored or gone on with."""
    settings = {"random_state": 0, "n_epochs": 100}

    def stepped() -> str:
        model = PrecomputedUMAP(**settings)
        maps = [model.partial_fit(**arrays, epochs=7).embedding_]
        while model.epoch_ < model.n_epochs_:
            maps.append(model.partial_fit(epochs=31).embedding_)
        return digest(*maps)

    def stored() -> str:
        model = PrecomputedUMAP(**settings).partial_fit(**arrays, epochs=40)
        with tempfile.TemporaryDirectory() as folder:
            joblib.dump(model, f"{folder}/model")
            return digest(joblib.load(f"{folder}/model").partial_fit(epochs=1000).embedding_)

    def resumed() -> str:
        with tempfile.TemporaryDirectory() as folder:
            kept = Checkpoint(Path(folder) / "run", every_epochs=10)
            PrecomputedUMAP(**settings, checkpoint=kept).partial_fit(**arrays, epochs=55)
            return digest(PrecomputedUMAP(**settings, checkpoint=kept).fit(**arrays).embedding_)

    yield "steps", stepped
    yield "stored", stored
    yield "resumed", resumed


def graphs(points: np.ndarray, arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, Callable[[], str]]]:
    """Manifolds in memory and in files."""

    def learned(**given: Any) -> str:
        manifold = PrecomputedUMAP().learn_manifold(**given)
        found = of_graph(manifold)
        with tempfile.TemporaryDirectory() as folder:
            manifold.save(f"{folder}/saved")
            in_files = PrecomputedUMAP().learn_manifold(**given, directory=f"{folder}/learned")
            assert found == of_graph(in_files) == of_graph(Manifold.load(f"{folder}/saved"))
            model = PrecomputedUMAP(random_state=0, n_epochs=20).fit(manifold=in_files)
            return digest(np.frombuffer(found.encode(), np.uint8), model.embedding_)

    yield "manifold of arrays", lambda: learned(**arrays)
    yield "manifold of a graph", lambda: learned(X=knn_graph(arrays["knn_indices"], arrays["knn_dists"]))
    for metric in SEARCHED:

        def of_metric(metric: str = metric) -> str:
            model = PrecomputedUMAP(metric=metric, random_state=0, n_epochs=20).fit(points)
            return digest(model.graph_.data, model.graph_.indices.astype(np.int64), model.embedding_)

        yield f"metric {metric}", of_metric


def new_rows(points: np.ndarray) -> Iterator[tuple[str, Callable[[], str]]]:
    """Transforms and scores."""
    old, new = points[:-NEW], points[-NEW:]
    arrays = arrays_of(old)
    dists, indices = NearestNeighbors(n_neighbors=20).fit(old).kneighbors(new)
    given = {"knn_indices": indices, "knn_dists": dists}

    def model(**parameters: Any) -> PrecomputedUMAP:
        return PrecomputedUMAP(random_state=0, n_epochs=60, **parameters)

    def of_graphs() -> str:
        fitted = model().fit(knn_graph(arrays["knn_indices"], arrays["knn_dists"]))
        return digest(fitted.transform(knn_graph(indices, dists, n_columns=len(old))))

    def scored() -> str:
        fitted = model().fit(old, **arrays)
        return digest(fitted.score(**arrays), fitted.score(new, **given))

    def judged() -> str:
        fitted = model().fit(old, **arrays)
        graph = knn_graph(arrays["knn_indices"], arrays["knn_dists"])
        values = [
            metrics.neighbor_recall(graph, fitted.embedding_),
            metrics.trustworthiness(graph, fitted.embedding_),
            metrics.triplet_accuracy(old, fitted.embedding_),
            metrics.distance_correlation(old, fitted.embedding_),
            metrics.sampled_loss(fitted.graph_, fitted.embedding_, a=fitted.a_, b=fitted.b_),
        ]
        return digest(*values)

    yield "transform of arrays", lambda: digest(model().fit(**arrays).transform(**given))
    yield "transform of a graph", of_graphs
    yield "transform of features", lambda: digest(model(metric="euclidean").fit(old).transform(new))
    yield "scores", scored
    yield "metrics", judged


def main() -> None:
    """Print one line a run."""
    warnings.simplefilter("ignore")
    digits = load_digits().data
    fashion = datasets.in_memory(datasets.load("fashion", FASHION_ROWS))
    images = np.asarray(fashion.features, np.float32)
    sets = {"digits": (digits, arrays_of(digits)), "fashion": (images, arrays_of(images))}
    for name, (points, arrays) in sets.items():
        runs = [*layouts(points, arrays), *cuts(arrays)]
        if name == "digits":
            runs += [*graphs(points, arrays), *new_rows(points)]
        for what, run in runs:
            print(f"{name:8} {what:24} {run()}", flush=True)


if __name__ == "__main__":
    main()

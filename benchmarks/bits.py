"""Checksums of the package's results: ``python -m benchmarks.bits > before.txt``, and again after a change.

If a change must not affect the bits, all lines stay the same, on the same machine and with the same versions of
numpy, scipy, scikit-learn and numba. The program uses only the public interface.
"""

import hashlib
import tempfile
import warnings
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from benchmarks import datasets
from umap_sk import Checkpoint, Manifold, PrecomputedUMAP, knn_graph, metrics

FASHION_ROWS = 30_000  # enough for coarser levels and the field
NEW = 200  # rows of digits that are kept from the fit
SEARCHED = ("euclidean", "manhattan", "cosine", "correlation", "chebyshev", "hamming", "braycurtis", "hellinger")


def digest(*values):
    """Return the first half of the SHA-256 of arrays and numbers."""
    sums = hashlib.sha256()
    for value in values:
        array = np.ascontiguousarray(value)
        sums.update(f"{array.dtype} {array.shape}".encode())
        sums.update(array.tobytes())
    return sums.hexdigest()[:32]


def digest_of_graph(manifold):
    """Return the checksum of a manifold's graph."""
    graph = manifold.graph
    return digest(graph.indptr.astype(np.int64), graph.indices.astype(np.int64), graph.data)


def arrays_of(points, k=15):
    """Return neighbors as arguments of fit."""
    dists, indices = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points).kneighbors(points)
    return {"knn_indices": indices, "knn_dists": dists}


def layouts(points, arrays):
    """Yield layouts of one set, by name."""
    start = np.random.default_rng(0).normal(size=(len(points), 2)).astype(np.float32)

    def lay_out(given=None, **parameters):
        return lambda: digest(PrecomputedUMAP(random_state=0, **parameters).fit(**arrays, **(given or {})).embedding_)

    yield "arrays alone", lay_out()
    yield "features beside", lay_out({"X": points})
    for init in ("pivot_mds", "spectral", "random"):
        yield init, lay_out(init=init)
    yield "pca", lay_out({"X": points}, init="pca")
    yield "array", lay_out({"init": start})
    yield "array as it is", lay_out({"init": start}, rescale_init=False)
    for axes in (1, 3, 10):
        yield f"{axes} axes", lay_out(n_components=axes, init="random", n_epochs=40)
    yield "directed", lay_out(symmetrize=False)
    yield "one level", lay_out(multilevel=False, n_epochs=40)
    yield "curve", lay_out(min_dist=0.5, spread=2.0, n_epochs=100)
    yield "forces", lay_out(repulsion_strength=2.0, negative_sample_rate=8, learning_rate=0.5, n_epochs=100)
    apart = float(np.quantile(arrays["knn_dists"], 0.95))
    graph = {"local_connectivity": 1.5, "set_op_mix_ratio": 0.5, "disconnection_distance": apart}
    yield "graph", lay_out(n_neighbors=10, n_epochs=50, **graph)


def interruptions(arrays):
    """Yield layouts that are stepped, stored or resumed, by name."""
    settings = {"random_state": 0, "n_epochs": 100}

    def step():
        model = PrecomputedUMAP(**settings)
        maps = [model.partial_fit(**arrays, epochs=7).embedding_]
        while model.epoch_ < model.n_epochs_:
            maps.append(model.partial_fit(epochs=31).embedding_)
        return digest(*maps)

    def store():
        model = PrecomputedUMAP(**settings).partial_fit(**arrays, epochs=40)
        with tempfile.TemporaryDirectory() as folder:
            joblib.dump(model, f"{folder}/model")
            return digest(joblib.load(f"{folder}/model").partial_fit(epochs=1000).embedding_)

    def resume():
        with tempfile.TemporaryDirectory() as folder:
            kept = Checkpoint(Path(folder) / "run", every_epochs=10)
            PrecomputedUMAP(**settings, checkpoint=kept).partial_fit(**arrays, epochs=55)
            return digest(PrecomputedUMAP(**settings, checkpoint=kept).fit(**arrays).embedding_)

    yield "steps", step
    yield "stored", store
    yield "resumed", resume


def graphs(points, arrays):
    """Yield manifolds in memory and in files, by name."""

    def learn(**given):
        manifold = PrecomputedUMAP().learn_manifold(**given)
        found = digest_of_graph(manifold)
        with tempfile.TemporaryDirectory() as folder:
            manifold.save(f"{folder}/saved")
            in_files = PrecomputedUMAP().learn_manifold(**given, directory=f"{folder}/learned")
            assert found == digest_of_graph(in_files) == digest_of_graph(Manifold.load(f"{folder}/saved"))
            model = PrecomputedUMAP(random_state=0, n_epochs=20).fit(manifold=in_files)
            return digest(np.frombuffer(found.encode(), np.uint8), model.embedding_)

    def search(metric):
        def run():
            model = PrecomputedUMAP(metric=metric, random_state=0, n_epochs=20).fit(points)
            return digest(model.graph_.data, model.graph_.indices.astype(np.int64), model.embedding_)

        return run

    yield "manifold of arrays", lambda: learn(**arrays)
    yield "manifold of a graph", lambda: learn(X=knn_graph(arrays["knn_indices"], arrays["knn_dists"]))
    for metric in SEARCHED:
        yield f"metric {metric}", search(metric)


def new_rows(points):
    """Yield transforms, scores and metrics, by name."""
    old, new = points[:-NEW], points[-NEW:]
    arrays = arrays_of(old)
    graph = knn_graph(arrays["knn_indices"], arrays["knn_dists"])
    dists, indices = NearestNeighbors(n_neighbors=20).fit(old).kneighbors(new)
    given = {"knn_indices": indices, "knn_dists": dists}

    def fit(*features, **parameters):
        return PrecomputedUMAP(random_state=0, n_epochs=60, **parameters).fit(*features)

    def fit_arrays(*features):
        return PrecomputedUMAP(random_state=0, n_epochs=60).fit(*features, **arrays)

    def judge():
        fitted = fit_arrays(old)
        return digest(
            metrics.neighbor_recall(graph, fitted.embedding_),
            metrics.trustworthiness(graph, fitted.embedding_, k=7),
            metrics.triplet_accuracy(old, fitted.embedding_),
            metrics.distance_correlation(old, fitted.embedding_),
            metrics.sampled_loss(fitted.graph_, fitted.embedding_, a=fitted.a_, b=fitted.b_),
        )

    def score():
        fitted = fit_arrays(old)
        return digest(fitted.score(**arrays), fitted.score(new, **given))

    yield "transform of arrays", lambda: digest(fit_arrays().transform(**given))
    yield "transform of a graph", lambda: digest(fit(graph).transform(knn_graph(indices, dists, n_columns=len(old))))
    yield "transform of features", lambda: digest(fit(old, metric="euclidean").transform(new))
    yield "scores", score
    yield "metrics", judge


def main():
    """Print one line a run."""
    warnings.simplefilter("ignore")
    digits = load_digits().data
    images = np.array(datasets.load("fashion", FASHION_ROWS).features, np.float32)
    for name, points in (("digits", digits), ("fashion", images)):
        arrays = arrays_of(points)
        runs = [*layouts(points, arrays), *interruptions(arrays)]
        if name == "digits":
            runs += [*graphs(points, arrays), *new_rows(points)]
        for what, run in runs:
            print(f"{name:8} {what:24} {run()}", flush=True)


if __name__ == "__main__":
    main()

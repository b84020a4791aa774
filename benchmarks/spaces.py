"""Maps in other spaces beside umap-learn's: expected loss by the output metric, and seconds of the layout.

``python -m benchmarks.spaces`` runs every metric on digits and two of them on 10,000 rows of Fashion-MNIST;
``--set digits --metrics haversine,torus`` some of them. Both lay out graphs of the same neighbors with principal
components as the start and their default number of epochs, in one process, interleaved, after a warm-up. umap-learn
compiles its loop in every call; the seconds of a call with one epoch are subtracted from it, start and compilation
together, so that its loop alone is held against our start and epochs. Bars: the loss not above umap-learn's, a fifth of
the time.
"""

import math
import statistics
import time

import numba
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from benchmarks import command, datasets, machine, peers
from umap_sk import PrecomputedUMAP, metrics

METRICS = "haversine,hyperboloid,torus,manhattan,chebyshev,minkowski,cosine,correlation"
LARGE = "haversine,manhattan"  # on Fashion-MNIST, where one run of umap-learn takes a minute
ROWS = 10_000
AXES = {"cosine": 3, "correlation": 3}
FASTER = 5.0  # times


@numba.njit(fastmath=True)
def torus(x, y, period=(2 * math.pi, 2 * math.pi)):
    """The torus of umap-learn's documentation."""
    total, slope = 0.0, np.zeros_like(x)
    for i in range(x.shape[0]):
        size = abs(x[i] - y[i])
        if 2 * size < period[i]:
            total += size**2
            slope[i] = x[i] - y[i]
        else:
            total += (period[i] - size) ** 2
            slope[i] = (x[i] - y[i]) * (size - period[i]) / size
    distance = np.sqrt(total)
    return distance, slope / (1e-6 + distance)


def load(name):
    """Features and neighbors of a set: float32 (n, d), (n, 15), (n, 15)."""
    if name == "digits":
        features = load_digits().data.astype(np.float32)
    else:
        features = np.asarray(datasets.in_memory(datasets.load("fashion", 30_000)).features, np.float32)[:ROWS]
    distances, indices = NearestNeighbors(n_neighbors=15, algorithm="brute").fit(features).kneighbors(features)
    return features, indices, distances.astype(np.float32)


class UmapLearn:
    """umap-learn's layout of its own graph."""

    def __init__(self, features, indices, distances):
        from umap.umap_ import fuzzy_simplicial_set

        self.features = features
        self.graph = fuzzy_simplicial_set(
            features, 15, np.random.RandomState(0), "euclidean", knn_indices=indices, knn_dists=distances
        )[0]

    def run(self, metric, seed, n_epochs=None):
        """Embedding and seconds."""
        from umap.distances import named_distances_with_gradients
        from umap.umap_ import simplicial_set_embedding

        function = torus if metric == "torus" else named_distances_with_gradients[metric]
        a, b = peers.curve_of(peers.Task())
        clock = time.perf_counter()
        embedding, _ = simplicial_set_embedding(
            self.features, self.graph.tocoo(copy=True), AXES.get(metric, 2), 1.0, a, b, 1.0, 5, n_epochs, "pca",
            np.random.RandomState(seed), "euclidean", {}, False, {}, False,
            output_metric=function, output_metric_kwds={}, euclidean_output=False,
        )  # fmt: skip
        return embedding, time.perf_counter() - clock


class Ours:
    """This package's layout of the same neighbors."""

    def __init__(self, features, indices, distances):
        self.features = features
        self.manifold = PrecomputedUMAP().learn_manifold(knn_indices=indices, knn_dists=distances)

    def run(self, metric, seed, n_epochs=None):
        """Embedding and seconds."""
        settings = {"random_state": seed, "n_epochs": n_epochs, "n_components": AXES.get(metric, 2)}
        model = PrecomputedUMAP(output_metric=metric, init="pca", **settings)
        clock = time.perf_counter()
        model.fit(self.features, manifold=self.manifold)
        return model.embedding_, time.perf_counter() - clock


def compare(name, wanted, seeds):
    """One line a metric: losses, seconds, and their ratio."""
    data = load(name)
    ours, theirs = Ours(*data), UmapLearn(*data)
    a, b = peers.curve_of(peers.Task())
    lines = []
    for metric in wanted:
        ours.run(metric, 0, 2)
        once = theirs.run(metric, 0, 1)[1]
        found = {"ours": [], "umap-learn": []}
        for seed in range(seeds):
            for peer, less, runs in ((ours, 0.0, found["ours"]), (theirs, once, found["umap-learn"])):
                embedding, seconds = peer.run(metric, seed)
                loss = metrics.sampled_loss(ours.manifold, embedding, a=a, b=b, output_metric=metric)
                runs.append((loss, max(seconds - less, 1e-3), seconds))
        medians = {
            peer: [statistics.median(values) for values in zip(*runs, strict=True)] for peer, runs in found.items()
        }
        (loss, seconds, _), (other, net, whole) = medians["ours"], medians["umap-learn"]
        lines.append((name, metric, loss, other, seconds, net, whole, net / seconds))
        print(*(f"{value:.3f}" if isinstance(value, float) else value for value in lines[-1]), flush=True)
    return lines


def missed(lines):
    """The bars that are missed, in words."""
    words = []
    for name, metric, loss, other, _, _, _, faster in lines:
        if loss > other:
            words.append(f"{metric} on {name}: loss {loss:.4f}, bar {other:.4f}")
        if faster < FASTER:
            words.append(f"{metric} on {name}: {faster:.1f} times as fast, bar {FASTER:.0f}")
    return words


def main(arguments=None):
    """Measure and print medians."""
    parser = command.parser("spaces", __doc__)
    parser.add_argument("--set", default="digits,fashion", help="of digits, fashion; comma-separated")
    parser.add_argument("--metrics", help=f"of {METRICS}; on fashion {LARGE} by default")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each; the first counts from 0")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    numba.set_num_threads(options.threads)
    lines = []
    for name in options.set.split(","):
        wanted = (options.metrics or (METRICS if name == "digits" else LARGE)).split(",")
        lines += compare(name, wanted, options.seeds)
    header = [
        "set",
        "metric",
        "loss",
        "umap-learn's",
        "seconds",
        "umap-learn's loop",
        "its whole call",
        "times as fast",
    ]
    rows = [[*line[:2], *(f"{value:.3f}" for value in line[2:])] for line in lines]
    print("\n" + machine.markdown(header, rows))
    print("\nbars missed:", "; ".join(missed(lines)) or "none")


if __name__ == "__main__":
    main()

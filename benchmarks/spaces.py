"""Maps in other spaces, compared with umap-learn: expected loss by the output metric, and seconds of the layout.

``python -m benchmarks.spaces`` runs every metric on digits and two of them on 10,000 rows of Fashion-MNIST. Both
packages lay out graphs of the same neighbors from principal components with their default number of epochs, in turns.
umap-learn compiles its loop in every call, so the seconds of a call with one epoch are subtracted. Bars: the loss is at
most umap-learn's, and the time is at most a fifth.
"""

import math

import numba
import numpy as np

from benchmarks import command, datasets, peers
from umap_sk import PrecomputedUMAP, metrics

METRICS = "haversine,hyperboloid,torus,manhattan,chebyshev,minkowski,cosine,correlation"
LARGE = "haversine,manhattan"  # on Fashion-MNIST, where one run of umap-learn takes a minute
AXES = {"cosine": 3, "correlation": 3}
FASTER = 5.0  # times


@numba.njit(fastmath=True)
def torus(x, y, period=(2 * math.pi, 2 * math.pi)):
    """Return distance and gradient on the torus, as in umap-learn's documentation."""
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


def programs_of(dataset, metric, threads):
    """Return both programs, after a warm-up."""
    from umap.distances import named_distances_with_gradients

    features, axes = np.asarray(dataset.features), AXES.get(metric, 2)
    manifold, graph = PrecomputedUMAP().learn_manifold(**dataset.arrays), peers.reference_graph(dataset).tocoo()
    function = torus if metric == "torus" else named_distances_with_gradients[metric]
    output = {"output_metric": function, "output_metric_kwds": {}, "euclidean_output": False}

    def ours(seed, n_epochs=None):
        settings = {"random_state": seed, "n_epochs": n_epochs, "n_components": axes, "n_jobs": threads}
        return PrecomputedUMAP(output_metric=metric, init="pca", **settings).fit(features, manifold=manifold).embedding_

    def umap_learn(seed, n_epochs=None):
        task = peers.Task(seed=seed, n_epochs=n_epochs, threads=threads, n_components=axes)
        return peers.umap_learn_layout(features, graph.copy(), task, "pca", False, **output)

    def program(lay_out, compiling):
        def run(seed):
            embedding, times = command.timed(lay_out, seed)
            a, b = peers.curve_of(peers.Task())
            loss = metrics.sampled_loss(manifold, embedding, a=a, b=b, output_metric=metric)
            return {"loss": loss, "seconds": max(times["seconds"] - compiling, 1e-3), "whole call": times["seconds"]}

        return run

    ours(0, 2)  # compiles
    once = command.timed(umap_learn, 0, 1)[1]["seconds"]
    return {"ours": program(ours, 0.0), "umap-learn": program(umap_learn, once)}


def main(arguments=None):
    """Measure, and print medians and the missed bars."""
    parser = command.parser("spaces", __doc__, sets="digits,fashion:10000", rounds=1)
    parser.add_argument("--metrics", help=f"of {METRICS}; on fashion {LARGE} by default")
    options = parser.parse_args(arguments)
    lines, missed = {}, []
    for name, n in datasets.chosen(options.set):
        dataset = datasets.in_memory(datasets.load(name, n))
        for metric in (options.metrics or (METRICS if name == "digits" else LARGE)).split(","):
            runs = command.take_turns(programs_of(dataset, metric, options.threads), options.rounds)
            ours, theirs = (command.medians(of_program) for of_program in runs.values())
            faster, row = theirs["seconds"] / ours["seconds"], f"{metric} on {name}"
            lines[row] = {"loss": ours["loss"], "umap-learn's": theirs["loss"], "seconds": ours["seconds"]}
            lines[row] |= {"umap-learn's loop": theirs["seconds"], "its call": theirs["whole call"], "times": faster}
            if ours["loss"] > theirs["loss"]:
                missed.append(f"{row}: loss {ours['loss']:.4f}, bar {theirs['loss']:.4f}")
            if faster < FASTER:
                missed.append(f"{row}: {faster:.1f} times as fast, bar {FASTER:.0f}")
    print("\n" + command.markdown(lines, "metric"))
    command.conclude(options, {"results": lines}, missed)


if __name__ == "__main__":
    main()

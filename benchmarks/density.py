"""How well maps keep density, beside umap-learn's densMAP, with the same neighbors and the same parameters.

``python -m benchmarks.density --sets digits,trajectories:50000,fashion``

Figures are the correlation of the log radii in the data and in the map, both as umap-learn defines them (and the same
function for all maps), trustworthiness, and seconds of the layout. Bars: the correlation at least umap-learn's + .02,
trustworthiness at most .002 below its densMAP's, seconds at most twice those of the map without density.
``--rounds`` repeats it, interleaved, with other seeds, and medians are told; ``--save FOLDER`` keeps umap-learn's maps,
and takes them from there, since they take most of the time.
"""

import statistics
import time
import warnings
from pathlib import Path

import numba
import numpy as np
from scipy.spatial import cKDTree

from benchmarks import command, datasets
from benchmarks.judge import trustworthiness

WEIGHT = 2.0
BARS = "correlation at least umap-learn's + .02, trust at most .002 below, seconds at most twice those without"


def umap_learn(dataset, seed):
    """umap-learn's densMAP, in parallel: positions, and its seconds with the graph's."""
    from umap import UMAP

    knn = dataset.knn_indices.astype(np.int64), dataset.knn_dists
    model = UMAP(densmap=True, dens_lambda=WEIGHT, precomputed_knn=knn, init=dataset.start, n_neighbors=knn[0].shape[1])
    np.random.seed(seed)
    clock = time.perf_counter()
    return model.fit_transform(dataset.features), time.perf_counter() - clock


def ours(dataset, seed, weight):
    """This package's map: the model, and the seconds of its layout."""
    from umap_sk import PrecomputedUMAP

    settings = {"random_state": seed, "n_neighbors": dataset.knn_indices.shape[1], "dens_lambda": weight}
    arrays = {"knn_indices": dataset.knn_indices, "knn_dists": dataset.knn_dists, "init": dataset.start}
    model = PrecomputedUMAP(**settings).fit(**arrays)
    return model, model.report_.seconds("layout")


def figures(dataset, embedding, seconds, radii):
    """Correlation, trustworthiness and seconds of a map."""
    from umap_sk.graph.radii import compute_map_radii

    positions = np.ascontiguousarray(embedding, np.float64)
    mapped = compute_map_radii(np.asarray(embedding, np.float32), dataset.knn_indices.shape[1])
    trust = trustworthiness(dataset.features, positions, cKDTree(positions))
    return float(np.corrcoef(radii, mapped)[0, 1]), trust, seconds


def of_peer(dataset, seed, folder):
    """umap-learn's map, from the folder if it is there."""
    file = None if folder is None else Path(folder) / f"{dataset.name}-{dataset.n_rows}-{seed}.npz"
    if file is not None and file.exists():
        kept = np.load(file)
        return kept["embedding"], float(kept["seconds"])
    embedding, seconds = umap_learn(dataset, seed)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, embedding=embedding, seconds=seconds)
    return embedding, seconds


def compared(dataset, rounds, folder):
    """Medians of the figures by program: "umap-learn", "with" and "without" density."""
    found = {"umap-learn": [], "without": [], "with": []}
    ours(dataset, 0, WEIGHT)  # compiles
    for seed in range(rounds):
        model, seconds = ours(dataset, seed, WEIGHT)
        radii = model.rad_orig_
        found["with"].append(figures(dataset, model.embedding_, seconds, radii))
        plain, seconds = ours(dataset, seed, 0.0)
        found["without"].append(figures(dataset, plain.embedding_, seconds, radii))
        found["umap-learn"].append(figures(dataset, *of_peer(dataset, seed, folder), radii))
    return {name: tuple(map(statistics.median, zip(*runs, strict=True))) for name, runs in found.items()}


def missed(medians):
    """What is not cleared, in words."""
    (peer, peer_trust, _), (_, _, usual), (own, trust, seconds) = medians.values()
    bars = {"correlation": own >= peer + 0.02, "trust": trust >= peer_trust - 0.002, "seconds": seconds <= 2 * usual}
    return [name for name, cleared in bars.items() if not cleared]


def main(arguments=None):
    """Print a table a set, and the bars that are missed."""
    parser = command.parser("density", __doc__)
    parser.add_argument("--sets", default="digits,trajectories:50000,fashion")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    numba.set_num_threads(options.threads)
    small = datasets.in_memory(datasets.load("digits"))
    for weight in (0.0, WEIGHT):
        ours(small, 0, weight)  # compiles
    print(f"{'set':<16}{'map':<12}{'correlation':>12}{'trust':>8}{'seconds':>9}   bars: {BARS}")
    for name, n in datasets.chosen(options.sets):
        medians = compared(datasets.in_memory(datasets.load(name, n)), options.rounds, options.save)
        for program, (correlation, trust, seconds) in medians.items():
            print(f"{name:<16}{program:<12}{correlation:>12.4f}{trust:>8.4f}{seconds:>9.2f}")
        print(f"{name:<16}missed: {', '.join(missed(medians)) or 'none'}", flush=True)


if __name__ == "__main__":
    main()

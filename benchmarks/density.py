"""Density in maps, compared with umap-learn's densMAP, from the same neighbors and parameters.

``python -m benchmarks.density --set digits,trajectories:50000,fashion``

The figures are the correlation of the log radii in the data and in the map, as umap-learn defines them,
trustworthiness, and the seconds of the layout. Bars: the correlation is at least umap-learn's on digits, and .02 above
it on other sets. Trustworthiness is at most .002 below. The layout takes at most twice as long as without density.
"""

import warnings

import numba
import numpy as np
from scipy.spatial import cKDTree

from benchmarks import command, datasets
from benchmarks.judge import trustworthiness

SETS = "digits,trajectories:50000,fashion"
WEIGHT = 2.0


def ours(dataset, seed, weight):
    """Return this package's model, and the seconds of its layout."""
    from umap_sk import PrecomputedUMAP

    k = dataset.knn_indices.shape[1]
    model = PrecomputedUMAP(k, random_state=seed, dens_lambda=weight).fit(**dataset.arrays, init=dataset.start)
    return model, model.report_.seconds("layout")


def umap_learn(dataset, seed):
    """Return umap-learn's parallel densMAP, and the seconds of its graph and layout."""
    from umap import UMAP

    knn = dataset.knn_indices.astype(np.int64), dataset.knn_dists
    model = UMAP(densmap=True, dens_lambda=WEIGHT, precomputed_knn=knn, init=dataset.start, n_neighbors=knn[0].shape[1])
    np.random.seed(seed)
    embedding, times = command.timed(model.fit_transform, dataset.features)
    return embedding, times["seconds"]


def programs_of(dataset):
    """Return the programs of a set: maps with density, without it, and umap-learn's."""
    from umap_sk.graph.radii import compute_map_radii

    radii = ours(dataset, 0, WEIGHT)[0].rad_orig_

    def figures(embedding, seconds):
        positions = np.ascontiguousarray(embedding, np.float64)
        mapped = compute_map_radii(np.asarray(embedding, np.float32), dataset.knn_indices.shape[1])
        trust = trustworthiness(dataset.features, positions, cKDTree(positions))
        return {"correlation": float(np.corrcoef(radii, mapped)[0, 1]), "trust": trust, "seconds": seconds}

    def of_ours(weight):
        def run(seed):
            model, seconds = ours(dataset, seed, weight)
            return figures(model.embedding_, seconds)

        return run

    return {
        "with": of_ours(WEIGHT),
        "without": of_ours(0.0),
        "umap-learn": lambda seed: figures(*umap_learn(dataset, seed)),
    }


def missed(name, found):
    """Return the missed bars of a set, in words."""
    own, usual, other = found["with"], found["without"], found["umap-learn"]
    bars = {
        "correlation": own["correlation"] >= other["correlation"] + (0.02 if name != "digits" else 0.0),
        "trust": own["trust"] >= other["trust"] - 0.002,
        "seconds": own["seconds"] <= 2 * usual["seconds"],
    }
    return [f"{name}: {figure}" for figure, cleared in bars.items() if not cleared]


def main(arguments=None):
    """Measure, and print a table and the missed bars."""
    options = command.parser("density", __doc__, sets=SETS, rounds=1).parse_args(arguments)
    warnings.simplefilter("ignore")
    numba.set_num_threads(options.threads)
    for weight in (0.0, WEIGHT):
        ours(datasets.load("digits"), 0, weight)  # compiles
    results, words = {}, []
    for name, n in datasets.chosen(options.set):
        runs = command.take_turns(programs_of(datasets.in_memory(datasets.load(name, n))), options.rounds)
        found = {program: command.medians(of_program) for program, of_program in runs.items()}
        results |= {f"{name}, {program}": line for program, line in found.items()}
        words += missed(name, found)
    print("\n" + command.markdown(results, "map"))
    command.conclude(options, {"results": results}, words)


if __name__ == "__main__":
    main()

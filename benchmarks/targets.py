"""Equal numbers as targets, such as labels given as numbers, compared with umap-learn.

``python -m benchmarks.targets`` prints trustworthiness, R2 of the target from the 10 nearest rows in the map, and the
correlation of the positions of equal values with row numbers. It is the largest rank correlation of a principal axis,
as a mean over the values. Bars: a correlation of at most .5, and an R2 of at most .005 below umap-learn's.
"""

import warnings

import numba
import numpy as np
from scipy.stats import spearmanr
from sklearn.datasets import load_diabetes, load_digits, make_blobs
from sklearn.manifold import trustworthiness
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor

from benchmarks import command
from umap_sk import PrecomputedUMAP, UMAPWarning

MARGIN = 0.005


def tied_cases():
    """Yield name, features, targets with ties, weight and settings."""
    blobs, kinds = make_blobs(150, cluster_std=0.5, random_state=42)
    digits, labels = load_digits(return_X_y=True)
    people, progression = load_diabetes(return_X_y=True)
    yield "blobs, label", blobs, kinds, 0.8, {"n_neighbors": 10, "min_dist": 0.01, "n_epochs": 200}
    yield "digits, label", digits, labels, 0.5, {}
    yield "digits, label, weight .8", digits, labels, 0.8, {}
    yield "digits, sum of the ink", digits, digits.sum(axis=1), 0.5, {}
    yield "digits, random of 10", digits, np.random.default_rng(0).integers(0, 10, len(digits)), 0.5, {}
    yield "diabetes, progression / 25", people, np.round(progression / 25), 0.5, {}


def follows_rows(embedding, values):
    """Return the mean over values of the largest rank correlation between row numbers and a principal axis."""
    kinds, counts = np.unique(values, return_counts=True)
    found = []
    for kind in kinds[counts >= 20]:
        places = embedding[values == kind]
        axes = np.linalg.svd(places - places.mean(axis=0), full_matrices=False)[2]
        found.append(max(abs(spearmanr(places @ axis, np.arange(len(places)))[0]) for axis in axes))
    return float(np.mean(found))


def compare_ties(threads):
    """Return figures by case and program."""
    import umap

    folds, lines = KFold(5, shuffle=True, random_state=0), {}
    for name, features, values, weight, settings in tied_cases():
        shared = {"target_metric": "l1", "target_weight": weight, "random_state": 0, **settings}
        ours = PrecomputedUMAP(metric="euclidean", n_jobs=threads, **shared)
        for program, model in (("ours", ours), ("umap-learn", umap.UMAP(**shared, n_jobs=1))):
            embedding = model.fit_transform(features, values)
            predicted = cross_val_predict(KNeighborsRegressor(10), embedding, values, cv=folds)
            line = {"follows rows": follows_rows(embedding, values)}
            line["trust"] = float(trustworthiness(features, embedding, n_neighbors=15))
            lines[f"{name}, {program}"] = line | {"R2": float(r2_score(values, predicted))}
    return lines


def missed_by_ties(lines):
    """Return the missed bars, in words."""
    mine = {name: line for name, line in lines.items() if name.endswith(", ours")}
    return [
        name
        for name, line in mine.items()
        if line["follows rows"] > 0.5 or line["R2"] < lines[name.replace("ours", "umap-learn")]["R2"] - MARGIN
    ]


def main(arguments=None):
    """Compare and print."""
    options = command.parser("targets", __doc__).parse_args(arguments)
    numba.set_num_threads(options.threads)
    warnings.simplefilter("ignore", UMAPWarning)
    lines = compare_ties(options.threads)
    print(command.markdown(lines, "case"))
    command.conclude(options, {"ties": lines}, missed_by_ties(lines))


if __name__ == "__main__":
    main()

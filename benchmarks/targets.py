"""Targets and set operations, compared with those of umap-learn.

``python -m benchmarks.targets --set digits,fashion:10000`` prints the largest difference of any weight, if umap-learn's
operation gets the graphs of this package. Labels are complete, or a third of them is unknown. Numbers are the first
principal component, or the first two. Set operations combine the two halves of the columns. Bar: 1e-5.

``--ties`` tests equal numbers as targets, such as labels given as numbers. The figures are trustworthiness, R2 of
the target from the 10 nearest rows in the map, and the correlation of the positions of equal values with row numbers.
It is the largest rank correlation of a principal axis, as a mean over the values. Bars: a correlation of at most .5,
and an R2 of at most .005 below umap-learn's.
"""

import warnings

import numba
import numpy as np
import scipy.sparse
from scipy.stats import spearmanr
from sklearn.datasets import load_diabetes, load_digits, make_blobs
from sklearn.manifold import trustworthiness
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor

from benchmarks import command, datasets
from umap_sk import PrecomputedUMAP, UMAPWarning, nearest_neighbors

WEIGHTS = (0.2, 0.5, 0.9)
BAR, MARGIN = 1e-5, 0.005


def matrix(manifold):
    """Return a copy of a manifold's graph for umap-learn, which changes its input."""
    return scipy.sparse.csr_matrix(manifold.graph, copy=True)


def learned(indices, dists, **settings):
    """Return the manifold of the given neighbor arrays."""
    return PrecomputedUMAP(**settings).learn_manifold(knn_indices=indices, knn_dists=dists)


def compare_targets(dataset):
    """Yield name, weight, and the largest difference between the supervised graphs of this package and umap-learn."""
    from umap import umap_

    plain, start = learned(dataset.knn_indices, dataset.knn_dists), np.array(dataset.start, np.float64)
    unknown = np.random.default_rng(0).random(dataset.n_rows) < 1 / 3
    targets = {"labels": np.array(dataset.labels), "a third unknown": np.where(unknown, -1, dataset.labels)}
    targets |= {"numbers": start[:, :1], "two columns": start}
    for name, y in targets.items():
        metric = "categorical" if y.ndim == 1 else "euclidean"
        if y.ndim == 2:
            of_targets = learned(*nearest_neighbors(y, 15, searcher="exact"), symmetrize=False)
        for weight in WEIGHTS:
            model = PrecomputedUMAP(target_metric=metric, target_weight=weight)
            made = model.learn_manifold(y=y, **dataset.arrays).graph
            if y.ndim == 1:
                far = 2.5 / (1 - weight)
                expected = umap_.discrete_metric_simplicial_set_intersection(matrix(plain), y, far_dist=far)
            else:
                expected = umap_.general_simplicial_set_intersection(matrix(plain), matrix(of_targets), weight)
                expected = umap_.reset_local_connectivity(expected)
            yield f"{name}, weight {weight}", float(abs(made - expected).max())


def compare_operations(dataset):
    """Yield name and largest difference of union, intersection and difference of two halves of the columns."""
    from umap import umap_

    half = dataset.features.shape[1] // 2
    parts = (np.ascontiguousarray(part) for part in (dataset.features[:, :half], dataset.features[:, half:]))
    one, other = (learned(*nearest_neighbors(part, 15, searcher="exact")) for part in parts)
    intersect = umap_.general_simplicial_set_intersection
    rescaled, plain = {"reset_local_metric": True}, {"reset_local_metric": False}
    operations = {"union": (one.union(other), umap_.general_simplicial_set_union, {}, rescaled)}
    for weight in WEIGHTS:
        operations[f"intersection {weight}"] = one.intersection(other, weight), intersect, {"weight": weight}, rescaled
    complement = {"weight": 0.5, "right_complement": True}
    operations["difference"] = one.difference(other), intersect, complement, plain
    for name, (made, operation, settings, reset) in operations.items():
        expected = umap_.reset_local_connectivity(operation(matrix(one), matrix(other), **settings), **reset)
        yield name, float(abs(made.graph - expected).max())


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
    parser = command.parser("targets", __doc__, sets="digits,fashion:10000")
    parser.add_argument("--ties", action="store_true", help="equal numbers as targets, and nothing else")
    options = parser.parse_args(arguments)
    numba.set_num_threads(options.threads)
    warnings.simplefilter("ignore", UMAPWarning)
    if options.ties:
        lines = compare_ties(options.threads)
        print(command.markdown(lines, "case"))
        command.conclude(options, {"ties": lines}, missed_by_ties(lines))
        return
    lines, missed = {}, []
    for name, n in datasets.chosen(options.set):
        dataset = datasets.in_memory(datasets.load(name, n))
        found = dict([*compare_targets(dataset), *compare_operations(dataset)])
        lines |= {f"{name}, {what}": {"largest difference": value} for what, value in found.items()}
        missed += [f"{name}, {what}: {value:.1e}" for what, value in found.items() if not value <= BAR]
    print(command.markdown(lines, "graph"))
    command.conclude(options, {"graphs": lines}, missed)


if __name__ == "__main__":
    main()

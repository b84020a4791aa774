"""Targets and set operations beside umap-learn's: the graphs, and held-out rows of supervised maps.

``python -m benchmarks.targets --sets digits,fashion:10000 --folds 5``

Graphs: the largest difference of any weight, where umap-learn's operation is given this package's graphs, and where it
makes its own of the same neighbors (whose local scales it solves to 1e-5). Labels come as they are and with a third of
them unknown; numbers are the first principal component, or the first two; set operations are of the two halves of the
columns. Bar: 1e-5 for the operations. (Graphs of its own are no bar for these: a row's weights are raised to a power of
up to 2^32 where four of them are 1, and a difference has 1 - b, so a last bit decides.)

Held-out rows: both packages search neighbors themselves, fit with labels and a weight of .5, and place the rows of a
fold that they have not seen; the mean over the folds of the accuracy of the 5 nearest fitted rows' vote in the map, and
the median of the ratios of seconds. Bar: at least umap-learn's accuracy less .005.

``--ties``: equal numbers as targets, such as labels that are given as numbers. The columns are how far the places of a
label follow the row numbers (the largest rank correlation of a principal axis of these places, mean over the labels),
trustworthiness, R2 of the target from the 10 nearest rows in the map, and how many weights of the graph change by more
than .05 when the rows are shuffled, beside the same number for a graph without targets. Bars: a correlation of .5, and
R2 at least umap-learn's less .005.
"""

import statistics
import time
import warnings

import numba
import numpy as np
import scipy.sparse
from scipy.spatial import cKDTree
from scipy.stats import spearmanr
from sklearn.datasets import load_diabetes, load_digits, make_blobs
from sklearn.manifold import trustworthiness
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor

from benchmarks import command, datasets, judge, machine, nearest
from umap_sk import PrecomputedUMAP, UMAPWarning
from umap_sk.graph.nearest_targets import find_nearest_groups
from umap_sk.targets import numbers_of

WEIGHTS = (0.2, 0.5, 0.9)
BAR, MARGIN = 1e-5, 0.005


def matrix(graph):
    """A graph for umap-learn, which writes to what it is given."""
    return scipy.sparse.csr_matrix(graph, copy=True)


def own_graph(indices, dists, *, symmetric=True):
    """umap-learn's graph of neighbors, the row itself first."""
    from umap.umap_ import fuzzy_simplicial_set

    k = indices.shape[1]
    arrays = {"knn_indices": np.array(indices), "knn_dists": np.array(dists, np.float32)}
    return fuzzy_simplicial_set(np.zeros((len(indices), 1)), k, None, "", **arrays, apply_set_operations=symmetric)[0]


def supervised(graph, y, of_targets, weight):
    """What umap-learn makes of a graph and targets."""
    from umap import umap_

    if of_targets is None:
        return umap_.discrete_metric_simplicial_set_intersection(graph, y, far_dist=2.5 / (1 - weight))
    return umap_.reset_local_connectivity(umap_.general_simplicial_set_intersection(graph, of_targets, weight))


def targets_of(dataset):
    """Targets by name: the metric and the values."""
    unknown = np.random.default_rng(0).random(dataset.n_rows) < 1 / 3
    start = np.array(dataset.start, np.float64)
    yield "labels", "categorical", np.array(dataset.labels)
    yield "a third unknown", "categorical", np.where(unknown, -1, dataset.labels)
    yield "numbers", "euclidean", start[:, :1]
    yield "two columns", "euclidean", start


def nearest_rows(values, metric, k):
    """Nearest rows of each by targets of which no two are equal, itself first, and their distances."""
    different, of_row = np.unique(values, axis=0, return_inverse=True)
    assert len(different) == len(values)
    near, away = (part[:, :k] for part in find_nearest_groups(different, metric, k - 1))
    return np.argsort(of_row)[near[of_row]], away[of_row]


def compare_targets(dataset):
    """Rows of the table: what, weight, largest difference of the operation, and of the whole."""
    arrays = {"knn_indices": dataset.knn_indices, "knn_dists": dataset.knn_dists}
    plain = PrecomputedUMAP().learn_manifold(**arrays).graph
    theirs = own_graph(dataset.knn_indices, dataset.knn_dists)
    for name, metric, y in targets_of(dataset):
        ours_of_targets = theirs_of_targets = None
        if metric != "categorical":
            with_self = nearest_rows(numbers_of(y), metric, 15)
            near = {"knn_indices": with_self[0], "knn_dists": with_self[1]}
            ours_of_targets = PrecomputedUMAP(symmetrize=False).learn_manifold(**near).graph
            theirs_of_targets = own_graph(*with_self, symmetric=False)
        for weight in WEIGHTS:
            model = PrecomputedUMAP(target_metric=metric, target_weight=weight)
            clock = time.perf_counter()
            made = model.learn_manifold(y=y, **arrays).graph
            seconds = time.perf_counter() - clock
            given = None if ours_of_targets is None else matrix(ours_of_targets)
            operation = abs(made - supervised(matrix(plain), y, given, weight)).max()
            whole = abs(made - supervised(matrix(theirs), y, theirs_of_targets, weight)).max()
            yield [dataset.name, name, weight, float(operation), float(whole), seconds]


def compare_operations(dataset):
    """The same of union, intersection and difference of two halves of the columns."""
    from umap import umap_

    half = dataset.features.shape[1] // 2
    arrays = [
        nearest.brute_force(np.ascontiguousarray(part), 15)
        for part in (dataset.features[:, :half], dataset.features[:, half:])
    ]
    one, other = (PrecomputedUMAP().learn_manifold(knn_indices=ids, knn_dists=dists) for ids, dists in arrays)
    given = [[matrix(manifold.graph) for manifold in (one, other)], [own_graph(*pair) for pair in arrays]]
    operations = {
        "union": (one.union, umap_.general_simplicial_set_union, {}, True),
        **{
            f"intersection {w}": (
                lambda view, w=w: one.intersection(view, w),
                umap_.general_simplicial_set_intersection,
                {"weight": w},
                True,
            )
            for w in WEIGHTS
        },
        "difference": (
            one.difference,
            umap_.general_simplicial_set_intersection,
            {"weight": 0.5, "right_complement": True},
            False,
        ),
    }
    for name, (ours, theirs, settings, rescale) in operations.items():
        clock = time.perf_counter()
        made = ours(other).graph
        seconds = time.perf_counter() - clock
        expected = (umap_.reset_local_connectivity(theirs(*pair, **settings), rescale) for pair in given)
        differences = [float(abs(made - graph).max()) for graph in expected]
        yield [dataset.name, name, "", *differences, seconds]


def held_out(dataset, folds, threads):
    """Accuracies of both over all folds, and how many times as fast ours is; a first round compiles."""
    import umap

    features, labels = np.array(dataset.features), np.array(dataset.labels)
    fold_of = np.random.default_rng(1).permutation(len(labels)) % folds
    runs = {"ours": [], "umap-learn": []}
    for seed in range(-1, folds):
        old, new = np.flatnonzero(fold_of != max(seed, 0)), np.flatnonzero(fold_of == max(seed, 0))
        models = {
            "ours": PrecomputedUMAP(
                metric="euclidean", target_metric="categorical", random_state=max(seed, 0), n_jobs=threads
            ),
            "umap-learn": umap.UMAP(n_jobs=threads),
        }
        np.random.seed(max(seed, 0))  # umap-learn runs on one thread with a seed of its own
        for name, model in models.items():
            rows = old if seed >= 0 else old[:5000]
            clock = time.perf_counter()
            embedding = model.fit(features[rows], labels[rows]).embedding_
            placed = model.transform(features[new if seed >= 0 else new[:100]])
            seconds = time.perf_counter() - clock
            if seed >= 0:
                near = cKDTree(embedding).query(placed, 5)[1]
                runs[name].append((judge.vote_accuracy(labels[rows], near, labels[new]), seconds))
    accuracies = {name: statistics.fmean(accuracy for accuracy, _ in found) for name, found in runs.items()}
    pairs = zip(runs["ours"], runs["umap-learn"], strict=True)
    return accuracies, statistics.median(theirs / ours for (_, ours), (_, theirs) in pairs)


def tied_cases():
    """Features, targets with ties, weight and settings, by name."""
    blobs, kinds = make_blobs(150, cluster_std=0.5, random_state=42)
    digits, labels = load_digits(return_X_y=True)
    people, progression = load_diabetes(return_X_y=True)
    of_blobs = {"n_neighbors": 10, "min_dist": 0.01, "n_epochs": 200}
    yield "blobs, label", blobs, kinds, 0.8, of_blobs
    yield "digits, label", digits, labels, 0.5, {}
    yield "digits, label", digits, labels, 0.8, {}
    yield "digits, sum of the ink", digits, digits.sum(axis=1), 0.5, {}
    yield "digits, random of 10", digits, np.random.default_rng(0).integers(0, 10, len(digits)), 0.5, {}
    yield "diabetes, progression / 25", people, np.round(progression / 25), 0.5, {}


def follows_rows(embedding, values):
    """Largest rank correlation of an axis of the places of equal values with row numbers, mean over frequent values."""
    kinds, counts = np.unique(values, return_counts=True)
    found = []
    for kind in kinds[counts >= 20]:
        places = embedding[values == kind]
        axes = np.linalg.svd(places - places.mean(axis=0), full_matrices=False)[2]
        found.append(max(abs(spearmanr(places @ axis, np.arange(len(places)))[0]) for axis in axes))
    return float(np.mean(found))


def changed_by_shuffling(model, features, values):
    """Weights of the graph that differ by more than .05 when the rows come in another order."""
    order = np.random.default_rng(0).permutation(len(features))
    graph = model.learn_manifold(features, values).graph
    shuffled = model.learn_manifold(features[order], None if values is None else values[order]).graph
    return int((abs(graph[order][:, order] - shuffled) > 0.05).sum())


def compare_ties(threads):
    """Rows of the table: case, weight, then of both programs how rows are followed, trustworthiness and R2."""
    import umap

    folds = KFold(5, shuffle=True, random_state=0)
    for name, features, values, weight, settings in tied_cases():
        shared = {"target_metric": "l1", "target_weight": weight, "random_state": 0, **settings}
        model = PrecomputedUMAP(metric="euclidean", n_jobs=threads, **shared)
        figures = []
        for embedding in (
            model.fit_transform(features, values),
            umap.UMAP(**shared, n_jobs=1).fit_transform(features, values),
        ):
            predicted = cross_val_predict(KNeighborsRegressor(10), embedding, values, cv=folds)
            trust = trustworthiness(features, embedding, n_neighbors=15)
            figures.append((follows_rows(embedding, values), float(trust), float(r2_score(values, predicted))))
        plain = PrecomputedUMAP(metric="euclidean", n_neighbors=model.n_neighbors)
        changed = changed_by_shuffling(model, features, values), changed_by_shuffling(plain, features, None)
        yield [name, weight, *zip(*figures, strict=True), changed]


def print_ties(threads):
    """Print the table of ties; the bars that were missed."""
    rows, missed = [], []
    for name, weight, *figures, (changed, plain) in compare_ties(threads):
        pairs = [" / ".join(f"{figure:.3f}" for figure in pair) for pair in figures]
        rows.append([name, str(weight), *pairs, f"{changed} / {plain}"])
        (follows, _), _, (ours, theirs) = figures
        if follows > 0.5 or ours < theirs - MARGIN:
            missed.append(f"{name} {weight}: follows the rows by {follows:.2f}, R2 {ours:.3f}")
    header = ["ours / umap-learn", "weight", "follows the rows", "trustworthiness", "R2", "changed / without targets"]
    print(machine.markdown(header, rows))
    return missed


def main(arguments=None):
    """Compare and print."""
    parser = command.parser("targets", __doc__)
    parser.add_argument("--sets", default="digits,fashion:10000", help="comma-separated, name or name:rows")
    parser.add_argument("--folds", type=int, default=5, help="0 for the graphs alone")
    parser.add_argument("--ties", action="store_true", help="equal numbers as targets, and nothing else")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    numba.set_num_threads(options.threads)
    warnings.simplefilter("ignore", UMAPWarning)
    if options.ties:
        print("\nbars missed:", "; ".join(print_ties(options.threads)) or "none")
        return
    graphs, maps, missed = [], [], []
    for name, n in datasets.chosen(options.sets):
        dataset = datasets.in_memory(datasets.load(name, n))
        graphs += [*compare_targets(dataset), *compare_operations(dataset)]
        if options.folds:
            found, ratio = held_out(dataset, options.folds, options.threads)
            ours, bar = found["ours"], found["umap-learn"] - MARGIN
            maps.append([f"{name} {n:,}", *(f"{accuracy:.4f}" for accuracy in found.values()), f"{ratio:.1f}"])
            if ours < bar:
                missed.append(f"{name}: accuracy {ours:.4f}, bar {bar:.4f}")
    missed += [f"{row[0]}, {row[1]} {row[2]}: {row[3]:.1e}" for row in graphs if not row[3] <= BAR]
    header = ["set", "what", "weight", "operation", "with graphs of its own", "ours s"]
    print(
        machine.markdown(
            header, [[*map(str, row[:3]), f"{row[3]:.1e}", f"{row[4]:.1e}", f"{row[5]:.3f}"] for row in graphs]
        )
    )
    if maps:
        print("\n" + machine.markdown(["held out", "ours", "umap-learn", "times as fast"], maps))
    print("\nbars missed:", "; ".join(missed) or "none")


if __name__ == "__main__":
    main()

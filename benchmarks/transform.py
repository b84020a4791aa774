"""Placing new rows into a finished map: Fashion-MNIST, fitted on 60,000 images, 10,000 more placed; ours and
umap-learn's.

``python -m benchmarks.transform --peers ours,umap-learn --rounds 3``

Both get the same exact neighbors. The figures are of the new rows among the training rows: accuracy of the vote of
the 5 nearest in the map, recall of the 15 true neighbors, trustworthiness, and the loss before the optimization (at
the weighted mean of the neighbors) and after it. Bars: accuracy at least umap-learn's less .01, the loss lower after
the optimization than before. ``--peer-figures FILE`` takes umap-learn's runs from an earlier run's file.
"""

import json
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import scipy.sparse
from scipy.spatial import cKDTree

from benchmarks import command, datasets, judge, machine, nearest, peers, real_data


class NewRows(NamedTuple):
    """Rows to place and their neighbors among the training rows, nearest first."""

    features: np.ndarray  # float32, (m, d)
    labels: np.ndarray  # int32, (m,)
    indices: np.ndarray  # int32, (m, 15)
    distances: np.ndarray  # float32, (m, 15)


def load_new_rows(train):
    """The 10,000 test images; their neighbors are found on first use and cached."""
    features, labels = real_data.fashion_images()
    features, labels = features[train.n_rows :], labels[train.n_rows :]
    file = datasets.folder_of("fashion-train") / "new_rows.npz"
    if not file.exists():
        indices, distances = nearest.between(features, np.array(train.features), datasets.N_NEIGHBORS)
        np.savez(file, indices=indices, distances=distances)
    found = np.load(file)
    return NewRows(features, labels, found["indices"], found["distances"])


def memberships(new, n_train):
    """umap-learn's memberships of the new rows, as its `transform` computes them; COO of shape (m, n_train)."""
    from umap.umap_ import compute_membership_strengths, smooth_knn_dist

    k = new.indices.shape[1]
    sigmas, rhos = smooth_knn_dist(new.distances, float(k), local_connectivity=0.0)
    indices = new.indices.copy()
    rows, columns, values, _ = compute_membership_strengths(indices, new.distances, sigmas, rhos, bipartite=True)
    return scipy.sparse.coo_matrix((values, (rows, columns)), shape=(len(indices), n_train))


def weighted_mean(graph, embedding):
    """Where the new rows start: the mean of their neighbors by membership."""
    graph = graph.tocsr()
    total = np.asarray(graph.sum(1)).ravel()[:, None]
    return (graph @ embedding.astype(np.float64)) / total


def umap_learn(graph, embedding, seed, n_epochs=100):
    """What umap-learn's `transform` does once it has the memberships; seconds of its start and its optimization too."""
    from umap.layouts import optimize_layout_euclidean
    from umap.umap_ import init_graph_transform, make_epochs_per_sample

    a, b = peers.curve_of(peers.Task())
    clock = time.perf_counter()
    placed = init_graph_transform(graph.tocsr(), embedding)
    started = time.perf_counter()
    graph = graph.copy()
    graph.data[graph.data < graph.data.max() / n_epochs] = 0.0
    graph.eliminate_zeros()
    state = np.random.RandomState(seed).randint(-(2**31) + 1, 2**31 - 2, 3).astype(np.int64)
    placed = optimize_layout_euclidean(
        placed, embedding.copy(), graph.row, graph.col, n_epochs, graph.shape[1],
        make_epochs_per_sample(graph.data, n_epochs), a, b, state, 1.0, 0.25, 5, True,
    )  # fmt: skip
    return placed, started - clock, time.perf_counter() - started


def expected_loss(graph, placed, embedding, queries=2000, negative_sample_rate=5):
    """Mean over the new rows of sum_j -w log v - (r / n) deg sum_v log(1 - v): the loss with the map held still."""
    a, b = judge.DEFAULT_CURVE
    floor = judge.closest(judge.DEFAULT_CURVE)
    graph = graph.tocoo()
    placed, embedding = placed.astype(np.float64), embedding.astype(np.float64)
    square = ((placed[graph.row] - embedding[graph.col]) ** 2).sum(1)
    attraction = (graph.data * np.log1p(a * np.maximum(square, floor) ** b)).sum() / len(placed)
    degree = np.bincount(graph.row, graph.data, len(placed))
    rows = np.sort(np.random.RandomState(0).choice(len(placed), min(queries, len(placed)), False))
    nobody = np.full(len(rows), -1)
    repulsion = degree[rows] * judge.repulsion_sums(placed[rows], nobody, embedding, a, b, floor)
    return float(attraction + negative_sample_rate / len(embedding) * repulsion.mean())


def figures(train, new, graph, embedding, placed):
    """accuracy, recall15, trust, eff at the weighted mean, eff after."""
    tree = cKDTree(embedding)
    near = tree.query(placed, 15, workers=2)[1]
    k, n = near.shape[1], train.n_rows
    rows = np.arange(0, len(placed), 5)
    excess = judge.excess_ranks(train.features, new.features[rows], np.full(len(rows), -1), near[rows])
    return {
        "accuracy": judge.vote_accuracy(train.labels, near[:, :5], new.labels),
        "recall15": float((new.indices[:, :, None] == near[:, None, :]).any(2).mean()),
        "trust": float(1 - 2 * excess / (len(rows) * k * (2.0 * n - 3.0 * k + 1.0))),
        "eff before": expected_loss(graph, weighted_mean(graph, embedding), embedding),
        "eff": expected_loss(graph, placed, embedding),
    }


def run_umap_learn(train, new, seed, threads):
    """Fit and placing by umap-learn: embedding, placed rows, seconds by part."""
    embedding = peers.umap_learn(train, peers.Task(seed=seed, threads=threads)).embedding
    clock = time.perf_counter()
    graph = memberships(new, train.n_rows)
    membership = time.perf_counter() - clock
    placed, start, optimization = umap_learn(graph, embedding, seed)
    whole = membership + start + optimization
    return embedding, placed, {"seconds": whole, "optimization": optimization}


def run_ours(train, new, seed, threads):
    """Fit and placing by this package; a single row's seconds too."""
    import umap_sk

    model = umap_sk.PrecomputedUMAP(random_state=seed, n_jobs=threads)
    model.fit(knn_indices=train.knn_indices, knn_dists=train.knn_dists, init=np.array(train.start))
    model.transform(knn_indices=new.indices[:2], knn_dists=new.distances[:2])  # what is made once per model
    clock = time.perf_counter()
    placed = model.transform(knn_indices=new.indices, knn_dists=new.distances)
    seconds = time.perf_counter() - clock
    single = []
    for row in range(100):
        clock = time.perf_counter()
        model.transform(knn_indices=new.indices[row : row + 1], knn_dists=new.distances[row : row + 1])
        single.append(time.perf_counter() - clock)
    return model.embedding_, placed, {"seconds": seconds, "single row": statistics.median(single)}


RUNS = {"ours": run_ours, "umap-learn": run_umap_learn}


HEADER = ("seconds", "optimization", "single row", "accuracy", "recall15", "trust", "eff before", "eff")


def run_all(names, runs, options):
    """Fit and place by each peer, seed by seed, and append the figures to ``runs``; the first round compiles."""
    train = datasets.in_memory(datasets.load("fashion-train"))
    new = load_new_rows(train)
    graph = memberships(new, train.n_rows)
    for seed in range(-1, options.rounds):
        for name in names:
            embedding, placed, seconds = RUNS[name](train, new, max(seed, 0), options.threads)
            if seed >= 0:
                runs[name].append({**seconds, **figures(train, new, graph, embedding, placed)})
                print(name, {key: round(value, 5) for key, value in runs[name][-1].items()}, flush=True)
                machine.write(options.json, {"options": vars(options), "runs": runs})


def missed(medians):
    """The bars that are missed, in words."""
    words = []
    ours, theirs = medians["ours"], medians.get("umap-learn")
    if theirs and ours["accuracy"] < theirs["accuracy"] - 0.01:
        words.append(f"accuracy {ours['accuracy']:.4f}, bar {theirs['accuracy'] - 0.01:.4f}")
    if ours["eff"] >= ours["eff before"]:
        words.append(f"eff {ours['eff']:.4f}, at the weighted mean {ours['eff before']:.4f}")
    return words


def main(arguments=None):
    """Measure and print medians."""
    parser = command.parser("transform", __doc__)
    parser.add_argument("--peers", default="ours,umap-learn", help=f"of {', '.join(RUNS)}; comma-separated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("--peer-figures", help="file of an earlier run, whose umap-learn runs are taken")
    options = parser.parse_args(arguments)
    numba.set_num_threads(options.threads)
    runs = {name: [] for name in options.peers.split(",")}
    if options.peer_figures:
        runs["umap-learn"] = json.loads(Path(options.peer_figures).read_text())["runs"]["umap-learn"]
    run_all([name for name in runs if not runs[name]], runs, options)
    medians = {
        name: {key: statistics.median(run[key] for run in of_peer) for key in of_peer[0]}
        for name, of_peer in runs.items()
    }
    rows = [[name, *(f"{line[key]:.4f}" if key in line else "" for key in HEADER)] for name, line in medians.items()]
    print("\n" + machine.markdown(["peer", *HEADER], rows))
    if "ours" in medians:
        print("\nbars missed:", "; ".join(missed(medians)) or "none")


if __name__ == "__main__":
    main()

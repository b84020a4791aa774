"""The way back from a map: digits and Fashion-MNIST, rows for the places of held-out rows and of a grid; ours and
umap-learn's.

``python -m benchmarks.inverse --sets digits,fashion --rounds 3``

Each has a map of its own of the same training rows. ``rms`` is the error at held-out places: root of the mean square
of held-out rows less what inverse_transform gives at the place where transform puts them. At grid points there is no
true row; a row that belongs there has its nearest training rows there, so ``round trip`` is the median distance in the
map between the point and the mean place of the 15 training rows that are nearest to the row (the same for all, and
nobody's transform), and ``nearest`` the row's mean distance to the nearest of them: how far it is from data. Points
farther than 1 from every training row are left out. Seconds are of all held-out and all grid places, medians over
rounds that are interleaved.

Two more lines change one thing each: umap-learn on our map and places; and on our combinations the descent with which
umap-learn goes on, by its own function, with its rates, scales and epochs. Bars: no figure above umap-learn's on its
own map, at most a tenth of its seconds on either map.
"""

import copy
import statistics
import time
import warnings
from typing import NamedTuple

import numba
import numpy as np
from scipy.spatial import cKDTree
from sklearn.neighbors import NearestNeighbors

from benchmarks import command, machine, real_data

HEADER = ("seconds", "rms", "round trip", "nearest")
SIZES = {"digits": (1500, 297), "fashion": (5_000, 100)}  # training rows, held-out rows
GRID = 20  # points a side
REACH = 1.0  # of a training row in the map: a point farther off stands for nothing


class Task(NamedTuple):
    """Training rows, held-out rows, and a fitted model of each peer."""

    train: np.ndarray
    held_out: np.ndarray
    ours: object
    theirs: object
    theirs_on_ours: object


class Places(NamedTuple):
    """Where rows are asked for: places of the held-out rows and of a grid in one map, beside that map."""

    held_out: np.ndarray
    grid: np.ndarray
    embedding: np.ndarray


def load(name):
    """Training and held-out rows of a set, drawn at random."""
    features, _ = real_data.digits() if name == "digits" else real_data.fashion_images()
    n_train, n_held_out = SIZES[name]
    order = np.random.default_rng(0).permutation(len(features))
    return features[order[:n_train]], features[order[n_train : n_train + n_held_out]]


def fitted(name, seed):
    """Both fitted, and umap-learn's model with our map in place of its own."""
    import umap

    import umap_sk

    train, held_out = load(name)
    ours = umap_sk.PrecomputedUMAP(metric="euclidean", random_state=seed).fit(train)
    theirs = umap.UMAP(random_state=seed).fit(train)
    moved = copy.copy(theirs)
    moved.embedding_ = ours.embedding_
    return Task(train, held_out, ours, theirs, moved)


def places_of(model, held_out):
    """Held-out rows by the model's transform, and the points of a grid that are near its training rows."""
    embedding = model.embedding_
    axes = [np.linspace(low, high, GRID) for low, high in zip(embedding.min(0), embedding.max(0), strict=True)]
    grid = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2).astype(np.float32)
    near = cKDTree(embedding).query(grid)[0] <= REACH
    return Places(model.transform(held_out), grid[near][: len(held_out)], embedding)


def descended(task, places):
    """Our combinations after umap-learn's descent, which starts from them instead of from its own."""
    from umap.distances import named_distances_with_gradients
    from umap.layouts import optimize_layout_inverse
    from umap.umap_ import make_epochs_per_sample

    from umap_sk.layout import inverse

    start = task.ours.inverse_transform(places)
    distances, near = cKDTree(task.ours.embedding_).query(places, inverse.NEAR)
    weights = np.exp(-0.5 * (distances / distances[:, [inverse.WIDTH - 1]]) ** 2).ravel()
    rows = np.repeat(np.arange(len(places)), inverse.NEAR)
    model = task.theirs
    return optimize_layout_inverse(
        start, task.train, rows, near.ravel(), weights, model._sigmas, model._rhos, 100, len(task.train),
        make_epochs_per_sample(weights, 100), model._a, model._b, np.array([1, 2, 3], np.int64), 1.0, 0.25, 5,
        named_distances_with_gradients["euclidean"],
    )  # fmt: skip


PEERS = {  # name: (which model's map and places, the way back)
    "umap-sk": ("ours", lambda task, places: task.ours.inverse_transform(places)),
    "umap-learn": ("theirs", lambda task, places: task.theirs.inverse_transform(places)),
    "umap-learn on umap-sk's map": ("ours", lambda task, places: task.theirs_on_ours.inverse_transform(places)),
    "umap-sk, then umap-learn's descent": ("ours", descended),
}


def figures(task, places, held_out, grid):
    """rms, round trip, nearest."""
    distances, near = NearestNeighbors(n_neighbors=15, algorithm="brute").fit(task.train).kneighbors(grid)
    off = np.linalg.norm(places.embedding[near].mean(1) - places.grid, axis=1)
    return {
        "rms": float(np.sqrt(((held_out - task.held_out) ** 2).mean())),
        "round trip": float(np.median(off)),
        "nearest": float(distances[:, 0].mean()),
    }


def run(task, names, rounds):
    """Figures and seconds of each peer; the first round compiles and does not count, if there are more."""
    where = {name: places_of(getattr(task, name), task.held_out) for name in ("ours", "theirs")}
    runs = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            whose, way_back = PEERS[name]
            places = where[whose]
            clock = time.perf_counter()
            found = [way_back(task, places.held_out), way_back(task, places.grid)]
            runs[name].append({"seconds": time.perf_counter() - clock, **figures(task, places, *found)})
    return {
        name: {key: statistics.median(run[key] for run in of_peer[-max(1, rounds - 1) :]) for key in HEADER}
        for name, of_peer in runs.items()
    }


def missed(medians):
    """The bars that are missed, in words."""
    ours, theirs = medians["umap-sk"], medians["umap-learn"]
    words = [f"{key} {ours[key]:.3f}, bar {theirs[key]:.3f}" for key in HEADER[1:] if ours[key] > theirs[key]]
    for name in ("umap-learn", "umap-learn on umap-sk's map"):
        if name in medians and ours["seconds"] > medians[name]["seconds"] / 10:
            words.append(f"seconds {ours['seconds']:.3f}, bar a tenth of {medians[name]['seconds']:.3f}, of {name}")
    return words


def main(arguments=None):
    """Measure and print a table a set."""
    parser = command.parser("inverse", __doc__)
    parser.add_argument("--sets", default="digits,fashion", help=f"of {', '.join(SIZES)}; comma-separated")
    parser.add_argument("--rounds", type=int, default=3, help="of digits; of larger sets one, after digits")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args(arguments)
    numba.set_num_threads(options.threads)
    results = {}
    for name in options.sets.split(","):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # umap-learn's, of its seed and threads
            task = fitted(name, options.seed)
            results[name] = run(task, list(PEERS), 1 + options.rounds if name == "digits" else 1)
        rows = [[peer, *(f"{line[key]:.3f}" for key in HEADER)] for peer, line in results[name].items()]
        print(f"\n{name}\n\n" + machine.markdown(["way back", *HEADER], rows))
        print("\nbars missed:", "; ".join(missed(results[name])) or "none", flush=True)
        machine.write(options.json, {"options": vars(options), "results": results})


if __name__ == "__main__":
    main()

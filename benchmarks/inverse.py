"""Error and seconds of the inverse transform of held-out rows, compared with umap-learn.

``python -m benchmarks.inverse --set digits,fashion --rounds 3``

Each program has its own map of the same training rows. The error is the root mean squared difference between held-out
rows and the inverse transform of their positions by `transform`. Another line shows umap-learn with the map and the
positions of this package. Bars: the error is not above umap-learn's on its own map, and the time is at most a tenth of
its time on either map.
"""

import copy
import warnings

import numba
import numpy as np

from benchmarks import command, datasets

SIZES = {"digits": (1500, 297), "fashion": (5_000, 100)}  # training rows, held-out rows


def programs_of(name):
    """Return the programs of a set: each model on its own map, and umap-learn's on this package's map."""
    import umap

    import umap_sk

    features, _ = datasets.features_of(name, datasets.SIZES[name])
    n_train, n_held_out = SIZES[name]
    order = np.random.default_rng(0).permutation(len(features))
    train, held_out = features[order[:n_train]], features[order[n_train : n_train + n_held_out]]
    ours = umap_sk.PrecomputedUMAP(metric="euclidean", random_state=0).fit(train)
    theirs = umap.UMAP(random_state=0).fit(train)
    moved = copy.copy(theirs)
    moved.embedding_ = ours.embedding_
    our_places, their_places = ours.transform(held_out), theirs.transform(held_out)

    def program(model, places):
        def run(_):
            rows, times = command.timed(model.inverse_transform, places)
            return {"seconds": times["seconds"], "error": float(np.sqrt(((rows - held_out) ** 2).mean()))}

        return run

    return {
        "ours": program(ours, our_places),
        "umap-learn": program(theirs, their_places),
        "umap-learn on our map": program(moved, our_places),
    }


def missed(medians):
    """Return the missed bars, in words."""
    ours, theirs, moved = medians.values()
    bars = {"error": theirs["error"], "seconds": min(theirs["seconds"], moved["seconds"]) / 10}
    return [f"{key} {ours[key]:.3f}, bar {bar:.3f}" for key, bar in bars.items() if ours[key] > bar]


def main(arguments=None):
    """Measure, and print a table and the missed bars for each set."""
    options = command.parser("inverse", __doc__, sets="digits,fashion", rounds=3).parse_args(arguments)
    numba.set_num_threads(options.threads)
    warnings.simplefilter("ignore")  # umap-learn's, of its seed and threads
    for name in options.set.split(","):
        programs = programs_of(name)
        if name == "digits":
            command.take_turns(programs, 1)  # compiles
        runs = command.take_turns(programs, options.rounds if name == "digits" else 1)
        medians = {program: command.medians(of_program) for program, of_program in runs.items()}
        print("\n" + command.markdown(medians, name))
        command.conclude(options, {name: medians}, missed(medians))


if __name__ == "__main__":
    main()

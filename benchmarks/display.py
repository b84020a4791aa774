"""Seconds of pictures, and what the loss on the way costs.

``python -m benchmarks.display`` prints two tables and the bars that are missed: a picture of a million points, its file
included, takes at most 5 seconds; the loss on the way takes at most 1 % of a layout or 2 ms (digits and Fashion-MNIST:
seconds of all calls of the recorder, beside the layout's of the same fit, median of 5).
"""

import tempfile
import time
from statistics import median

import matplotlib
import numpy as np

from benchmarks import command, datasets
from umap_sk import EmbeddingDisplay, PrecomputedUMAP
from umap_sk.layout.loss_curve import recorder
from umap_sk.pipeline import lay_out

ROWS, PICTURE_BAR, LOSS_BAR, LEAST_MS = 1_000_000, 5.0, 0.01, 2.0


def picture_seconds():
    """Seconds of one picture by what colors it."""
    rng = np.random.default_rng(0)
    centers = rng.normal(scale=20, size=(60, 2))
    labels = rng.integers(0, 60, ROWS)
    embedding = (centers[labels] + rng.normal(size=(ROWS, 2))).astype(np.float32)
    given = {"nothing": {}, "60 classes": {"labels": labels}, "names": {"labels": labels, "names": True}}
    given |= {"words": {"labels": np.char.add("class ", labels.astype(str))}, "numbers": {"values": rng.random(ROWS)}}
    EmbeddingDisplay.from_embedding(embedding[:100])  # imports
    for name, colored in given.items():
        began = time.perf_counter()
        display = EmbeddingDisplay.from_embedding(embedding, **colored)
        with tempfile.TemporaryFile() as file:
            display.figure_.savefig(file)
        yield name, time.perf_counter() - began


def loss_share(name):
    """Share of a layout's seconds that the loss on the way takes, and its milliseconds."""
    data, spent = datasets.load(name), 0.0

    def timed(losses, run):
        record = recorder(losses, run)

        def after_epoch(run):
            nonlocal spent
            began = time.perf_counter()
            record(run)
            spent += time.perf_counter() - began

        return after_epoch

    lay_out.recorder, shares = timed, []
    for seed in range(6):
        spent = 0.0
        model = PrecomputedUMAP(random_state=seed).fit(knn_indices=data.knn_indices, knn_dists=data.knn_dists)
        shares.append((spent / model.report_.seconds("layout"), 1000 * spent))
    lay_out.recorder = recorder
    return tuple(median(column) for column in zip(*shares[1:], strict=True))


def main():
    """Print tables and bars."""
    command.parser("display", __doc__).parse_args()
    matplotlib.use("Agg")
    missed = []
    print(f"{'a million points by':<20} seconds")
    for name, seconds in picture_seconds():
        print(f"{name:<20} {seconds:7.2f}")
        missed += [f"{name}: {seconds:.2f} s, more than {PICTURE_BAR}"] * (seconds > PICTURE_BAR)
    print(f"\n{'loss on the way':<20} share of the layout, ms")
    for name in ("digits", "fashion"):
        share, spent = loss_share(name)
        print(f"{name:<20} {share:7.2%} {spent:7.2f}")
        missed += [f"{name}: {share:.2%} for the loss, more than {LOSS_BAR:.0%}"] * (
            share > LOSS_BAR and spent > LEAST_MS
        )
    print("\n".join(["", "Bars that are missed:", *(missed or ["none"])]))


if __name__ == "__main__":
    main()

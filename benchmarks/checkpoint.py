"""What checkpoints cost: seconds of a fit with and without them, and seconds to go on from one.

``python -m benchmarks.checkpoint`` lays out 1,000,000 points (``--set mixture``) with a checkpoint every 10 epochs and
without any, in turns of changing order, after a warm-up. Bar: at most 2 % slower. Both a whole fit and its epochs alone
are compared, since the hash of the data and the graph's file are paid once, whatever the number of epochs. Then a run
is stepped to the middle; measured are the seconds from the call that goes on to its first epoch, and those in which the
finished run is returned.
"""

import os
import statistics
import tempfile
import time

from benchmarks import command, datasets, machine
from umap_sk import Checkpoint, PrecomputedUMAP


def timed_fit(arrays, checkpoint, n_epochs):
    """Seconds of a fit and of its epochs; the model."""
    began = time.perf_counter()
    model = PrecomputedUMAP(n_epochs=n_epochs, random_state=0, checkpoint=checkpoint).fit(**arrays)
    return time.perf_counter() - began, model.report_.seconds("layout"), model


def size(folder):
    """Bytes of the files in a folder, by the first word of their names."""
    sizes = {}
    for place, _, names in os.walk(folder):
        for name in names:
            kind = name.split("-")[0].split(".")[0]
            sizes[kind] = max(sizes.get(kind, 0), os.path.getsize(os.path.join(place, name)))
    return sizes


def rounds(arrays, options):
    """Seconds (fit, epochs) without and with checkpoints, and the largest file of each kind."""
    plain, kept, sizes = [], [], {}
    for number in range(options.rounds + 1):
        with tempfile.TemporaryDirectory(dir=options.directory) as folder:
            checkpoint = Checkpoint(folder, every_epochs=options.every_epochs, every_seconds=None)
            for setting in (None, checkpoint) if number % 2 else (checkpoint, None):
                seconds = timed_fit(arrays, setting, options.epochs)[:2]
                if number > 0:
                    (kept if setting else plain).append(seconds)
            sizes = size(folder)
    return plain, kept, sizes


def resuming(arrays, options):
    """Seconds until a run that was stopped in its middle is ready for its next epoch, and to return a finished one."""
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        settings = {"n_epochs": options.epochs, "random_state": 0, "checkpoint": folder}
        model = PrecomputedUMAP(**settings).partial_fit(**arrays)
        model.partial_fit(epochs=model.n_epochs_ // 2)
        del model
        whole, epochs, resumed = timed_fit(arrays, folder, options.epochs)
        began = time.perf_counter()
        finished = PrecomputedUMAP(**settings).fit(**arrays)
        returned = time.perf_counter() - began
    assert (finished.embedding_ == resumed.embedding_).all()
    return {"to go on": whole - epochs, "to return a finished run": returned}


def main(arguments=None):
    """Measure and print."""
    parser = command.parser("checkpoint", __doc__)
    parser.add_argument("--set", default="mixture", help="data set")
    parser.add_argument("--n", type=int, help="rows, if not the set's own number")
    parser.add_argument("--epochs", type=int, help="n_epochs")
    parser.add_argument("--every-epochs", type=int, default=10, help="epochs from checkpoint to checkpoint")
    parser.add_argument("--rounds", type=int, default=8, help="pairs of fits")
    parser.add_argument("--directory", help="where to write, if not to the folder for temporary files")
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args(arguments)
    dataset = datasets.in_memory(datasets.load(options.set, options.n))
    arrays = {"knn_indices": dataset.knn_indices, "knn_dists": dataset.knn_dists}
    plain, kept, sizes = rounds(arrays, options)
    rows = []
    for name, column in (("whole fit", 0), ("epochs", 1)):
        without, with_them = (statistics.median(pair[column] for pair in pairs) for pairs in (plain, kept))
        rows.append([name, f"{without:.2f}", f"{with_them:.2f}", f"{100 * (with_them / without - 1):+.1f} %"])
    print(machine.markdown(["seconds of", "without", "with checkpoints", "difference"], rows))
    seconds = resuming(arrays, options)
    print(*(f"{name}: {value:.2f} s" for name, value in seconds.items()), sep="\n")
    print("bytes:", ", ".join(f"{name} {value:,}" for name, value in sizes.items()))
    results = {"without": plain, "with": kept, "bytes": sizes, "resuming": seconds}
    machine.write(options.json, {"options": vars(options), "results": results})


if __name__ == "__main__":
    main()

"""Damages files in every way that chance finds, and has them read: ``python -m benchmarks.fuzz_files --examples 5000``.

Each example takes a saved manifold, an array, a sparse graph or a run's notes, flips bits, cuts, repeats or exchanges
parts of one file, and reads it. What must come out is what was written, or an error that is meant for people.
"""

import argparse
import collections
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from umap_sk import Manifold, PrecomputedUMAP
from umap_sk.cli.files import map_array, read_graph
from umap_sk.cli.inspect import describe

ODD = (b"", b"[" * 5000, b"(" * 5000, b"-1", b"1e999", b"null", b'"', b"{", b"}", b"\x00" * 9, b"\xff", b"' : (-1,)")


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    """A file's bytes, of which something is not as it was."""
    at, to = sorted(random.integers(0, len(content) + 1, 2).tolist())
    kind = random.integers(5)
    if kind == 0:
        flips = np.frombuffer(content, np.uint8).copy()
        flips[random.integers(0, len(flips), random.integers(1, 4))] ^= np.uint8(1 << random.integers(8))
        return flips.tobytes()
    if kind == 1:
        return content[:at]
    if kind == 2:
        return content[:to] + content[at:]
    odd = ODD[random.integers(len(ODD))]
    return content[:at] + odd + content[at + len(odd) if kind == 3 else at :]


def same_manifold(taken: Manifold, written: Manifold) -> bool:
    """Whether a manifold has the bits and the parameters of another."""
    pairs = zip(taken.arrays(), written.arrays(), strict=True)
    same = all(one.dtype == other.dtype and np.array_equal(one, other) for one, other in pairs)
    return same and taken.parameters == written.parameters


def make_files(folder: Path) -> dict[str, Callable[[], Any]]:
    """Write what is damaged; what reads it, by the name of the file or directory."""
    points = np.random.default_rng(0).normal(size=(80, 3))
    manifold = PrecomputedUMAP(6, metric="euclidean").learn_manifold(points)
    manifold.save(folder / "manifold")
    np.save(folder / "points.npy", points)
    scipy.sparse.save_npz(folder / "graph.npz", manifold.graph)
    run = folder / "run"
    run.mkdir()
    notes = {"epoch": 1, "n_epochs": 2, "bytes": 1, "n_samples": 80, "edges": 9, "parameters": {"a": [1, None, "b"]}}
    for name in ("run.json", "graph.json", "epoch-00000001.json"):
        (run / name).write_text(json.dumps(notes))
    (run / "epoch-00000001.joblib").write_bytes(b"\x80")

    def read_manifold() -> None:
        if not same_manifold(Manifold.load(folder / "manifold"), manifold):
            raise AssertionError("another manifold than was written")

    return {
        "manifold": read_manifold,
        "points.npy": lambda: (map_array(str(folder / "points.npy"), "--features"), describe(folder / "points.npy")),
        "graph.npz": lambda: (describe(folder / "graph.npz"), read_graph(str(folder / "graph.npz"))),
        "run": lambda: describe(run),
    }


def fuzz(examples: int, seed: int) -> collections.Counter[str]:
    """Damage and read files.

    Parameters
    ----------
    examples : int
        How many.
    seed : int
        Decides all of them.

    Returns
    -------
    Counter
        How many were refused, and taken, by the name of the file.
    """
    random, counts = np.random.default_rng(seed), collections.Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        readers = make_files(folder)
        for number in range(examples):
            name = list(readers)[random.integers(len(readers))]
            files = sorted(path for path in (folder / name, *(folder / name).glob("*")) if path.is_file())
            path = files[random.integers(len(files))]
            content = path.read_bytes()
            path.write_bytes(damaged(content, random))
            try:
                readers[name]()
                counts[f"{name} taken"] += 1
            except (ValueError, FileNotFoundError):
                counts[f"{name} refused"] += 1
            except BaseException as error:
                raise AssertionError(f"example {number} of seed {seed}, {path.name}: {error!r}") from error
            path.write_bytes(content)
    return counts


def main() -> None:
    """Print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name, count in sorted(fuzz(options.examples, options.seed).items()):
        print(f"{name:<20}{count:>8,}")


if __name__ == "__main__":
    main()

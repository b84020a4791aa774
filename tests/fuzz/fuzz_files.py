"""Test of damaged files.

Each example takes a saved manifold, an array, a sparse graph or the description of a run. It flips bits, cuts, repeats
or exchanges parts of one file, and reads it. The result must be the stored data, or an error with a clear message.
"""

import functools
import json
import tempfile
from pathlib import Path

import numpy as np
import scipy.sparse
from fuzzing import pick

from umap_sk import Manifold, PrecomputedUMAP
from umap_sk.cli.files import map_array, read_graph
from umap_sk.cli.inspect import describe

ODD = (b"", b"[" * 5000, b"(" * 5000, b"-1", b"1e999", b"null", b'"', b"{", b"}", b"\x00" * 9, b"\xff", b"' : (-1,)")


def damaged(content, random):
    """Return a file's bytes after a random change."""
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
    odd = pick(random, ODD)
    return content[:at] + odd + content[at + len(odd) if kind == 3 else at :]


@functools.cache
def written():
    """Write files to damage into a folder, and return the folder and a reader for each file or directory."""
    keeper = tempfile.TemporaryDirectory()
    written.keeper = keeper
    folder, points = Path(keeper.name), np.random.default_rng(0).normal(size=(80, 3))
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

    def read_manifold():
        found = Manifold.load(folder / "manifold")
        pairs = zip(found.arrays(), manifold.arrays(), strict=True)
        same = all(one.dtype == other.dtype and np.array_equal(one, other) for one, other in pairs)
        assert same and found.parameters == manifold.parameters, "another manifold than was written"

    return folder, {
        "manifold": read_manifold,
        "points.npy": lambda: (map_array(str(folder / "points.npy"), "--features"), describe(folder / "points.npy")),
        "graph.npz": lambda: (describe(folder / "graph.npz"), read_graph(str(folder / "graph.npz"))),
        "run": lambda: describe(run),
    }


def check(random):
    """Damage and read one file, and return the outcome."""
    folder, readers = written()
    name = pick(random, list(readers))
    files = sorted(path for path in (folder / name, *(folder / name).glob("*")) if path.is_file())
    path = pick(random, files)
    content = path.read_bytes()
    path.write_bytes(damaged(content, random))
    try:
        readers[name]()
        return f"{name}, read"
    except (ValueError, FileNotFoundError):
        return f"{name}, refused"
    finally:
        path.write_bytes(content)

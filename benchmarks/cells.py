"""scanpy's neighbors and map of simulated cells, with umap-learn, after `replace_umap`, and with the own functions.

    python -m benchmarks.cells  # needs scanpy and umap-learn
    python -m benchmarks.cells --cells 5000 --ways replaced own

Each way runs in its own process. It first lays out 2,000 cells, so that no kernel is compiled during the measurement.
Quality is the recall of the 15 nearest neighbors of 1,000 cells.
"""

import argparse
import json
import subprocess
import sys
import time
from typing import Any

import numpy as np

import umap_sk

WAYS = {
    "umap-learn": "sc.pp.neighbors, sc.tl.umap",
    "replaced": "the same, under replace_umap()",
    "own": "NeighborsTransformer, umap_sk.scanpy.umap",
}
CLUSTERS, WARM_UP, LOOKED_AT = 40, 2000, 1000


def made_up(n: int, columns: int) -> np.ndarray:
    """Return cells of 40 types of different sizes and widths, along lines between their centers."""
    rng = np.random.default_rng(0)
    centers = rng.normal(0, 3, (CLUSTERS, columns))
    kinds = rng.choice(CLUSTERS, n, p=rng.dirichlet(np.full(CLUSTERS, 2.0)))
    along = rng.beta(1, 4, n)[:, None]
    places = centers[kinds] * (1 - along) + centers[(kinds + 1) % CLUSTERS] * along
    return (places + rng.normal(0, 1, (n, columns)) * rng.uniform(0.4, 1.2, CLUSTERS)[kinds, None]).astype(np.float32)


def steps(way: str, X: np.ndarray) -> tuple[list[float], list[float], np.ndarray]:
    """Return the seconds and the CPU seconds of neighbors and map, and the map."""
    import anndata
    import scanpy as sc

    cells = anndata.AnnData(X)
    neighbors: dict[str, Any] = {"use_rep": "X"}
    if way == "own":
        neighbors["transformer"] = umap_sk.NeighborsTransformer(14)
    clock = [(time.perf_counter(), time.process_time())]
    sc.pp.neighbors(cells, **neighbors)
    clock.append((time.perf_counter(), time.process_time()))
    (umap_sk.scanpy.umap if way == "own" else sc.tl.umap)(cells)
    clock.append((time.perf_counter(), time.process_time()))
    wall, processors = np.diff(np.array(clock), axis=0).T.tolist()
    return wall, processors, cells.obsm["X_umap"]


def measured(way: str, n: int, columns: int) -> dict[str, Any]:
    """Return times and quality of one way, in this process."""
    if way == "replaced":
        umap_sk.replace_umap()
    X = made_up(n, columns)
    steps(way, X[:WARM_UP])
    wall, processors, places = steps(way, X)
    rows = np.random.default_rng(1).choice(n, min(n, LOOKED_AT), replace=False)
    return {"wall": wall, "processors": processors, "kept": kept(X, places, rows)}


def kept(X: np.ndarray, places: np.ndarray, rows: np.ndarray) -> float:
    """Return the share of the 15 nearest neighbors of some rows that are also their nearest in the map."""
    from sklearn.neighbors import NearestNeighbors

    names = [NearestNeighbors(n_neighbors=16).fit(values).kneighbors(values[rows])[1][:, 1:] for values in (X, places)]
    return float(np.mean([len(np.intersect1d(*pair)) / 15 for pair in zip(*names, strict=True)]))


def main() -> None:
    """Print the times of each way, and their ratios to the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=50, help="components of each cell")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(measured(asked.ways[0], asked.cells, asked.columns)))
        return
    first = None
    for way in asked.ways:
        sizes = ["--cells", str(asked.cells), "--columns", str(asked.columns)]
        command = [sys.executable, "-m", "benchmarks.cells", *sizes, "--ways", way, "--alone"]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(ended.stdout.splitlines()[-1])
        wall, processors = np.array(found["wall"]), np.array(found["processors"])
        sums = np.array([wall.sum(), processors.sum()])
        first = sums if first is None else first
        times = first / sums
        print(
            f"{way:10} neighbors {wall[0]:.1f} s (CPU {processors[0]:.1f}), map {wall[1]:.1f} s (CPU "
            f"{processors[1]:.1f}), together {sums[0]:.1f} s (CPU {sums[1]:.1f}): {times[0]:.1f} times as fast (CPU "
            f"{times[1]:.1f}); keeps {found['kept']:.3f} of the neighbors: {WAYS[way]}",
            flush=True,
        )


if __name__ == "__main__":
    main()

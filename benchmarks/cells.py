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
from typing import Any

import numpy as np

import umap_sk
from benchmarks import command

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


def steps(way: str, X: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """Return the seconds and the CPU seconds of neighbors, map and both, and the map."""
    import anndata
    import scanpy as sc

    cells = anndata.AnnData(X)
    neighbors: dict[str, Any] = {"use_rep": "X"}
    if way == "own":
        neighbors["transformer"] = umap_sk.NeighborsTransformer(14)
    _, first = command.timed(sc.pp.neighbors, cells, **neighbors)
    _, second = command.timed(umap_sk.scanpy.umap if way == "own" else sc.tl.umap, cells)
    parts = {"neighbors s": first["seconds"], "map s": second["seconds"]}
    return parts | {key: first[key] + second[key] for key in first}, cells.obsm["X_umap"]


def measured(way: str, n: int, columns: int) -> dict[str, float]:
    """Return times and quality of one way, in this process."""
    if way == "replaced":
        umap_sk.replace_umap()
    X = made_up(n, columns)
    steps(way, X[:WARM_UP])
    times, places = steps(way, X)
    rows = np.random.default_rng(1).choice(n, min(n, LOOKED_AT), replace=False)
    return times | {"kept": kept(X, places, rows)}


def kept(X: np.ndarray, places: np.ndarray, rows: np.ndarray) -> float:
    """Return the share of the 15 nearest neighbors of some rows that are also their nearest in the map."""
    from sklearn.neighbors import NearestNeighbors

    names = [NearestNeighbors(n_neighbors=16).fit(values).kneighbors(values[rows])[1][:, 1:] for values in (X, places)]
    return float(np.mean([len(np.intersect1d(*pair)) / 15 for pair in zip(*names, strict=True)]))


def main() -> None:
    """Print the times of each way, and their ratios to the first."""
    parser = command.parser("cells", __doc__)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=50, help="components of each cell")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(measured(options.ways[0], options.cells, options.columns)))
        return
    lines: dict[str, dict[str, float]] = {}
    for way in options.ways:
        sizes = ["--cells", str(options.cells), "--columns", str(options.columns)]
        program = [sys.executable, "-m", "benchmarks.cells", *sizes, "--ways", way, "--alone"]
        ended = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True)
        line = json.loads(ended.stdout.splitlines()[-1])
        first = lines.get(options.ways[0], line)
        ratios = {"times as fast": first["seconds"] / line["seconds"], "by CPU": first["cpu"] / line["cpu"]}
        lines[way] = line | ratios
        print(f"{way}: {WAYS[way]}", flush=True)
    print("\n" + command.markdown(lines, "way"))
    command.conclude(options, {"results": lines})


if __name__ == "__main__":
    main()

"""Seconds from a fresh process to the first embedding of digits, with cached and with cold kernels.

``python -m benchmarks.startup`` starts processes that import ``sklearn.manifold`` and numba, then time the import of
the package and its first fit: what is printed comes on top of those two imports. numba's cache goes to an empty
folder, so the first process compiles and the next ones load. Bars: 1 s with cached kernels, 15 s with cold ones.
"""

import os
import statistics
import subprocess
import sys
import tempfile

from benchmarks import command, datasets, machine

COMMON = """
import sys, time
clock = time.perf_counter()
import numpy as np, sklearn.manifold, numba
base = time.perf_counter() - clock
features, indices, distances, start = (np.load(f"{sys.argv[1]}/{name}.npy") for name in
                                       ("features", "knn_indices", "knn_dists", "start"))
clock = time.perf_counter()
"""
SCRIPTS = {
    "ours": """
import umap_sk
imported = time.perf_counter() - clock
umap_sk.PrecomputedUMAP(random_state=0).fit(knn_indices=indices, knn_dists=distances, init=start)
""",
    "umap-learn": """
import umap
imported = time.perf_counter() - clock
umap.UMAP(init=start, precomputed_knn=(indices, distances, None)).fit(features)
""",
}
FINISH = "print(base, imported, time.perf_counter() - clock)"


def fresh_process(peer, folder, cache):
    """Seconds of the two common imports, of the package's import, and of import and first fit together."""
    environment = dict(os.environ, NUMBA_CACHE_DIR=cache, PYTHONWARNINGS="ignore")
    script = COMMON + SCRIPTS[peer] + FINISH
    done = subprocess.run([sys.executable, "-c", script, folder], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the process for {peer} failed:\n{done.stderr}")
    return [float(word) for word in done.stdout.split()[-3:]]


def main(arguments=None):
    """Measure and print."""
    parser = command.parser("startup", __doc__)
    parser.add_argument("--peers", default="ours", help=f"of {', '.join(SCRIPTS)}; comma-separated")
    parser.add_argument("--rounds", type=int, default=5, help="fresh processes with cached kernels")
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args(arguments)
    datasets.load("digits")
    folder = str(datasets.folder_of("digits"))
    rows, results = [], {}
    for peer in options.peers.split(","):
        with tempfile.TemporaryDirectory() as cache:
            cold = fresh_process(peer, folder, cache)
            cached = [fresh_process(peer, folder, cache) for _ in range(options.rounds)]
        base, imported, both = (statistics.median(column) for column in zip(*cached, strict=True))
        results[peer] = {"base": base, "import": imported, "cached": both, "cold": cold[2], "rounds": cached}
        rows.append([peer, *(f"{seconds:.2f}" for seconds in (base, imported, both, cold[2]))])
    header = ["peer", "sklearn.manifold and numba s", "import s", "import and first fit, cached s", "the same, cold s"]
    print(machine.markdown(header, rows))
    machine.write(options.json, {"options": vars(options), "results": results})


if __name__ == "__main__":
    main()

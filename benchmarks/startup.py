"""Seconds from a fresh process to the first embedding of digits, with cached and with cold kernels.

``python -m benchmarks.startup`` starts processes that import ``sklearn.manifold`` and numba, and then measure the
import of the package and its first fit. These two imports therefore do not count. numba's cache is in an empty folder,
and this package is a copy without compiled kernels, because it also reads those beside its sources. So the first
process compiles, and the next ones load. Bars: 1 s with cached kernels, and 6 s with cold ones.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import umap_sk
from benchmarks import command, datasets

BEGIN = """
import sys, time
import numpy as np, sklearn.manifold, numba
names = "features", "knn_indices", "knn_dists", "start"
features, indices, distances, start = (np.load(f"{sys.argv[1]}/{name}.npy") for name in names)
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
END = "print(imported, time.perf_counter() - clock)"
CACHED_BAR, COLD_BAR = 1.0, 6.0


def copy_without_kernels(folder):
    """Copy this package and its bytecode, but no machine code."""
    source = Path(umap_sk.__file__).parent
    shutil.copytree(source, Path(folder) / source.name, ignore=shutil.ignore_patterns("*.nbc", "*.nbi"))


def fresh_process(peer, folder):
    """Return the seconds of a package's import, and of its import and first fit together."""
    environment = dict(os.environ, NUMBA_CACHE_DIR=f"{folder}/cache", PYTHONWARNINGS="ignore")
    arguments = [sys.executable, "-c", BEGIN + SCRIPTS[peer] + END, str(datasets.folder_of("digits"))]
    done = subprocess.run(arguments, env=environment, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the process for {peer} failed:\n{done.stderr}")
    return dict(zip(("import", "first map"), map(float, done.stdout.split()[-2:]), strict=True))


def main(arguments=None):
    """Measure, and print a table and the missed bars."""
    parser = command.parser("startup", __doc__, rounds=5)
    parser.add_argument("--peers", default="ours", help=f"of {', '.join(SCRIPTS)}; separated by commas")
    options = parser.parse_args(arguments)
    datasets.load("digits")
    lines, missed = {}, []
    for peer in options.peers.split(","):
        with tempfile.TemporaryDirectory() as folder:
            copy_without_kernels(folder)
            cold = fresh_process(peer, folder)["first map"]
            cached = command.medians([fresh_process(peer, folder) for _ in range(options.rounds)])
        lines[peer] = {"import s": cached["import"], "first map s, cached": cached["first map"], "cold": cold}
    for key, bar in {"first map s, cached": CACHED_BAR, "cold": COLD_BAR}.items():
        if "ours" in lines and lines["ours"][key] > bar:
            missed.append(f"{key} {lines['ours'][key]:.2f}, bar {bar:g}")
    print(command.markdown(lines, "package"))
    command.conclude(options, {"results": lines}, missed)


if __name__ == "__main__":
    main()

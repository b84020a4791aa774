"""
Killed, and gone on with
========================

A run with ``checkpoint=`` is kept on disk. Here a process is killed in the middle of its layout, by the signal that
none can catch; the same call in another process goes on from there, and ends at the bits of a run that nobody killed.
"""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import make_blobs
from sklearn.neighbors import NearestNeighbors

from umap_sk import Checkpoint, EmbeddingDisplay, PrecomputedUMAP

points, labels = make_blobs(20_000, 10, centers=12, cluster_std=2.0, random_state=0)
dists, ids = NearestNeighbors(n_neighbors=15).fit(points).kneighbors(points)
folder = Path(tempfile.mkdtemp())
np.savez(folder / "neighbors.npz", ids=ids, dists=dists)

PROGRAM = """
import sys
import numpy as np
from umap_sk import Checkpoint, PrecomputedUMAP
folder = sys.argv[1]
arrays = np.load(f"{folder}/neighbors.npz")
umap = PrecomputedUMAP(n_epochs=1500, random_state=0, checkpoint=Checkpoint(f"{folder}/runs", every_epochs=50))
umap.fit(knn_indices=arrays["ids"], knn_dists=arrays["dists"])
"""
process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)])
while not list(folder.glob("runs/*/epoch-*.joblib")) and process.poll() is None:
    time.sleep(0.05)
process.send_signal(signal.SIGKILL)
print("killed:", process.wait())

# %%
# The same call, here:

settings = {"n_epochs": 1500, "random_state": 0}
resumed = PrecomputedUMAP(**settings, checkpoint=Checkpoint(folder / "runs", every_epochs=50))
resumed.fit(knn_indices=ids, knn_dists=dists)
print(resumed.report_)
untouched = PrecomputedUMAP(**settings).fit(knn_indices=ids, knn_dists=dists)
print("the same bits:", np.array_equal(resumed.embedding_, untouched.embedding_))
EmbeddingDisplay.from_estimator(resumed, labels=labels, legend=False, title="killed once")

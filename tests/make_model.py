"""How model_format_2.joblib was made: ``PYTHONPATH=. python tests/make_model.py``. Run it for a new format only.

Later versions of the package must read what this one wrote, so the files of earlier formats stay as they are.
"""

from pathlib import Path

import joblib
import numpy as np

import umap_sk
from umap_sk import PrecomputedUMAP, persistence

PATH = Path(__file__).parent / "data" / f"model_format_{persistence.FORMAT}.joblib"


def arrays():
    """60 points on a ring of uneven pace, with their 8 nearest; the row itself first."""
    angles = np.cumsum(1 + np.arange(60) % 5 / 10)
    angles *= 2 * np.pi / angles[-1]
    points = np.c_[np.cos(angles), np.sin(angles)]
    distances = np.linalg.norm(points[:, None] - points[None, :], axis=2)
    indices = np.argsort(distances, axis=1, kind="stable")[:, :8]
    return {"knn_indices": indices, "knn_dists": np.take_along_axis(distances, indices, axis=1)}


def main():
    """Write a finished and a half-done model, with the finished one's map as plain numbers."""
    settings = {"n_neighbors": 8, "n_epochs": 20, "random_state": 0}
    finished = PrecomputedUMAP(**settings).fit(**arrays())
    half_done = PrecomputedUMAP(**settings).partial_fit(**arrays(), epochs=10)
    models = {"finished": finished, "half_done": half_done, "version": umap_sk.__version__}
    joblib.dump({**models, "embedding": finished.embedding_.tolist()}, PATH, compress=3)


if __name__ == "__main__":
    main()

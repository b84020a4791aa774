"""
70,000 pieces of clothing
=========================

Fashion-MNIST, as Debian's package ``dataset-fashion-mnist`` has it. PyNNDescent finds the neighbors of all images; with
more than 50,000 points the picture is a raster, whose pixels have the mean color of the points that they hold.
"""

import gzip
from pathlib import Path

import numpy as np
from pynndescent import NNDescent

from umap_sk import EmbeddingDisplay, PrecomputedUMAP

FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = "T-shirt trouser pullover dress coat sandal shirt sneaker bag boot".split()


def read(kind, skipped):
    """Bytes of the images or labels, the training rows first."""
    files = (FOLDER / f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k"))
    return np.concatenate([np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8)[skipped:] for file in files])


images = read("images-idx3", 16).reshape(-1, 784).astype(np.float32)
labels = np.array(CLASSES)[read("labels-idx1", 8)]
ids, dists = NNDescent(images, n_neighbors=15, random_state=0).neighbor_graph

# %%
# The map itself takes a second. The images go along for the start alone: their first two principal components.

reducer = PrecomputedUMAP(random_state=0).fit(images, knn_indices=ids, knn_dists=dists)
print(reducer.report_)
EmbeddingDisplay.from_estimator(reducer, labels=labels, names=True, title="Fashion-MNIST")

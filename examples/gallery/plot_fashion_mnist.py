"""
70,000 pieces of clothing
=========================

Fashion-MNIST, as Debian's package ``dataset-fashion-mnist`` has it: from the images to the map. With
more than 50,000 points the picture is a raster, whose pixels have the mean color of the points in them.
"""

import gzip
from pathlib import Path

import numpy as np

from umap_sk import EmbeddingDisplay, PrecomputedUMAP

FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = "T-shirt trouser pullover dress coat sandal shirt sneaker bag boot".split()


def read(kind, skipped):
    """Bytes of the images or labels, the training rows first."""
    files = (FOLDER / f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k"))
    return np.concatenate([np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8)[skipped:] for file in files])


images = read("images-idx3", 16).reshape(-1, 784).astype(np.float32)
labels = np.array(CLASSES)[read("labels-idx1", 8)]
reducer = PrecomputedUMAP(metric="euclidean", random_state=0).fit(images)

# %%
# The report says what each phase took, and which share of the nearest neighbors was found.

print(reducer.report_)
EmbeddingDisplay.from_estimator(reducer, labels=labels, names=True, title="Fashion-MNIST")

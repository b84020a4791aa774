"""
Neighbors from faiss, hnswlib, usearch, PyNNDescent and scikit-learn
====================================================================

Each library returns two arrays, in its own order and units. Beware of squares: the "L2" of faiss, hnswlib and usearch
is a squared distance.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import EmbeddingDisplay, PrecomputedUMAP


def from_scikit_learn(vectors, k):
    """scikit-learn gives distances first, then indices."""
    return NearestNeighbors(n_neighbors=k).fit(vectors).kneighbors(vectors)[::-1]


def from_faiss(vectors, k):
    """faiss gives squared distances for its L2 indexes."""
    import faiss

    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    squared, indices = index.search(vectors, k)
    return indices, np.sqrt(np.maximum(squared, 0))


def from_hnswlib(vectors, k):
    """hnswlib's "l2" is squared too, and its indices are uint64; one thread builds the same index each time."""
    import hnswlib

    index = hnswlib.Index(space="l2", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=200, M=16)
    index.add_items(vectors, num_threads=1)
    index.set_ef(4 * k)
    indices, squared = index.knn_query(vectors, k=k)
    return indices, np.sqrt(squared)


def from_usearch(vectors, k):
    """usearch says in the metric's name that it is squared; several threads build another index each time."""
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="l2sq", dtype="f32")
    index.add(np.arange(len(vectors)), vectors, threads=1)
    found = index.search(vectors, k)
    return found.keys, np.sqrt(found.distances)


def from_pynndescent(vectors, k):
    """PyNNDescent gives plain distances, the row itself first."""
    from pynndescent import NNDescent

    return NNDescent(vectors, n_neighbors=k, random_state=0).neighbor_graph


LIBRARIES = (from_scikit_learn, from_faiss, from_hnswlib, from_usearch, from_pynndescent)

if __name__ == "__main__":
    digits = load_digits()
    vectors = digits.data.astype(np.float32)
    figure, panels = plt.subplots(1, len(LIBRARIES), figsize=(16, 3.6), layout="constrained")
    for library, axes in zip(LIBRARIES, panels, strict=True):
        try:
            indices, dists = library(vectors, 15)
        except ModuleNotFoundError as error:
            axes.set_axis_off()
            print(f"{error.name} is not installed")
            continue
        reducer = PrecomputedUMAP(random_state=0).fit(knn_indices=indices, knn_dists=dists)
        title = library.__name__.removeprefix("from_").replace("_", "-")
        EmbeddingDisplay.from_estimator(reducer, labels=digits.target, ax=axes, legend=False, title=title)

# %%
# The estimator calls these libraries itself where it is given features: see its parameter ``searcher``.

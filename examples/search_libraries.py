"""Neighbors from the libraries of the field, each as the two arrays that PrecomputedUMAP takes."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP


def from_faiss(vectors, k):
    """faiss gives squared distances for its L2 indexes."""
    import faiss

    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    squared, indices = index.search(vectors, k)
    return indices, np.sqrt(np.maximum(squared, 0))


def from_hnswlib(vectors, k):
    """hnswlib's "l2" is squared too, and its indices are uint64."""
    import hnswlib

    index = hnswlib.Index(space="l2", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=200, M=16)
    index.add_items(vectors)
    index.set_ef(4 * k)
    indices, squared = index.knn_query(vectors, k=k)
    return indices, np.sqrt(squared)


def from_usearch(vectors, k):
    """usearch says in the metric's name that it is squared."""
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="l2sq", dtype="f32")
    index.add(np.arange(len(vectors)), vectors)
    found = index.search(vectors, k)
    return found.keys, np.sqrt(found.distances)


def from_pynndescent(vectors, k):
    """PyNNDescent gives plain distances, the row itself first."""
    from pynndescent import NNDescent

    return NNDescent(vectors, n_neighbors=k, random_state=0).neighbor_graph


def from_scikit_learn(vectors, k):
    """scikit-learn gives distances first, then indices."""
    return NearestNeighbors(n_neighbors=k).fit(vectors).kneighbors(vectors)[::-1]


LIBRARIES = (from_faiss, from_hnswlib, from_usearch, from_pynndescent, from_scikit_learn)

if __name__ == "__main__":
    digits = load_digits().data.astype(np.float32)
    knn_indices, knn_dists = from_scikit_learn(digits, 15)
    print(PrecomputedUMAP(random_state=0).fit_transform(knn_indices=knn_indices, knn_dists=knn_dists))

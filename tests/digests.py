"""SHA-256 hashes of the result of every stage for reproducible data: ``python tests/digests.py``."""

import hashlib
import json

import numpy as np
import scipy.sparse
from sklearn.datasets import load_digits

from umap_sk import UMAP, PrecomputedUMAP, nearest_neighbors
from umap_sk.layout.init import compute_pca_positions

SETTINGS = {"n_epochs": 15, "random_state": 0}


def digest(*arrays):
    sums = hashlib.sha256()
    for array in arrays:
        sums.update(np.ascontiguousarray(array).tobytes())
    return sums.hexdigest()


def of_digits():
    """Return hashes of the search, the graph, the initial layouts, the maps and the new rows of the digits."""
    features = load_digits().data
    indices, dists = nearest_neighbors(features)
    arrays = {"knn_indices": indices, "knn_dists": dists}
    model = PrecomputedUMAP(**SETTINGS).fit(**arrays)
    found = {"neighbors": digest(indices, dists), "graph": digest(model.graph_.data)}
    found["pca"] = digest(compute_pca_positions(features, 2, 0))
    for name, options in {
        "pivot_mds": {"init": "pivot_mds"},
        "spectral": {"init": "spectral"},
        "three axes": {"n_components": 3},
        "haversine": {"output_metric": "haversine"},
        "hyperboloid": {"output_metric": "hyperboloid"},
    }.items():
        found[name] = digest(PrecomputedUMAP(**SETTINGS, **options).fit(**arrays).embedding_)
    model = UMAP(**SETTINGS, min_dist=0.25, init="pca").fit(features)
    return found | {"features": digest(model.embedding_), "new rows": digest(model.transform(features[:100] + 0.5))}


def of_made():
    """Return hashes for 12,500 dense rows, with an inverted file and a field, and for 5,000 sparse rows."""
    features = made_features(12_500, 140)
    indices, dists = nearest_neighbors(features)
    model = PrecomputedUMAP(**SETTINGS).fit(features, knn_indices=indices, knn_dists=dists)
    random = np.random.default_rng(2)
    rows, columns = np.repeat(np.arange(5_000), 20), random.integers(0, 2_000, 100_000)
    words = scipy.sparse.coo_array((1.0 + random.random(100_000), (rows, columns)), (5_000, 2_000)).tocsr()
    sparse = nearest_neighbors(words, metric="cosine")
    return {
        "rows": digest(features),
        "inverted file": digest(indices, dists),
        "map": digest(model.embedding_),
        "words": digest(*sparse, compute_pca_positions(words, 2, 0)),
    }


def made_features(n, columns):
    """Return rows around 40 centers that vary in 12 directions, summed in a fixed order."""
    random = np.random.default_rng(0)
    latent = 2 * random.random((40, 12))[random.integers(0, 40, n)] + random.random((n, 12))
    directions = random.random((12, columns)) - 0.5
    features = random.random((n, columns))
    for k in range(12):
        features += latent[:, k : k + 1] * directions[k]
    return features.astype(np.float32)


if __name__ == "__main__":
    print(json.dumps({"digits": of_digits(), "made": of_made()}))

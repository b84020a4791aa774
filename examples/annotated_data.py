"""AnnData, as scanpy keeps it: obsp["distances"] in, obsm["X_umap"] out; or from its connectivities."""

import numpy as np
from anndata import AnnData
from sklearn.datasets import load_digits
from sklearn.neighbors import kneighbors_graph

from umap_sk import Manifold, PrecomputedUMAP


def add_map(data, n_neighbors=15):
    """A map from the distances of scanpy.pp.neighbors, which leave the row itself out."""
    reducer = PrecomputedUMAP(n_neighbors=n_neighbors, random_state=0)
    data.obsm["X_umap"] = reducer.fit_transform(data.obsp["distances"])
    return reducer


def add_map_of_connectivities(data):
    """The same graph from memberships of another tool, which hold no distances, so that the start is spectral."""
    manifold = Manifold.from_graph(data.obsp["connectivities"])
    data.obsm["X_umap"] = PrecomputedUMAP(random_state=0).fit_transform(manifold=manifold)


if __name__ == "__main__":
    cells = AnnData(load_digits().data.astype(np.float32))
    cells.obsp["distances"] = kneighbors_graph(cells.X, 14, mode="distance")  # stands in for scanpy.pp.neighbors
    cells.obsp["connectivities"] = add_map(cells).graph_
    add_map_of_connectivities(cells)
    print(cells)

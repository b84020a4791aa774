"""muon: weighted neighbors of two modalities, and a map of both."""

import anndata
import muon as mu
import numpy as np
import scanpy as sc
from sklearn.datasets import make_blobs

X, kind = make_blobs(200, 12, centers=3, random_state=0)
views = {"rna": anndata.AnnData(X[:, :6]), "protein": anndata.AnnData(X[:, 6:])}
for view in views.values():
    sc.pp.neighbors(view, use_rep="X")
cells = mu.MuData(views)
mu.pp.neighbors(cells, n_neighbors=10, n_bandwidth_neighbors=10, n_multineighbors=30)
mu.tl.umap(cells)
places = cells.obsm["X_umap"]
assert places.shape == (200, 2) and np.isfinite(places).all()
centers = np.array([places[kind == k].mean(axis=0) for k in range(3)])
assert (np.linalg.norm(places[:, None] - centers, axis=2).argmin(axis=1) == kind).mean() > 0.95

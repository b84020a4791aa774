"""scanpy: neighbors, tl.umap, ingest, and this package's own function for AnnData."""

import numpy as np
import scanpy as sc
from sklearn.datasets import make_blobs

import umap_sk

X, kind = make_blobs(400, 30, centers=4, cluster_std=2.0, random_state=0)
cells, new = sc.AnnData(X[:350].astype(np.float32)), sc.AnnData(X[350:].astype(np.float32))
cells.obs["kind"] = [str(k) for k in kind[:350]]
cells.obs["kind"] = cells.obs["kind"].astype("category")

sc.pp.pca(cells, n_comps=10)
sc.pp.neighbors(cells)
sc.tl.umap(cells, maxiter=60)
assert cells.obsm["X_umap"].shape == (350, 2) and np.isfinite(cells.obsm["X_umap"]).all()
assert set(cells.uns["umap"]["params"]) == {"a", "b"}
first = cells.obsm["X_umap"].copy()
same = np.random.RandomState(0)  # scanpy draws a seed from it, which 0 itself is not
umap_sk.scanpy.umap(cells, maxiter=60, init_pos="spectral", random_state=same, key_added="same")
np.testing.assert_array_equal(cells.obsm["same"], first)

sc.tl.ingest(new, cells, obs="kind")
assert np.mean(new.obs["kind"].astype(int) == kind[350:]) == 1
places = new.obsm["X_umap"]
centers = np.array([first[kind[:350] == k].mean(axis=0) for k in range(4)])
assert (np.linalg.norm(places[:, None] - centers, axis=2).argmin(axis=1) == kind[350:]).mean() > 0.95

sc.pp.neighbors(cells, n_neighbors=15, transformer=umap_sk.NeighborsTransformer(14))
umap_sk.scanpy.umap(cells, maxiter=60, dens_lambda=1.0, key_added="dense")
assert np.isfinite(cells.obsm["dense"]).all()

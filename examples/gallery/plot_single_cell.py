"""
Single cells, in AnnData
========================

``obsp["distances"]`` of scanpy goes in, ``obsm["X_umap"]`` comes out. The cells here are made on the spot: three types
that branch off one stem, with counts as a sequencer has them.
"""

import numpy as np
from anndata import AnnData
from sklearn.decomposition import PCA
from sklearn.neighbors import kneighbors_graph

from umap_sk import EmbeddingDisplay, Manifold, PrecomputedUMAP

rng = np.random.default_rng(0)
branch, time = rng.integers(3, size=3000), rng.random(3000)
programs = np.abs(rng.normal(size=(4, 500)))
expression = (1 - time)[:, None] * programs[3] + time[:, None] * programs[branch]
counts = rng.poisson(rng.gamma(8, 0.25, size=(3000, 1)) * expression)
cells = AnnData(counts.astype(np.float32))
cells.obs["time"] = time
cells.obs["fate"] = np.where(time < 0.3, "stem", np.array(["blood", "skin", "nerve"])[branch])

# %%
# As ``scanpy.pp.normalize_total``, ``log1p``, ``pca`` and ``neighbors`` do:

logged = np.log1p(1e3 * cells.X / cells.X.sum(1, keepdims=True))
cells.obsm["X_pca"] = PCA(20, random_state=0).fit_transform(logged)
cells.obsp["distances"] = kneighbors_graph(cells.obsm["X_pca"], 14, mode="distance")

reducer = PrecomputedUMAP(n_neighbors=15, random_state=0)
cells.obsm["X_umap"] = reducer.fit_transform(cells.obsp["distances"])
EmbeddingDisplay.from_embedding(cells, labels="fate", names=True, title="3,000 cells, by fate")

# %%
# A column of numbers, or a gene, colors it as well:

EmbeddingDisplay.from_embedding(cells, values="time", title="3,000 cells, by time")

# %%
# Memberships that another tool has made, such as ``obsp["connectivities"]``, are a graph already. They hold no
# distances, so that the start is spectral.

cells.obsp["connectivities"] = reducer.graph_
of_connectivities = PrecomputedUMAP(random_state=0).fit(manifold=Manifold.from_graph(cells.obsp["connectivities"]))
print(of_connectivities.report_)

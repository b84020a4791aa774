"""UMAP on the workers of a Dask cluster, for graphs that no single machine holds; needs the extra ``dask``."""

from umap_sk.dask.estimator import DistributedUMAP
from umap_sk.dask.placing import transform

__all__ = ["DistributedUMAP", "transform"]

"""UMAP on the workers of a Dask cluster, for graphs that do not fit on one machine. It needs the extra ``dask``."""

from umap_sk.dask.estimator import DistributedUMAP
from umap_sk.dask.placing import transform

__all__ = ["DistributedUMAP", "transform"]

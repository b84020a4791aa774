"""The types of umap-learn's parameters."""

from typing import TypeAlias

from numpy.typing import ArrayLike

from umap_sk._typing import FeaturesLike, Metric, OutputMetric
from umap_sk.neighbors.choice import Searcher
from umap_sk.pipeline.parameters import RandomState

KnnGraph: TypeAlias = tuple[ArrayLike | None, ...] | list[ArrayLike | None] | FeaturesLike
"""Neighbors in the forms of umap-learn and cuML: indices and distances, or a sparse or dense matrix of distances."""


class ParameterTypes:
    """The parameters of :class:`umap_sk.UMAP`, as attributes with types."""

    n_neighbors: int
    n_components: int
    metric: Metric
    metric_kwds: dict[str, object] | None
    output_metric: OutputMetric
    output_metric_kwds: dict[str, object] | None
    n_epochs: int | list[int] | tuple[int, ...] | None
    learning_rate: float
    init: str | ArrayLike
    min_dist: float
    spread: float
    low_memory: bool
    n_jobs: int | None
    set_op_mix_ratio: float
    local_connectivity: float
    repulsion_strength: float
    negative_sample_rate: float
    transform_queue_size: float
    a: float | None
    b: float | None
    random_state: RandomState
    angular_rp_forest: bool
    target_n_neighbors: int
    target_metric: str
    target_metric_kwds: dict[str, object] | None
    target_weight: float
    transform_seed: int
    transform_mode: str
    force_approximation_algorithm: bool
    verbose: bool
    tqdm_kwds: dict[str, object] | None
    unique: bool
    densmap: bool
    dens_lambda: float
    dens_frac: float
    dens_var_shift: float
    output_dens: bool
    disconnection_distance: float | None
    precomputed_knn: KnnGraph
    searcher: Searcher
    optimizer: str | None
    compatibility_layout: str | None

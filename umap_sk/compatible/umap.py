"""UMAP, a class with the parameters and defaults of umap-learn's."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, Options, StrOptions

from umap_sk._typing import Metric, OutputMetric
from umap_sk.compatible.inputs import KnnGraph
from umap_sk.compatible.methods import UMAPMethods
from umap_sk.neighbors.choice import Searcher
from umap_sk.pipeline.parameters import RandomState


class UMAP(UMAPMethods):
    """UMAP with umap-learn's names, so that programs only need another import.

    ``from umap_sk import UMAP`` replaces ``from umap import UMAP``. Parameters have the names, positions and defaults
    of umap-learn. A :class:`PrecomputedUMAP` computes the map. After a fit, it is the attribute `estimator_`, with
    everything that umap-learn does not have. Parameters that only choose how umap-learn computes are accepted, and a
    warning names them once a process. "Coming from umap-learn" in the user guide contains the whole list.

    Parameters
    ----------
    n_neighbors : int, default=15
        Number of neighbors of a row, including the row itself.
    n_components : int, default=2
        Number of axes of the embedding.
    metric : str or callable, default="euclidean"
        "precomputed", a metric of :class:`sklearn.neighbors.NearestNeighbors`, "hellinger", or a function of two rows
        that returns a distance, or a tuple that begins with one. "poincare", "symmetric_kl", "ll_dirichlet",
        "kulsinski", and "string" for texts (the edit distance) compare each row with all rows, so the time grows with
        the square of their number. "ordinal" and "count" are "manhattan".
    metric_kwds : dict, default=None
        Further arguments of the metric, by name.
    output_metric : str or callable, default="euclidean"
        The metric of the embedding.
    output_metric_kwds : dict, default=None
        Further arguments of the output metric, by name.
    n_epochs : int or list of int, default=None
        Number of epochs of all levels of the graph; 0 for the initial layout. For a list, the largest number counts,
        and `embedding_list_` contains a map for each. None stands for 450 up to 10,000 rows, and 150 to 230 for more.
    learning_rate : float, default=1.0
        Factor of all steps; 0 for the initial layout.
    init : str or array-like of shape (n_samples, n_components), default="auto"
        Initial layout: positions, "spectral", "random", "pca", or "auto" and "pivot_mds" of :class:`PrecomputedUMAP`.
        umap-learn's default is "spectral". "tswspectral" is "spectral", and "recursive" is "auto".
    min_dist : float, default=0.1
        Distance in the embedding below which points count as touching.
    spread : float, default=1.0
        Scale of the embedding.
    low_memory : bool, default=True
        Not used.
    n_jobs : int, default=-1
        Number of threads, or -1 for all. As in umap-learn, no other number below 1 is valid. The map does not depend
        on it.
    set_op_mix_ratio : float, default=1.0
        1 for the fuzzy union of both directions of an edge, 0 for the fuzzy intersection.
    local_connectivity : float, default=1.0
        Number of nearest neighbors with a membership strength of 1.
    repulsion_strength : float, default=1.0
        Weight of each repulsion.
    negative_sample_rate : float, default=5
        Number of repulsions for each attraction; 0 for no repulsion.
    transform_queue_size : float, default=4.0
        Not used.
    a, b : float, default=None
        Parameters of the curve ``1 / (1 + a d^2b)``. None for a fit to `min_dist` and `spread`.
    random_state : int, RandomState, Generator or None, default=None
        An integer is the seed. A RandomState, a Generator, or NumPy's global generator for None draws the seed, so
        ``RandomState(0)`` gives another map than 0.
    angular_rp_forest : bool, default=False
        Not used.
    target_n_neighbors : int, default=-1
        Number of neighbors among numeric targets; -1 for `n_neighbors`.
    target_metric : str, default="categorical"
        Metric of `y`: "categorical" or "string" for labels, where -1 means unknown, or a metric of numbers, such as
        "ordinal" and "count".
    target_metric_kwds : dict, default=None
        Must be None or empty, except for "ordinal". Metrics of targets have no arguments.
    target_weight : float, default=0.5
        Weight of targets. At 0, the graph of the features counts most. At 1, edges between different labels
        disappear, or only numeric targets count.
    transform_seed : int, default=42
        Not used. The position of a new row depends on that row and the model.
    transform_mode : {"embedding", "graph"}, default="embedding"
        "graph" to compute only membership strengths, also for new rows.
    force_approximation_algorithm : bool, default=False
        Not used.
    verbose : bool, default=False
        Show progress.
    tqdm_kwds : dict, default=None
        Not used.
    unique : bool, default=False
        Lay out equal rows as one, at the same position.
    densmap : bool, default=False
        Keep the density of neighborhoods.
    dens_lambda : float, default=2.0
        Weight of the density if `densmap` is true.
    dens_frac : float, default=0.3
        Share of the epochs, at the end, that keep the density.
    dens_var_shift : float, default=0.1
        Added to the variance of the map's log radii.
    output_dens : bool, default=False
        Return the log radii `rad_orig_` and `rad_emb_`, too.
    disconnection_distance : float, default=None
        Neighbors at this distance or farther are dropped. None for the default of the metric.
    precomputed_knn : tuple, sparse or dense matrix, default=(None, None, None)
        Arrays of shape (n_samples, k) with the neighbors of each row and their distances; a third entry is not used.
        As in cuML, also a sparse graph of distances, or all distances.
    searcher : str or object, default="auto"
        Searcher of the neighbors of features, as in :class:`PrecomputedUMAP`. umap-learn has no such parameter.
    optimizer, compatibility_layout : object, default=None
        Not used. They are parameters of umap-learn 0.6.

    Attributes
    ----------
    estimator_ : PrecomputedUMAP
        The fitted estimator.
    embedding_ : ndarray of shape (n_samples, n_components), float32
        The map, with NaN for disconnected rows.
    graph_ : csr_matrix of shape (n_samples, n_samples)
        Membership strengths.
    embedding_list_ : list of ndarray
        Maps after the epochs in the list `n_epochs`.
    rad_orig_, rad_emb_ : ndarray of shape (n_samples,), float32
        Log radii in the data and in the map, with `densmap` or `output_dens`.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if it has names.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from umap_sk import UMAP
    >>> X, y = load_digits(return_X_y=True)
    >>> UMAP(n_neighbors=10, random_state=0).fit_transform(X).shape
    (1797, 2)
    """

    _parameter_constraints: dict[str, list[object]] = {
        "n_epochs": [Interval(Integral, 0, None, closed="left"), list, tuple, None],
        "learning_rate": [Interval(Real, 0, None, closed="left")],
        "negative_sample_rate": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1}), None],
        "unique": ["boolean"],
        "densmap": ["boolean"],
        "output_dens": ["boolean"],
        "transform_mode": [StrOptions({"embedding", "graph"})],
        "precomputed_knn": [tuple, list, "sparse matrix", np.ndarray],
        "target_metric": [str],
        "target_weight": [Interval(Real, 0, 1, closed="both")],
        "dens_lambda": [Interval(Real, 0, None, closed="left")],
        "dens_frac": [Interval(Real, 0, 1, closed="both")],
        "dens_var_shift": [Interval(Real, 0, None, closed="left")],
        "target_n_neighbors": [Interval(Integral, 2, None, closed="left"), Options(Integral, {-1})],
        "metric_kwds": [dict, None],
        "output_metric_kwds": [dict, None],
        "target_metric_kwds": [dict, None],
    }

    def __init__(
        self,
        n_neighbors=15,
        n_components=2,
        metric="euclidean",
        metric_kwds=None,
        output_metric="euclidean",
        output_metric_kwds=None,
        n_epochs=None,
        learning_rate=1.0,
        init="auto",
        min_dist=0.1,
        spread=1.0,
        low_memory=True,
        n_jobs=-1,
        set_op_mix_ratio=1.0,
        local_connectivity=1.0,
        repulsion_strength=1.0,
        negative_sample_rate=5,
        transform_queue_size=4.0,
        a=None,
        b=None,
        random_state=None,
        angular_rp_forest=False,
        target_n_neighbors=-1,
        target_metric="categorical",
        target_metric_kwds=None,
        target_weight=0.5,
        transform_seed=42,
        transform_mode="embedding",
        force_approximation_algorithm=False,
        verbose=False,
        tqdm_kwds=None,
        unique=False,
        densmap=False,
        dens_lambda=2.0,
        dens_frac=0.3,
        dens_var_shift=0.1,
        output_dens=False,
        disconnection_distance=None,
        precomputed_knn=(None, None, None),
        searcher="auto",
        *,
        optimizer=None,
        compatibility_layout=None,
    ):
        self.n_neighbors: int = n_neighbors
        self.n_components: int = n_components
        self.metric: Metric = metric
        self.metric_kwds: dict[str, object] | None = metric_kwds
        self.output_metric: OutputMetric = output_metric
        self.output_metric_kwds: dict[str, object] | None = output_metric_kwds
        self.n_epochs: int | list[int] | tuple[int, ...] | None = n_epochs
        self.learning_rate: float = learning_rate
        self.init: str | ArrayLike = init
        self.min_dist: float = min_dist
        self.spread: float = spread
        self.low_memory: bool = low_memory
        self.n_jobs: int | None = n_jobs
        self.set_op_mix_ratio: float = set_op_mix_ratio
        self.local_connectivity: float = local_connectivity
        self.repulsion_strength: float = repulsion_strength
        self.negative_sample_rate: float = negative_sample_rate
        self.transform_queue_size: float = transform_queue_size
        self.a: float | None = a
        self.b: float | None = b
        self.random_state: RandomState = random_state
        self.angular_rp_forest: bool = angular_rp_forest
        self.target_n_neighbors: int = target_n_neighbors
        self.target_metric: str = target_metric
        self.target_metric_kwds: dict[str, object] | None = target_metric_kwds
        self.target_weight: float = target_weight
        self.transform_seed: int = transform_seed
        self.transform_mode: str = transform_mode
        self.force_approximation_algorithm: bool = force_approximation_algorithm
        self.verbose: bool = verbose
        self.tqdm_kwds: dict[str, object] | None = tqdm_kwds
        self.unique: bool = unique
        self.densmap: bool = densmap
        self.dens_lambda: float = dens_lambda
        self.dens_frac: float = dens_frac
        self.dens_var_shift: float = dens_var_shift
        self.output_dens: bool = output_dens
        self.disconnection_distance: float | None = disconnection_distance
        self.precomputed_knn: KnnGraph = precomputed_knn
        self.searcher: Searcher = searcher
        self.optimizer: str | None = optimizer
        self.compatibility_layout: str | None = compatibility_layout

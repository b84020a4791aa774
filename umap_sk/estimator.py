"""PrecomputedUMAP, the scikit-learn estimator, which calls the steps of the pipeline."""

import contextlib
import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from numbers import Integral

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils.metaestimators import available_if

from umap_sk.checkpoint.identity import check_same_data, check_same_parameters, compute_fingerprints
from umap_sk.checkpoint.session import Session
from umap_sk.graph.manifold import Manifold
from umap_sk.layout import readers
from umap_sk.metrics.neighborhoods import check_k, compute_recall, list_placed_rows
from umap_sk.monitor.callbacks import CallbackSupportMixin, begin_fit_task
from umap_sk.monitor.progress import say, show_phases
from umap_sk.monitor.report import Report
from umap_sk.neighbors import choice, distances
from umap_sk.pipeline import parameters
from umap_sk.pipeline.attributes import FittedAttributes
from umap_sk.pipeline.fitted import Run, dump_state, load_state, remove_graph
from umap_sk.pipeline.grow import grow
from umap_sk.pipeline.inputs import Arguments, check_combination, drop_unused_targets, read_inputs, read_new_X
from umap_sk.pipeline.lay_out import begin_layout, check_init, run_epochs
from umap_sk.pipeline.learn import learn, learn_graph
from umap_sk.pipeline.on_disk import open_run, reopen_run
from umap_sk.pipeline.place import check_invertible, find_features, place, place_with_neighbors
from umap_sk.pipeline.settings import draw_seed
from umap_sk.planning import plan as planning
from umap_sk.planning import sizes as plan_sizes
from umap_sk.runtime.allocation import allocate_in_memory
from umap_sk.runtime.first_compile import announce_compilation
from umap_sk.runtime.threads import limit_threads
from umap_sk.umap_learn import models
from umap_sk.umap_learn.names import explain_other_names

DOCUMENTATION = "https://umap-sk.readthedocs.io"


def _has_inverse(estimator: "PrecomputedUMAP") -> bool:
    """Return True, or raise if a fitted estimator has no inverse_transform."""
    if hasattr(estimator, "_fitted"):
        check_invertible(estimator._get_settings(), estimator._fitted)
    return True


class PrecomputedUMAP(
    CallbackSupportMixin, FittedAttributes, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """UMAP for precomputed neighbors or features, with the same bits for any number of threads.

    The meaning of `X` depends on `metric` and on the other arguments:

    ====================== ============================================= ==========================================
    metric                 only X given                                  arrays or a manifold given
    ====================== ============================================= ==========================================
    "precomputed"          sparse kNN distance graph or dense distance   features, graph or None, which provide only
                           matrix, n x n (transform: n_new x n)          the row count, names and the PCA start
    a name or a callable   features, whose neighbors `searcher` finds    the same
    ====================== ============================================= ==========================================

    Parameters
    ----------
    n_neighbors : int, default=15
        Number of neighbors of a row, including the row itself.
    n_components : int, default=2
        Number of axes of the embedding.
    metric : str or callable, default="precomputed"
        "precomputed", or a metric of :class:`sklearn.neighbors.NearestNeighbors` for features.
    metric_params : dict, default=None
        Additional arguments of the metric.
    searcher : str or object, default="auto"
        Algorithm that finds the neighbors of features: "auto", "exact", "inverted_file", "pynndescent", "hnswlib",
        "faiss" or "usearch". It may also be an object in scikit-learn's style with `kneighbors`, or with a `transform`
        that returns a graph of distances. A copy of the object is fitted. For Euclidean distance, cosine, correlation
        and Hellinger, "auto" is exact up to 12,000 rows, and uses the package's own inverted file beyond. For other
        metrics it is exact while that takes some seconds: up to 30,000 rows, or another number that depends on the
        metric and the columns (see the guide). Otherwise it is PyNNDescent if that is installed. ``report_["search"]``
        contains the name of the searcher, and its recall if it does not find all neighbors.
    min_dist : float, default=0.1
        Distance in the embedding up to which neighbors have full similarity.
    spread : float, default=1.0
        Scale of the embedding.
    a, b : float, default=None
        Parameters of the curve ``1 / (1 + a d^2b)``. If None, they are fitted to `min_dist` and `spread`.
    local_connectivity : float, default=1.0
        Number of nearest neighbors to which each row is assumed to be connected with full membership strength.
    set_op_mix_ratio : float, default=1.0
        Mix of the two directions of an edge: 1 is their fuzzy union, and 0 is their intersection.
    disconnection_distance : float, default=None
        Neighbors at this distance or farther are dropped. None stands for the default of the metric: 2 for cosine and
        correlation, 1 for hellinger, jaccard and dice, and infinity for others.
    symmetrize : bool, default=True
        If False, the graph stays directed. It then needs half the memory, and maps are better locally but worse
        globally.
    target_metric : str, default=None
        Type of `y`: "categorical" for labels (-1, None or NaN if unknown), or a metric for numbers such as "euclidean".
        If None, `y` is not used. Otherwise it changes the graph.
    target_weight : float, default=0.5
        Weight of the targets. At 0, neighbors count most. At 1, edges between different labels are removed, or only
        numeric targets count.
    target_n_neighbors : int, default=None
        Number of neighbors of a row among numeric targets. The default is `n_neighbors`.
    init : {"auto", "pca", "pivot_mds", "spectral", "random"} or array-like of shape (n, n_components), default="auto"
        Initial layout, unless the argument `init` of :meth:`fit` is given. "pca" uses the principal components of the
        features, and "pivot_mds" uses the shortest paths in the graph. "auto" is "pca" if `X` has features that do not
        lie on a line, and "pivot_mds" otherwise. If the distances of the graph are unknown, "auto" is "spectral".
    rescale_init : bool, default=True
        Whether an array as `init` is smoothed over the graph and scaled. Use False to continue from an embedding.
    n_epochs : int, default=None
        Number of epochs over all levels, with at least one on each. None stands for 450 epochs up to 10,000 rows, and
        for 150 to 230 beyond, which depends on the levels of the graph. A graph has coarse levels beyond 10,000 rows in
        two dimensions and 25,000 in others. Then additional epochs only refine the map.
    learning_rate : float, default=1.0
        Factor of all step sizes.
    negative_sample_rate : float, default=5
        Weight of the repulsion: the number of negative samples for each edge, whose expected value is computed.
    repulsion_strength : float, default=1.0
        Additional factor of the repulsion.
    output_metric : str or callable, default="euclidean"
        Metric of the embedding, which also determines its space: "euclidean", "haversine" (polar angles and longitudes
        on the sphere), "hyperboloid", "torus", "manhattan", "chebyshev", "minkowski", "cosine" or "correlation". It may
        also be a function compiled by numba, as in umap-learn. Its arguments are two points and those of
        `output_metric_params`, by name, and it returns a distance and its gradient.
    output_metric_params : dict, default=None
        ``{"p": 2.0}`` for "minkowski", ``{"period": 2 * pi}`` for "torus" with one period for all axes or one for each,
        or additional arguments of a function.
    multilevel : bool, default=True
        If False, all epochs run on the whole graph, which is useful for warm starts and animations.
    dens_lambda : float, default=0.0
        Weight of the correlation between the radii of neighborhoods in the data and in the map, as in densMAP. A common
        value is 2, and 0 disables it. It must be set when the graph is learned.
    dens_frac : float, default=0.3
        Share of the epochs at the end that preserve density, not counting those on coarse levels.
    dens_var_shift : float, default=0.1
        Number that is added to the variance of the map's log radii, so that small variances have less influence.
    random_state : int, RandomState, Generator or None, default=None
        Source of the seed. An integer is the seed. Otherwise the seed is drawn from the RandomState or Generator, or
        from NumPy's global generator for None, and stored in `seed_`. So ``RandomState(0)`` gives another map than 0.
    n_jobs : int, default=None
        Number of threads, or None for numba's current number. The result does not depend on it, unless PyNNDescent,
        hnswlib or usearch finds the neighbors.
    verbose : bool, default=False
        Whether to show progress.
    checkpoint : Checkpoint, str or path, default=None
        Where :meth:`fit`, :meth:`fit_transform` and :meth:`partial_fit` store the run on disk. If called again, they
        continue from there. See :class:`umap_sk.Checkpoint`.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_samples, n_components), float32
        The current layout, with NaN for rows without a neighbor.
    manifold_ : Manifold
        The learned graph.
    graph_ : csr_array of shape (n_samples, n_samples)
        The membership strengths of the graph.
    rad_orig_ : ndarray of shape (n_samples,), float32
        Log of the mean squared distance from each row to its neighbors, weighted by membership strength, with NaN for
        rows without a neighbor. It exists if `dens_lambda` is above 0. The exponential of half of it is a radius in the
        metric's units.
    rad_emb_ : ndarray of shape (n_samples,), float32
        Log of the mean distance from each row to its neighbors in the map. It is computed at the first access.
    n_epochs_, epoch_ : int
        Number of epochs of the whole schedule, and of those that have been run, over all levels.
    a_, b_ : float
        Parameters of the curve.
    seed_ : int
        The seed of all random numbers.
    report_ : Report
        The phases of the fit with their seconds and counts.
    loss_curve_ : ndarray of shape (n_points, 3)
        The loss during the fit. Each row contains the epoch, the number of vertices of its level, and the loss per
        vertex, which is estimated from the same few vertices each time. It covers the epochs of this process only.
    n_features_in_ : int
        Number of columns of `X`, or of rows of the graph if `X` was not given.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if it has any.

    References
    ----------
    L. McInnes, J. Healy, J. Melville, "UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction",
    arXiv:1802.03426, 2018. S. Damrich, F. A. Hamprecht, "On UMAP's true loss function", arXiv:2103.14608, 2021. A.
    Narayan, B. Berger, H. Cho, "Assessing single-cell transcriptomic variability through density-preserving data
    visualization", Nature Biotechnology 39, 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neighbors import NearestNeighbors
    >>> from umap_sk import PrecomputedUMAP
    >>> X, _ = load_digits(return_X_y=True)
    >>> dists, indices = NearestNeighbors(n_neighbors=15).fit(X).kneighbors(X)
    >>> umap = PrecomputedUMAP(random_state=0).fit(knn_indices=indices, knn_dists=dists)
    >>> umap.embedding_.shape
    (1797, 2)
    """

    _parameter_constraints: dict[str, list[object]] = parameters.CONSTRAINTS
    _doc_link_module = "umap_sk"
    _doc_link_template = f"{DOCUMENTATION}/en/latest/reference/generated/umap_sk.{{name}}.html"

    @explain_other_names
    def __init__(
        self,
        n_neighbors=15,
        n_components=2,
        *,
        metric="precomputed",
        metric_params=None,
        searcher="auto",
        min_dist=0.1,
        spread=1.0,
        a=None,
        b=None,
        local_connectivity=1.0,
        set_op_mix_ratio=1.0,
        disconnection_distance=None,
        symmetrize=True,
        target_metric=None,
        target_weight=0.5,
        target_n_neighbors=None,
        init="auto",
        rescale_init=True,
        n_epochs=None,
        learning_rate=1.0,
        negative_sample_rate=5,
        repulsion_strength=1.0,
        output_metric="euclidean",
        output_metric_params=None,
        multilevel=True,
        dens_lambda=0.0,
        dens_frac=0.3,
        dens_var_shift=0.1,
        random_state=None,
        n_jobs=None,
        verbose=False,
        checkpoint=None,
    ):
        self.n_neighbors = n_neighbors
        self.n_components = n_components
        self.metric = metric
        self.metric_params = metric_params
        self.searcher = searcher
        self.min_dist = min_dist
        self.spread = spread
        self.a = a
        self.b = b
        self.local_connectivity = local_connectivity
        self.set_op_mix_ratio = set_op_mix_ratio
        self.disconnection_distance = disconnection_distance
        self.symmetrize = symmetrize
        self.target_metric = target_metric
        self.target_weight = target_weight
        self.target_n_neighbors = target_n_neighbors
        self.init = init
        self.rescale_init = rescale_init
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.negative_sample_rate = negative_sample_rate
        self.repulsion_strength = repulsion_strength
        self.output_metric = output_metric
        self.output_metric_params = output_metric_params
        self.multilevel = multilevel
        self.dens_lambda = dens_lambda
        self.dens_frac = dens_frac
        self.dens_var_shift = dens_var_shift
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.checkpoint = checkpoint

    @classmethod
    def from_umap_learn(cls, model):
        """Convert a fitted model of umap-learn with its graph, map, curve and features.

        The result can place new rows in umap-learn's map, score it and draw it. For another layout, call
        ``fit(manifold=estimator.manifold_, init=estimator.embedding_)``.

        Parameters
        ----------
        model : umap.UMAP
            A fitted model with Euclidean output and without ``unique=True``. Its map is copied.

        Returns
        -------
        PrecomputedUMAP
            A fitted estimator with the model's parameters.

        Raises
        ------
        TypeError, ValueError
            If the model is not fitted, its map is not Euclidean, or its map and graph have different rows.
        """
        given = models.read_model(model)
        estimator = cls(**models.read_parameters(model))
        estimator._publish(models.make_fitted_with_graph(estimator._get_settings(), given))
        return estimator

    def _validate_params(self):
        parameters.validate_parameters(self, super()._validate_params)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = distances.takes_sparse(self.metric) and choice.takes_sparse(self.searcher)
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.positive_only = self.metric in ("precomputed", "hellinger")
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self):
        return self.embedding_.shape[1]

    def _doc_link_url_param_generator(self):
        return {"name": "PrecomputedUMAP"}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X=None, y=None, *, knn_indices=None, knn_dists=None, init=None, manifold=None, anchors=None):
        """Learn the graph, unless a manifold is given, and lay it out.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
            Features, distances or a graph; see the table of the class.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Targets of the type `target_metric`. If that is None, they are not used, and a warning is given once per
            process, unless a pipeline or another installed package passes them.
        knn_indices : array-like of shape (n_samples, k), integers, default=None
            Neighbors of each row, with or without the row itself. Missing ones are -1 or the dtype's maximum.
        knn_dists : array-like of shape (n_samples, k), real numbers, default=None
            Distances to these neighbors.
        init : str or array-like of shape (n_samples, n_components), default=None
            Initial layout, which replaces the parameter `init`.
        manifold : Manifold, default=None
            A graph that was learned before, which replaces the neighbors.
        anchors : array-like of shape (n_samples, n_components), or tuple of it and strength, default=None
            Positions towards which rows are pulled, with NaN for free rows. The strength is a number, or one for each
            row, and 1 by default. At a distance of one unit, a strength of 1 pulls about as much as the neighbors.
            With ``init="auto"`` the layout begins at the anchors, and other starts are rotated to match them.

        Returns
        -------
        self : PrecomputedUMAP
            The fitted estimator.
        """
        self._fit(Arguments(X, knn_indices, knn_dists, init, manifold, anchors, y))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(
        self, X=None, y=None, *, knn_indices=None, knn_dists=None, init=None, manifold=None, anchors=None
    ):
        """Fit the model, and return the embedding.

        Parameters
        ----------
        X, y, knn_indices, knn_dists, init, manifold, anchors : object, default=None
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            The embedding in the dtype of `X`, or float32 without `X`.
        """
        dtype = self._fit(Arguments(X, knn_indices, knn_dists, init, manifold, anchors, y))
        return self.embedding_.astype(dtype)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X=None,
        y=None,
        *,
        epochs=1,
        knn_indices=None,
        knn_dists=None,
        init=None,
        manifold=None,
        anchors=None,
    ):
        """Run some epochs of the schedule. The first call learns the graph and computes the start.

        The result has the bits of :meth:`fit`, however the epochs are split into calls. After an interrupted
        :meth:`fit`, calls continue its layout. After a finished one, a call with data begins a new layout.

        Parameters
        ----------
        X, y : object, default=None
            As in :meth:`fit`. Later calls may omit all data.
        epochs : int, default=1
            Number of epochs to run. Fewer are run at the end of the schedule.
        knn_indices, knn_dists, init, manifold, anchors : object, default=None
            As in :meth:`fit`.

        Returns
        -------
        self : PrecomputedUMAP
            The estimator with the current layout.

        Raises
        ------
        ValueError
            If the schedule has no more epochs, or if data or parameters differ from those of the first call. Only
            `n_jobs`, `verbose` and callbacks may differ.
        """
        if epochs is True or not isinstance(epochs, Integral) or epochs < 1:
            raise ValueError(f"epochs={epochs!r}, but a whole number of at least 1 is needed.")
        self._run_step(epochs, Arguments(X, knn_indices, knn_dists, init, manifold, anchors, y))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def learn_manifold(self, X=None, y=None, *, knn_indices=None, knn_dists=None, directory=None):
        """Learn only the graph, which is the expensive half of a fit, and which many layouts can share.

        Parameters
        ----------
        X, y, knn_indices, knn_dists : object, default=None
            As in :meth:`fit`.
        directory : path, default=None
            A new or empty directory in which the graph is built, for graphs larger than the memory. Its files are
            those of :meth:`Manifold.save`.

        Returns
        -------
        Manifold
            The graph for ``fit(manifold=...)``. The estimator does not change.
        """
        settings = self._get_settings()
        arguments = drop_unused_targets(settings, Arguments(X, knn_indices, knn_dists, y=y))

        def build(allocate=allocate_in_memory):
            inputs = read_inputs(settings, arguments)
            if allocate is allocate_in_memory:
                planning.warn_if_too_large(settings, inputs.X, knn_indices, until="graph")
            return learn_graph(settings, inputs, Report(), None, allocate)[0]

        with limit_threads(self.n_jobs):
            return build() if directory is None else Manifold.built(directory, build)

    @_fit_context(prefer_skip_nested_validation=True)
    def plan(
        self,
        X=None,
        y=None,
        *,
        knn_indices=None,
        knn_dists=None,
        init=None,
        manifold=None,
        n_samples=None,
        edges=None,
        timed=True,
    ):
        """Estimate the memory of each phase of a fit with these parameters, and its time on this machine.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
            As in :meth:`fit`. Only its numbers of rows and columns are used.
        y : object, default=None
            Not used, since targets change the estimate only by `target_metric`.
        knn_indices : array-like of shape (n_samples, k), integers, default=None
            As in :meth:`fit`. The entries of the graph are estimated from a sample of rows.
        knn_dists : array-like of shape (n_samples, k), real numbers, default=None
            Not used, since distances do not change the estimate.
        init, manifold : object, default=None
            As in :meth:`fit`. The memory of `manifold` is not counted again.
        n_samples : int, default=None
            Number of rows, if nothing else is given.
        edges : int, default=None
            Number of entries of the graph, if it is known.
        timed : bool, default=True
            Whether to estimate the time as well, by running the kernels for about a second once per process.

        Returns
        -------
        Plan
            The estimate. See :func:`umap_sk.plan`, which also plans graphs on disk.
        """
        given = {"n_samples": n_samples, "edges": edges, "checkpoint": self.checkpoint}
        indices = plan_sizes.read_indices(knn_indices)
        sizes = plan_sizes.derive_sizes(self._get_settings(), X, indices, manifold, init=init, **given)
        return planning.plan_sizes(sizes, timed=timed, n_jobs=self.n_jobs)

    @_fit_context(prefer_skip_nested_validation=True)
    def update(self, X=None, *, knn_indices=None, knn_dists=None, manifold=None, anchors=None, epochs=60):
        """Add new rows to the graph and the map. The old rows hardly move, and keep their numbers.

        New rows start at the mean of their neighbors. If no path leads from them to old rows, they start in a separate
        layout next to the map. Then all rows settle in some epochs with small steps.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_new, n_features), default=None
            Features of the new rows, whose neighbors are searched among old and new rows. With metric="precomputed"
            and no other data, distances from new rows to old and new rows (n_new x (n_samples + n_new)).
        knn_indices : array-like of shape (n_new, k), integers, default=None
            Neighbors of the new rows among all rows. The old rows are 0 to ``n_samples - 1``, and the new rows follow.
            The old rows keep their neighbors.
        knn_dists : array-like of shape (n_new, k), real numbers, default=None
            Distances to these neighbors.
        manifold : Manifold, default=None
            A graph of all rows, with the old ones first, which replaces the neighbors. It is needed if new rows are
            neighbors of old rows, or if the neighbors of old rows have changed.
        anchors : array-like or tuple, default=None
            As in :meth:`fit`, for all rows.
        epochs : int, default=60
            Number of epochs in which rows settle.

        Returns
        -------
        self : PrecomputedUMAP
            The estimator with all rows in ``embedding_`` and ``manifold_``. After an error or an interrupt it is
            unchanged.

        Raises
        ------
        ValueError
            If the layout is unfinished, `checkpoint` is set, or the graph was dropped and no manifold is given.

        Examples
        --------
        >>> import numpy as np
        >>> from umap_sk import PrecomputedUMAP
        >>> X = np.random.default_rng(0).normal(size=(120, 3))
        >>> model = PrecomputedUMAP(metric="euclidean", random_state=0).fit(X[:100])
        >>> model.update(X[100:]).embedding_.shape
        (120, 2)
        """
        settings, fitted = self._get_settings(), self._get_fitted()
        if self.checkpoint is not None:
            raise ValueError(
                "update keeps nothing on the disk, but checkpoint is set. Call set_params(checkpoint=None)."
            )
        arguments = Arguments(X, knn_indices, knn_dists, None, manifold, anchors)
        with limit_threads(self.n_jobs), announce_compilation(say if self.verbose else None), show_phases(self.verbose):
            self._publish(grow(settings, fitted, arguments, epochs))
        return self

    def transform(self, X=None, *, knn_indices=None, knn_dists=None):
        """Place new rows in the map, which does not change. The place of a row depends only on that row.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_new, n_features), default=None
            Features. With metric="precomputed" and no arrays, distances to the training rows (n_new x n_samples).
        knn_indices : array-like of shape (n_new, k), integers, default=None
            Neighbors among the training rows.
        knn_dists : array-like of shape (n_new, k), real numbers, default=None
            Distances to these neighbors.

        Returns
        -------
        ndarray of shape (n_new, n_components)
            Places in the dtype of `X`, or float32 without `X`. Rows without a usable neighbor are NaN.
        """
        neighbors = {"knn_indices": knn_indices, "knn_dists": knn_dists}
        return place(self._get_settings(), self._get_fitted(), X, **neighbors)

    @available_if(_has_inverse)
    def inverse_transform(self, X, *, features=None):
        """Compute features for places in the map from the training rows near each place.

        The result for a place is the mean of the 42 training rows nearest to it in the map. They are weighted by a
        Gaussian whose standard deviation is the distance to the 7th of them. It depends only on that place.

        Parameters
        ----------
        X : array-like of shape (n_places, n_components)
            Places in the map, such as results of :meth:`transform`.
        features : array-like or sparse of shape (n_samples, n_features), default=None
            Features of the training rows in the order of :meth:`fit`, or None for the features of :meth:`fit`. They may
            be memory-mapped, because only the needed rows are read. They may differ from those of :meth:`fit`: a map
            of embeddings can return images, for example.

        Returns
        -------
        ndarray of shape (n_places, n_features)
            Features as float32 if the given ones are float32, and else as float64. They are dense, even for sparse
            features, and NaN for places that are NaN.

        Raises
        ------
        AttributeError
            If `X` of :meth:`fit` was the graph or contained distances, or the map is not Euclidean.
        ValueError
            If there are no features. An estimator has them if `X` of :meth:`fit` contained features, with or without
            neighbors. It does not copy the caller's array. A stored estimator has them only if it searches among them.

        Examples
        --------
        >>> import numpy as np
        >>> from umap_sk import PrecomputedUMAP
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> model = PrecomputedUMAP(metric="euclidean", random_state=0).fit(X)
        >>> model.inverse_transform(model.embedding_[:2]).shape
        (2, 3)
        """
        return find_features(self._get_settings(), self._get_fitted(), X, features)

    def score(self, X=None, y=None, *, k=15, knn_indices=None, knn_dists=None):
        """Return the share of each row's `k` nearest neighbors that are also its `k` nearest neighbors in the map.

        New rows are placed by :meth:`transform`, and training rows keep their positions. Rows are recognized as the
        training rows if there are as many and most of them list themselves first. Otherwise, a neighbor at distance 0
        is assumed to be the row itself. It is neither counted as a neighbor nor in the map. A row with fewer than `k`
        neighbors is judged by those that it has, and a row without any is ignored. Beyond 10,000 rows, a fixed sample
        of that size is used. The score ignores the global structure of the map. Among maps with different `min_dist`
        it prefers small values. See :mod:`umap_sk.metrics` for other measures.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_rows, n_features), default=None
            As in :meth:`transform`. Either `X` or the neighbors are needed.
        y : None
            Ignored.
        k : int, default=15
            Number of neighbors to compare, without the row itself. It does not depend on `n_neighbors`, so that scores
            of a grid over `n_neighbors` are comparable.
        knn_indices : array-like of shape (n_rows, m), integers, default=None
            As in :meth:`transform`, preferably more than `k`.
        knn_dists : array-like of shape (n_rows, m), real numbers, default=None
            Distances to these neighbors.

        Returns
        -------
        float
            The score from 0 to 1. Higher is better.
        """
        settings, fitted = self._get_settings(), self._get_fitted()
        places, neighbors = place_with_neighbors(settings, fitted, X, knn_indices, knn_dists, check_k(k) + 1)
        return compute_recall(list_placed_rows(self, places, neighbors, k))

    def drop_graph(self):
        """Remove the graph, which needs most of a model's memory. New rows are still placed with the same bits.

        The layout cannot continue: :meth:`partial_fit` without data raises an error. Features that were given together
        with neighbors are removed, too, and must be passed to :meth:`inverse_transform`.

        Returns
        -------
        self : PrecomputedUMAP
            The estimator without `manifold_` and `graph_`.

        Examples
        --------
        >>> import numpy as np
        >>> from umap_sk import PrecomputedUMAP
        >>> X = np.random.default_rng(0).normal(size=(100, 3))
        >>> model = PrecomputedUMAP(metric="euclidean", random_state=0).fit(X)
        >>> before = model.transform(X[:5] + 1)
        >>> np.array_equal(model.drop_graph().transform(X[:5] + 1), before)
        True
        """
        self._publish(remove_graph(self._get_fitted()))
        return self

    def __getstate__(self):
        with readers.hold_attributes(super().__getstate__) as state:
            return dump_state(state)

    def __setstate__(self, state):
        defaults = PrecomputedUMAP().get_params(deep=False)  # for parameters that the version of the file does not have
        super().__setstate__(defaults | load_state(state))

    # ------------------------------------------------------------------------------------------------------- steps

    def _fit(self, call_arguments):
        """Fit from the beginning, and return the dtype of the output."""
        settings = self._get_settings()
        arguments = drop_unused_targets(settings, call_arguments)
        inputs = read_inputs(settings, arguments)
        dtype, seed = inputs.dtype, draw_seed(settings)
        fingerprints = {} if self.checkpoint is None else compute_fingerprints(**arguments._asdict())
        run_on_disk = open_run(self.get_params(deep=False), self.checkpoint, settings, inputs, fingerprints, seed)
        with self._begin_task(2, call_arguments) as task, self._restore_on_error(), run_on_disk as session:
            self._begin_run(settings, inputs, fingerprints, seed, task, session)
            del inputs  # free a copy of X, which the epochs do not need
            try:
                if self._fitted.layout is not None:
                    run_epochs(settings, self._fitted, publish=self._publish, task=task, session=session, reuse=True)
            finally:
                self._keep_run(fingerprints or None, arguments)
        return dtype

    def _keep_run(self, fingerprints, arguments):
        """Keep the data for continuing an interrupted run, and drop them after a finished one."""
        run = self._fitted.run
        if run is not None:
            run = run.layout and run._replace(fingerprints=fingerprints or compute_fingerprints(**arguments._asdict()))
        self._publish(self._fitted._replace(run=run))

    def _run_step(self, epochs, call_arguments):
        """Begin or continue a run, and run some epochs."""
        settings = self._get_settings()
        arguments = drop_unused_targets(settings, call_arguments)
        fingerprints = compute_fingerprints(**arguments._asdict())
        is_new, seed, inputs = self._needs_begin(fingerprints), 0, None
        run_on_disk: AbstractContextManager[Session | None] = contextlib.nullcontext()
        if is_new:
            inputs, seed = read_inputs(settings, arguments), draw_seed(settings)
            run_on_disk = open_run(
                self.get_params(deep=False), self.checkpoint, settings, inputs, fingerprints, seed, keeper=self
            )
        elif not self._fitted.is_finished:
            run_on_disk = reopen_run(self.checkpoint, self._fitted, keeper=self)
        with self._begin_task(1 + is_new, call_arguments) as task, self._restore_on_error(), run_on_disk as session:
            if is_new:
                self._begin_run(settings, inputs, fingerprints, seed, task, session)
                del inputs
                if self._fitted.layout is None:  # the run was finished on disk
                    return
            else:
                self._check_can_continue(settings, arguments, fingerprints)
                if session:
                    session.continue_run(self.manifold_._shared, self.n_epochs_, self.epoch_)
            run_epochs(settings, self._fitted, epochs, publish=self._publish, task=task, session=session)

    def _needs_begin(self, fingerprints):
        """Return whether partial_fit must begin a run, since nothing is fitted or new data follow a finished fit."""
        if not hasattr(self, "_fitted"):
            return True
        return bool(fingerprints) and self._fitted.is_finished and self._fitted.run is None

    def _begin_run(self, settings, inputs, fingerprints, seed, task, session):
        """Learn or load the graph, and compute the start."""
        X, knn_indices, _, init, manifold, anchors, _ = inputs.arguments
        with task.subtask("graph"):
            check_init(settings, inputs)
            planning.warn_if_too_large(settings, inputs.X, knn_indices, manifold, init)
            stored = session.read_graph() if session and manifold is None else None
            graph = learn(settings, inputs, seed=session.seed if session else seed, stored_graph=stored)
            fitted = begin_layout(settings, graph, init=init, anchors=anchors, session=session)
            run = Run(fitted.layout, fingerprints, self.get_params(deep=False), session.identity if session else None)
            self._publish(fitted._replace(run=run))

    def _check_can_continue(self, settings, arguments, fingerprints):
        """Raise if the schedule has no more epochs, or if data or parameters differ from those of the run."""
        fitted = self._fitted
        known_fingerprints = fitted.run.fingerprints if fitted.run else {}
        if fingerprints:
            X, knn_indices, knn_dists, _, manifold, *_ = arguments
            neighbors_given = check_combination(X, knn_indices, knn_dists, manifold, optional=True)
            if X is not None and known_fingerprints.get("X") != fingerprints["X"]:
                n_samples = len(fitted.embedding)
                read_new_X(settings, X, fitted.columns, n_samples, neighbors_given=neighbors_given)
        if fitted.is_finished:
            reason = f"All {fitted.n_epochs} epochs have been run (n_epochs={self.n_epochs})"
            if fitted.manifold is None:
                reason = (
                    f"The model has no graph, which drop_graph removes, so its layout stays at epoch {fitted.epoch}"
                )
            raise ValueError(
                f"{reason}. To begin anew, call fit; to go on from here, fit with init=embedding_, rescale_init=False, "
                "multilevel=False; for a longer schedule, set n_epochs and call fit."
            )
        assert fitted.run is not None
        check_same_data(known_fingerprints or fingerprints, fingerprints)  # fit computes none before an interrupt
        check_same_parameters(fitted.run.parameters or {}, self.get_params(deep=False))

    def _begin_task(self, count, call_arguments):
        """Begin the task of a call for scikit-learn's callbacks."""
        metadata = {"knn_indices": call_arguments.knn_indices, "knn_dists": call_arguments.knn_dists}
        return begin_fit_task(self, count, call_arguments.X, call_arguments.y, metadata)

    @contextlib.contextmanager
    def _restore_on_error(self):
        """Limit the threads and show progress during a block. After an error, restore the fitted model."""
        before = self.__dict__.get("_fitted")
        if before is not None:
            before = before._replace(report=before.report.copy())
        with limit_threads(self.n_jobs), announce_compilation(say if self.verbose else None), show_phases(self.verbose):
            try:
                yield
            except Exception:
                self.__dict__.pop("_fitted", None)
                if before is not None:
                    self._publish(before)
                raise


def _make_X_optional(method: Callable[..., object]) -> Callable[..., object]:
    """Make X optional again, because scikit-learn's wrapper for set_output requires it."""

    @functools.wraps(method)
    def call(self, X=None, *args, **kwargs):
        return method(self, X, *args, **kwargs)

    return call


for _name in ("transform", "fit_transform"):
    setattr(PrecomputedUMAP, _name, _make_X_optional(getattr(PrecomputedUMAP, _name)))

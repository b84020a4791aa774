"""PrecomputedUMAP: the scikit-learn estimator, a thin skin over the pipeline."""

import contextlib
import functools
from collections.abc import Callable
from numbers import Integral
from typing import Any

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils.metaestimators import available_if

from umap_sk.checkpoint.identity import check_same, check_unchanged, fingerprints
from umap_sk.graph.manifold import Manifold
from umap_sk.layout import readers
from umap_sk.metrics.neighborhoods import check_k, compute_recall, list_placed_rows
from umap_sk.monitor.callbacks import CallbackSupportMixin, begin_fit_task
from umap_sk.monitor.progress import say, show_phases
from umap_sk.monitor.report import Report
from umap_sk.neighbors import choice, distances
from umap_sk.pipeline import parameters
from umap_sk.pipeline.attributes import FittedAttributes
from umap_sk.pipeline.fitted import Run, state_of_stored, state_to_store, without_graph
from umap_sk.pipeline.given import Arguments, check_combination, read_given, read_new_X, used_arguments
from umap_sk.pipeline.grow import grow
from umap_sk.pipeline.lay_out import begin_layout, run_epochs
from umap_sk.pipeline.learn import learn, learn_graph
from umap_sk.pipeline.on_disk import open_run, reopen_run
from umap_sk.pipeline.place import check_way_back, find_features, place, place_with_neighbors
from umap_sk.pipeline.settings import draw_seed
from umap_sk.planning import plan as planning
from umap_sk.planning import sizes as plan_sizes
from umap_sk.runtime.allocation import in_memory
from umap_sk.runtime.first_compile import announce_compilation
from umap_sk.runtime.threads import limit_threads
from umap_sk.umap_learn import models
from umap_sk.umap_learn.names import tells_other_names

DOCUMENTATION = "https://umap-sk.readthedocs.io"


def _has_way_back(estimator: "PrecomputedUMAP") -> bool:
    """Raise if a fitted estimator has no inverse_transform."""
    if hasattr(estimator, "_fitted"):
        check_way_back(estimator._settings(), estimator._fitted)
    return True


class PrecomputedUMAP(
    CallbackSupportMixin, FittedAttributes, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """UMAP of neighbors that are known already, with the same bits for any number of threads.

    What `X` is depends on `metric` and on what else is given:

    ====================== ============================================= ==========================================
    metric                 nothing else given                            arrays or a manifold given
    ====================== ============================================= ==========================================
    "precomputed"          sparse kNN distance graph or dense distance   features, graph or None: gives only the
                           matrix, n x n (transform: n_new x n)          row count, names and the PCA start
    a name or a callable   features; neighbors by what `searcher` names  the same
    ====================== ============================================= ==========================================

    Parameters
    ----------
    n_neighbors : int, default=15
        Neighbors of a row, the row itself included.
    n_components : int, default=2
        Axes of the embedding.
    metric : str or callable, default="precomputed"
        "precomputed", or a metric of :class:`sklearn.neighbors.NearestNeighbors` for features.
    metric_params : dict, default=None
        Further arguments of the metric.
    searcher : str or object, default="auto"
        What finds the neighbors of features: "auto", "exact", "inverted_file", "pynndescent", "hnswlib", "faiss",
        "usearch", or an object in scikit-learn's style with `kneighbors`, or with `transform` to a graph of distances,
        of which a copy is fitted. By Euclidean distance, cosine, correlation and Hellinger, "auto" is exact up to
        12,000 rows, and the package's own inverted file beyond. By other metrics it is exact up to 30,000 rows, and
        where up to 5 columns let trees search. Beyond, it is PyNNDescent if that is installed.
        ``report_["search"]`` names the searcher, and its recall where that does not find all neighbors.
    min_dist : float, default=0.1
        Distance in the embedding below which points count as touching.
    spread : float, default=1.0
        Scale of the embedding.
    a, b : float, default=None
        Parameters of the curve ``1 / (1 + a d^2b)``; fitted to `min_dist` and `spread` if None.
    local_connectivity : float, default=1.0
        Neighbors that every row is taken to be connected to in full.
    set_op_mix_ratio : float, default=1.0
        1 for the fuzzy union of both directions of an edge, 0 for their intersection.
    disconnection_distance : float, default=None
        Neighbors at this distance or farther are dropped; None for the metric's own (2 for cosine and correlation, 1
        for hellinger, jaccard and dice, else infinity).
    symmetrize : bool, default=True
        False leaves the graph directed: half the memory, better local and worse global figures.
    target_metric : str, default=None
        What `y` is: "categorical" for labels (-1, None or NaN where unknown), or a metric of numbers such as
        "euclidean". It shapes the graph then. None leaves `y` out.
    target_weight : float, default=0.5
        From 0, where neighbors count most, to 1, where edges between different labels go, or numbers alone count.
    target_n_neighbors : int, default=None
        Neighbors of a row among targets that are numbers; `n_neighbors` if None.
    init : {"auto", "pca", "pivot_mds", "spectral", "random"} or array-like of shape (n, n_components), default="auto"
        Where the layout begins; the argument `init` of :meth:`fit` wins. "pca" takes the features' principal
        components, "pivot_mds" the shortest paths in the graph, and "auto" the first where `X` has features that do
        not lie along a line, else the second; "spectral" takes its place for a graph whose distances are not known.
    rescale_init : bool, default=True
        Smooth an array over the graph and bring it to scale; False takes it as it is, to go on from an embedding.
    n_epochs : int, default=None
        Epochs that are run, over all levels together, at least one on each; None for 450 up to 10,000 rows and 150 to
        230 beyond, by the levels of the graph. Where it has coarse levels (beyond 10,000 rows in two dimensions, 25,000
        in others), what is more than these settles the map, and does not arrange it.
    learning_rate : float, default=1.0
        Factor of all steps.
    negative_sample_rate : float, default=5
        Weight of the repulsion, as the number of negative samples an edge whose expectation is taken.
    repulsion_strength : float, default=1.0
        Weight of every repulsion.
    output_metric : str or callable, default="euclidean"
        Distances of the embedding, and with them the space that it lies in: "euclidean", "haversine" (polar angles and
        longitudes on the sphere), "hyperboloid", "torus", "manhattan", "chebyshev", "minkowski", "cosine" or
        "correlation"; or a function compiled by numba that is called with two points and the values of
        `output_metric_params` and returns a distance and its gradient, as umap-learn takes it.
    output_metric_params : dict, default=None
        ``{"p": 2.0}`` of "minkowski", ``{"period": 2 * pi}`` of "torus", for all axes or each, or a function's further
        arguments.
    multilevel : bool, default=True
        False runs every epoch on the whole graph, for warm starts and animation.
    dens_lambda : float, default=0.0
        Weight of the correlation between the radii of neighborhoods in the data and in the map, as in densMAP; 0 for
        none, 2 is usual. The graph must be learned with it.
    dens_frac : float, default=0.3
        Share of the epochs, the last ones, that have it, but for those on coarse levels.
    dens_var_shift : float, default=0.1
        What is added to the variance of the map's log radii, so that it does not matter much how small it is.
    random_state : int, RandomState, Generator or None, default=None
        An integer is the seed. A RandomState, a Generator, or NumPy's global generator for None draws the seed, which
        `seed_` tells, so ``RandomState(0)`` gives another map than 0.
    n_jobs : int, default=None
        Threads; None for numba's current number. The result does not depend on it, unless PyNNDescent, hnswlib or
        usearch finds the neighbors.
    verbose : bool, default=False
        Show progress.
    checkpoint : Checkpoint, str or path, default=None
        Where :meth:`fit`, :meth:`fit_transform` and :meth:`partial_fit` keep the run on disk, to go on from there when
        they are called again; see :class:`umap_sk.Checkpoint`.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_samples, n_components), float32
        The layout as it stands; NaN for rows without a neighbor.
    manifold_ : Manifold
        The learned graph.
    graph_ : csr_array of shape (n_samples, n_samples)
        Its membership strengths.
    rad_orig_ : ndarray of shape (n_samples,), float32
        Log of every row's mean squared distance to its neighbors, by membership strength, where `dens_lambda` is above
        0; NaN for rows without a neighbor. The exponential of half of it is a radius in the metric's units.
    rad_emb_ : ndarray of shape (n_samples,), float32
        Log of every row's mean distance to its neighbors in the map, found when it is first asked for.
    n_epochs_, epoch_ : int
        Epochs planned and run, over all levels.
    a_, b_ : float
        Parameters of the curve.
    seed_ : int
        The seed.
    report_ : Report
        Phases with their seconds and counts.
    loss_curve_ : ndarray of shape (n_points, 3)
        Loss on the way: epoch, vertices of the level that ran, and the loss a row, estimated from a few rows that stay
        the same. As far as this process has run the epochs.
    n_features_in_ : int
        Columns of `X`, or rows of the graph where no `X` was given.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, where it has names.

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

    _parameter_constraints: dict[str, list[Any]] = parameters.CONSTRAINTS
    _doc_link_module = "umap_sk"
    _doc_link_template = f"{DOCUMENTATION}/en/latest/reference/generated/umap_sk.{{name}}.html"

    @tells_other_names
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
        """Take over a fitted model of umap-learn: its graph, map, curve and features.

        What follows is done here, on the map that umap-learn made: placing new rows, scores, pictures, or another
        layout by ``fit(manifold=estimator.manifold_, init=estimator.embedding_)``.

        Parameters
        ----------
        model : umap.UMAP
            A fitted model, with Euclidean output and not of ``unique=True``. Its map is copied.

        Returns
        -------
        PrecomputedUMAP
            A fitted estimator with the model's parameters.

        Raises
        ------
        TypeError, ValueError
            If the model is not fitted, or its map is in another space or of other rows than its graph.
        """
        given = models.read_model(model)
        estimator = cls(**models.parameters_of(model))
        estimator._publish(models.fitted_with_graph(estimator._settings(), given))
        return estimator

    def _validate_params(self):
        parameters.validate(self, super()._validate_params)

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
            See the table of the class.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Targets, as `target_metric` says. Without one they are not used; a warning says so once a process, unless a
            pipeline or another installed package passes them.
        knn_indices : array-like of shape (n_samples, k), integers, default=None
            Neighbors of each row, the row itself among them or not; -1 or the dtype's maximum for a missing one.
        knn_dists : array-like of shape (n_samples, k), real numbers, default=None
            Their distances.
        init : str or array-like of shape (n_samples, n_components), default=None
            Where to begin, instead of the parameter `init`.
        manifold : Manifold, default=None
            A graph that was learned before, instead of neighbors.
        anchors : array-like of shape (n_samples, n_components), or tuple of it and strength, default=None
            Places that rows are held near, NaN for rows that are free. A strength (a number, or one for each row; 1 if
            none is given) of 1 pulls a row one unit off its place about as hard as its neighbors pull it. With
            ``init="auto"`` the layout begins at the anchors, another start is turned to them.

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
        """Fit, and return the embedding.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
            As in :meth:`fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            As in :meth:`fit`.
        knn_indices, knn_dists : array-like of shape (n_samples, k), default=None
            As in :meth:`fit`.
        init : str or array-like of shape (n_samples, n_components), default=None
            As in :meth:`fit`.
        manifold : Manifold, default=None
            As in :meth:`fit`.
        anchors : array-like or tuple, default=None
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            The embedding, of the dtype of `X`; float32 where no `X` is given.
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
        """Run some epochs of the schedule; the first call builds graph and start.

        Any cutting of the epochs gives the bits of :meth:`fit`. After a :meth:`fit` that was interrupted, calls go on
        from there; after one that ran to its end, a call with data begins anew.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
            As in :meth:`fit`; later calls may leave all data out.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            As in :meth:`fit`.
        epochs : int, default=1
            Epochs to go on by; fewer are run where the schedule ends.
        knn_indices, knn_dists : array-like of shape (n_samples, k), default=None
            As in :meth:`fit`.
        init : str or array-like of shape (n_samples, n_components), default=None
            As in :meth:`fit`.
        manifold : Manifold, default=None
            As in :meth:`fit`.
        anchors : array-like or tuple, default=None
            As in :meth:`fit`.

        Returns
        -------
        self : PrecomputedUMAP
            The estimator, with the layout as it stands.

        Raises
        ------
        ValueError
            If no epochs are left, or later data or parameters differ from the first call's; `n_jobs`, `verbose` and
            callbacks may.
        """
        if epochs is True or not isinstance(epochs, Integral) or epochs < 1:
            raise ValueError(f"epochs={epochs!r}, but a whole number of at least 1 is needed.")
        self._step(epochs, Arguments(X, knn_indices, knn_dists, init, manifold, anchors, y))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def learn_manifold(self, X=None, y=None, *, knn_indices=None, knn_dists=None, directory=None):
        """Learn the graph alone, the expensive half that many layouts can share.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
            As in :meth:`fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            As in :meth:`fit`.
        knn_indices, knn_dists : array-like of shape (n_samples, k), default=None
            As in :meth:`fit`.
        directory : path, default=None
            A new or empty directory to build the graph in, for graphs larger than the memory; as
            :meth:`Manifold.save` leaves it.

        Returns
        -------
        Manifold
            To be passed to ``fit(manifold=...)``; the estimator is left as it was.
        """
        settings = self._settings()
        arguments = used_arguments(settings, Arguments(X, knn_indices, knn_dists, y=y))

        def learned(allocate=in_memory):
            given = read_given(settings, arguments, owner=type(self).__name__)
            if allocate is in_memory:
                planning.warn_if_too_large(self, given.X, knn_indices, until="graph")
            return learn_graph(settings, given, Report(), None, allocate)[0]

        with limit_threads(self.n_jobs):
            return learned() if directory is None else Manifold.built(directory, learned)

    @_fit_context(prefer_skip_nested_validation=True)
    def plan(self, X=None, *, knn_indices=None, manifold=None, n_samples=None, edges=None, timed=True):
        """Tell what a fit with these parameters will take: memory by phase, and time on this machine.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
            As in :meth:`fit`; its rows and columns are counted, and nothing is searched.
        knn_indices : ndarray of shape (n_samples, k), integers, default=None
            As in :meth:`fit`. The entries of the graph are estimated from a sample of rows.
        manifold : Manifold, default=None
            As in :meth:`fit`; what it holds in memory is not counted again.
        n_samples : int, default=None
            Rows, where nothing else is given.
        edges : int, default=None
            Entries of the graph, where they are known.
        timed : bool, default=True
            Tell the time as well, from about a second of the real kernels (once a process).

        Returns
        -------
        Plan
            See :func:`umap_sk.plan`, which also plans graphs on disk.
        """
        sizes = plan_sizes.derive_sizes(self, X, knn_indices, manifold, n_samples=n_samples, edges=edges)
        return planning.plan_sizes(sizes, timed=timed, n_jobs=self.n_jobs)

    @_fit_context(prefer_skip_nested_validation=True)
    def update(self, X=None, *, knn_indices=None, knn_dists=None, manifold=None, anchors=None, epochs=60):
        """Take new rows into graph and map; the rows that are there hardly move, and keep their numbers.

        New rows start at their neighbors' mean, or where no path leads from them to old rows, in a layout of their own
        beside the map. Then all rows settle for some epochs of small steps.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_new, n_features), default=None
            Features of the new rows, which with a metric are searched among all rows, old ones as well; with
            metric="precomputed" and nothing else given, distances of new rows to old and new ones
            (n_new x (n_samples + n_new)).
        knn_indices : array-like of shape (n_new, k), integers, default=None
            Neighbors of the new rows among all rows. The old ones are 0 to ``n_samples - 1``, the new ones follow. The
            old rows keep the neighbors that they have.
        knn_dists : array-like of shape (n_new, k), real numbers, default=None
            Their distances.
        manifold : Manifold, default=None
            A graph of all rows, the old ones first, instead of neighbors; where old rows are to list new ones, or their
            neighbors have changed.
        anchors : array-like or tuple, default=None
            As in :meth:`fit`, of all rows.
        epochs : int, default=60
            Epochs to settle for.

        Returns
        -------
        self : PrecomputedUMAP
            With all rows in ``embedding_`` and ``manifold_``. After an error or an interrupt all is as it was.

        Raises
        ------
        ValueError
            If the layout has not been run to its end, `checkpoint` is set, or the graph was dropped and no manifold is
            given.

        Examples
        --------
        >>> import numpy as np
        >>> from umap_sk import PrecomputedUMAP
        >>> X = np.random.default_rng(0).normal(size=(120, 3))
        >>> model = PrecomputedUMAP(metric="euclidean", random_state=0).fit(X[:100])
        >>> model.update(X[100:]).embedding_.shape
        (120, 2)
        """
        settings, fitted = self._settings(), self._found()
        if self.checkpoint is not None:
            raise ValueError(
                "update keeps nothing on the disk, but checkpoint is set. Call set_params(checkpoint=None)."
            )
        arguments = Arguments(X, knn_indices, knn_dists, None, manifold, anchors)
        with limit_threads(self.n_jobs), announce_compilation(say if self.verbose else None), show_phases(self.verbose):
            self._publish(grow(settings, fitted, arguments, epochs, owner=type(self).__name__))
        return self

    def transform(self, X=None, *, knn_indices=None, knn_dists=None):
        """Place new rows in the map, which is held still. A row's place depends on that row alone.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_new, n_features), default=None
            Features, or with metric="precomputed" and no arrays the distances to the training rows
            (n_new x n_samples).
        knn_indices : array-like of shape (n_new, k), integers, default=None
            Neighbors among the training rows.
        knn_dists : array-like of shape (n_new, k), real numbers, default=None
            Their distances.

        Returns
        -------
        ndarray of shape (n_new, n_components)
            Places, of the dtype of `X`; float32 where no `X` is given. NaN for rows without a usable neighbor.
        """
        given = {"knn_indices": knn_indices, "knn_dists": knn_dists}
        return place(self._settings(), self._found(), X, **given, owner=type(self).__name__)

    @available_if(_has_way_back)
    def inverse_transform(self, X, *, features=None):
        """Rows of features for places in the map, from the training rows near each place.

        A place gets the mean of the 60 training rows that are nearest to it in the map, weighted by a Gaussian whose
        deviation is the distance of the 10th of them. Its row depends on that place alone.

        Parameters
        ----------
        X : array-like of shape (n_places, n_components)
            Places in the map, as :meth:`transform` gives them or chosen freely.
        features : array-like or sparse of shape (n_samples, n_features), default=None
            What to combine, row for row as in :meth:`fit`; None for the features of :meth:`fit`. Arrays are read where
            they are, only the rows that are needed, so they may be memory-mapped. They need not be what was given to
            fit: a map of embeddings can give back images.

        Returns
        -------
        ndarray of shape (n_places, n_features)
            Rows of float32 where the features are, of float64 where they are of another dtype; dense also where they
            are sparse. NaN for places that are NaN.

        Raises
        ------
        AttributeError
            If `X` of :meth:`fit` was the graph or the distances, or the map is not Euclidean.
        ValueError
            If there are no features. An estimator has them if :meth:`fit` had features as `X`, beside neighbors too: it
            refers to the caller's array and does not copy it. A stored one has them where it searches
            among them itself.

        Examples
        --------
        >>> import numpy as np
        >>> from umap_sk import PrecomputedUMAP
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> model = PrecomputedUMAP(metric="euclidean", random_state=0).fit(X)
        >>> model.inverse_transform(model.embedding_[:2]).shape
        (2, 3)
        """
        return find_features(self._settings(), self._found(), X, features)

    def score(self, X=None, y=None, *, k=15, knn_indices=None, knn_dists=None):
        """Share of each row's `k` nearest neighbors that are still its `k` nearest in the map.

        New rows are placed as by :meth:`transform`, the rows that the map was made from stay where they are. They are
        known by listing themselves first, all of them and in order; otherwise, what a row has at distance 0 is the
        row itself. It counts neither among its neighbors nor in the map. A row with fewer than
        `k` neighbors is judged by those it has, a row without any is left out. Beyond 10,000 rows a sample of so many
        is judged, always the same. A score does not look at the map as a
        whole, and of maps that differ in `min_dist` it prefers small values: see :mod:`umap_sk.metrics` for others.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_rows, n_features), default=None
            As in :meth:`transform`.
        y : None
            Ignored.
        k : int, default=15
            Neighbors to compare, the row itself not counted; whatever `n_neighbors` is, so that grids over it ask the
            same question.
        knn_indices : array-like of shape (n_rows, m), integers, default=None
            As in :meth:`transform`; the more than `k` the better.
        knn_dists : array-like of shape (n_rows, m), real numbers, default=None
            Their distances.

        Returns
        -------
        float
            0 to 1, higher is better.
        """
        settings, fitted, name = self._settings(), self._found(), type(self).__name__
        places, neighbors = place_with_neighbors(
            settings, fitted, X, knn_indices, knn_dists, check_k(k) + 1, owner=name
        )
        return compute_recall(list_placed_rows(self, places, neighbors, k))

    def drop_graph(self):
        """Forget the graph, most of a model's bytes: what is left places new rows as before, to the same bits.

        The layout ends where it is: :meth:`partial_fit` without data cannot go on. Features that came beside neighbors
        are forgotten, too: :meth:`inverse_transform` has to be given them.

        Returns
        -------
        self : PrecomputedUMAP
            Without `manifold_` and `graph_`.

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
        self._publish(without_graph(self._found()))
        return self

    def __getstate__(self):
        with readers.hold_attributes(super().__getstate__) as state:
            return state_to_store(state)

    def __setstate__(self, state):
        defaults = PrecomputedUMAP().get_params(deep=False)  # of parameters that the writer's version did not have
        super().__setstate__(defaults | state_of_stored(state))

    # ------------------------------------------------------------------------------------------------------- steps

    def _fit(self, passed):
        """Fit from the beginning; the dtype of the output."""
        settings = self._settings()
        arguments = used_arguments(settings, passed)
        given = read_given(settings, arguments, owner=type(self).__name__)
        dtype, seed = given.dtype, draw_seed(settings)
        seen = {} if self.checkpoint is None else fingerprints(**arguments._asdict())
        on_disk = open_run(self.get_params(deep=False), settings, given, seen, seed)
        with self._task(2, passed) as task, self._careful(), on_disk as stored:
            self._begin(settings, given, seen, seed, task, stored)
            del given  # a copy of X may be in it, which the epochs do not need
            try:
                if self._fitted.layout is not None:
                    self._run_epochs(settings, None, task, stored, reuse=True)
            finally:
                self._keep_run(seen or None, arguments)
        return dtype

    def _keep_run(self, seen, arguments):
        """Keep what the run needs to go on if it was interrupted, and nothing of it if it has ended."""
        run = self._fitted.run
        if run is not None:
            run = run.layout and run._replace(fingerprints=seen or fingerprints(**arguments._asdict()))
        self._publish(self._fitted._replace(run=run))

    def _step(self, epochs, passed):
        """Begin a run, or go on with it, by some epochs."""
        settings = self._settings()
        arguments = used_arguments(settings, passed)
        seen = fingerprints(**arguments._asdict())
        begins, seed, given = self._begins(seen), 0, None
        on_disk: Any = contextlib.nullcontext()
        if begins:
            given, seed = read_given(settings, arguments, owner=type(self).__name__), draw_seed(settings)
            on_disk = open_run(self.get_params(deep=False), settings, given, seen, seed, keeper=self)
        elif not self._fitted.is_finished:
            on_disk = reopen_run(self.checkpoint, self._fitted, keeper=self)
        with self._task(1 + begins, passed) as task, self._careful(), on_disk as stored:
            if begins:
                self._begin(settings, given, seen, seed, task, stored)
                del given
                if self._fitted.layout is None:  # the run was finished, and on the disk
                    return
            else:
                self._check_goes_on(settings, arguments, seen)
                if stored:
                    stored.go_on(self.manifold_._shared, self.n_epochs_, self.epoch_)
            self._run_epochs(settings, epochs, task, stored)

    def _begins(self, seen):
        """Whether partial_fit has to begin: nothing is fitted, or new data come after a fit that ran to its end."""
        if not hasattr(self, "_fitted"):
            return True
        return bool(seen) and self._fitted.is_finished and self._fitted.run is None

    def _begin(self, settings, given, seen, seed, task, stored):
        """Learn or take the graph and build the start, or leave all as it was."""
        X, knn_indices, _, init, manifold, anchors, _ = given.arguments
        with task.subtask("graph"):
            planning.warn_if_too_large(self, given.X, knn_indices, manifold, init)
            graph = stored.graph() if stored and manifold is None else None
            learned = learn(settings, given, seed=stored.seed if stored else seed, stored=graph)
            fitted = begin_layout(settings, learned, init=init, anchors=anchors, stored=stored)
            run = Run(fitted.layout, seen, self.get_params(deep=False), stored.identity if stored else None)
            self._publish(fitted._replace(run=run))

    def _check_goes_on(self, settings, arguments, seen):
        """Raise if no epochs are left, or data or parameters are not those of the run."""
        fitted = self._fitted
        known = fitted.run.fingerprints if fitted.run else {}
        if seen:
            X, knn_indices, knn_dists, _, manifold, *_ = arguments
            beside = check_combination(X, knn_indices, knn_dists, manifold, again=True)
            if X is not None and known.get("X") != seen["X"]:
                n_samples = len(fitted.embedding)
                read_new_X(settings, X, fitted.columns, n_samples, neighbors_given=beside, owner=type(self).__name__)
        if fitted.is_finished:
            raise ValueError(
                f"All {fitted.n_epochs} epochs have been run (n_epochs={self.n_epochs}). To begin "
                "anew, call fit; to go on from here, fit with init=embedding_, rescale_init=False, multilevel=False; "
                "for a longer schedule, set n_epochs."
            )
        assert fitted.run is not None
        check_same(known or seen, seen)  # none are taken before a fit is interrupted
        check_unchanged(fitted.run.parameters or {}, self.get_params(deep=False))

    def _run_epochs(self, settings, epochs, task, stored, *, reuse=False):
        """Run epochs; an interrupt leaves the last whole one."""
        watching = {"publish": self._publish, "task": task, "stored": stored}
        run_epochs(settings, self._fitted, epochs, **watching, reuse=reuse)

    def _task(self, count, passed):
        """The task of one call, as callbacks see it."""
        metadata = {"knn_indices": passed.knn_indices, "knn_dists": passed.knn_dists}
        return begin_fit_task(self, count, passed.X, passed.y, metadata)

    @contextlib.contextmanager
    def _careful(self):
        """Run on as many threads as were asked for; after an error, what was published before is so again."""
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


def _x_optional(method: Callable[..., Any]) -> Callable[..., Any]:
    """Free X again, which scikit-learn's wrapper for set_output makes positional."""

    @functools.wraps(method)
    def call(self, X=None, *args, **kwargs):
        return method(self, X, *args, **kwargs)

    return call


for _name in ("transform", "fit_transform"):
    setattr(PrecomputedUMAP, _name, _x_optional(getattr(PrecomputedUMAP, _name)))

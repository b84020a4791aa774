"""PrecomputedUMAP: the scikit-learn estimator, a thin skin over the pipeline."""

import contextlib
import copy
import functools
import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numba import get_num_threads
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _num_samples, check_is_fitted

from umap_sk import inputs, metrics, persistence
from umap_sk.checkpoint.identity import check_unchanged, identity_of
from umap_sk.checkpoint.session import opened
from umap_sk.checkpoint.settings import Checkpoint, as_checkpoint
from umap_sk.exceptions import DisconnectedWarning, warn
from umap_sk.graph.fuzzy_union import fuzzy_graph
from umap_sk.graph.manifold import Manifold
from umap_sk.graph.scales import mean_distances
from umap_sk.graph.shared import WHOLE
from umap_sk.layout import optimizer, readers
from umap_sk.layout import run as stepping
from umap_sk.layout.curve import Curve, fit_curve
from umap_sk.layout.init import automatic_start
from umap_sk.layout.transform import MapCache, freeze, place
from umap_sk.monitor.callbacks import CallbackSupportMixin, fit_task
from umap_sk.monitor.progress import progress_bar, say
from umap_sk.monitor.report import Report
from umap_sk.neighbors import distances
from umap_sk.neighbors.read import read_neighbors, warn_about
from umap_sk.neighbors.search import build_search, find_neighbors, search_beside
from umap_sk.neighbors.square import check_square
from umap_sk.planning import plan as planning
from umap_sk.planning import sizes as plan_sizes
from umap_sk.planning.seconds import costs_of
from umap_sk.runtime.allocation import in_memory
from umap_sk.runtime.compile import limit_threads, spare_threads
from umap_sk.runtime.first_compile import announced
from umap_sk.targets import warn_of_target

DISCONNECTION_DISTANCES = {"cosine": 2.0, "correlation": 2.0, "hellinger": 1.0, "jaccard": 1.0, "dice": 1.0}
"""Distances that mean "nothing in common", by metric, as in umap-learn."""


class PrecomputedUMAP(CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """UMAP of neighbors that are known already, with the same bits for any number of threads.

    What `X` is depends on `metric` and on what else is given:

    ====================== ============================================= ==========================================
    metric                 nothing else given                            arrays or a manifold given
    ====================== ============================================= ==========================================
    "precomputed"          sparse kNN distance graph or dense distance   features, graph or None: gives only the
                           matrix, n x n (transform: n_new x n)          row count, names and the PCA start
    a name or a callable   features; neighbors by                        the same
                           :class:`sklearn.neighbors.NearestNeighbors`
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
    init : {"auto", "pca", "pivot_mds", "spectral", "random"} or array-like of shape (n, n_components), default="auto"
        Where the layout begins; the argument `init` of :meth:`fit` wins. "pca" takes the features' principal
        components, "pivot_mds" the shortest paths in the graph, and "auto" the first where `X` has features, else the
        second; "spectral" takes its place for a graph whose distances are not known.
    rescale_init : bool, default=True
        Smooth an array over the graph and bring it to scale; False takes it as it is, to go on from an embedding.
    n_epochs : int, default=None
        Length of the optimisation; None for 500 up to 10,000 rows and 200 beyond. Coarse levels count too, so
        `n_epochs_` differs; beyond 25,000 rows, what is more than 200 settles the map, and does not arrange it.
    tol : float, default=0.0
        Early stop: where the loss changes by less than this share of itself over a twentieth of a phase, the rest of
        the phase's step sizes is run through in fewer epochs. 0 runs every epoch.
    learning_rate : float, default=1.0
        Factor of all steps.
    negative_sample_rate : float, default=5
        Weight of the repulsion, as the number of negative samples an edge whose expectation is taken.
    repulsion_strength : float, default=1.0
        Weight of every repulsion.
    multilevel : bool, default=True
        False runs every epoch on the whole graph, for warm starts and animation.
    random_state : int, RandomState, Generator or None, default=None
        Seed; None draws one, which `seed_` tells.
    n_jobs : int, default=None
        Threads; None for numba's current number. The result does not depend on it.
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
    n_epochs_, epoch_ : int
        Epochs planned and behind, over all levels; those that an early stop leaves out count, but not in `report_`.
    a_, b_ : float
        Parameters of the curve.
    seed_ : int
        The seed.
    report_ : Report
        Phases with their seconds and counts.
    n_features_in_ : int
        Columns of `X`, or rows of the graph where no `X` was given.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, where it has names.

    References
    ----------
    L. McInnes, J. Healy, J. Melville, "UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction",
    arXiv:1802.03426, 2018. S. Damrich, F. A. Hamprecht, "On UMAP's true loss function", arXiv:2103.14608, 2021.

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

    _parameter_constraints: dict[str, list[Any]] = {
        "n_neighbors": [Interval(Integral, 2, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "metric": [str, callable],
        "metric_params": [dict, None],
        "min_dist": [Interval(Real, 0, None, closed="left")],
        "spread": [Interval(Real, 1 / inputs.LARGEST, inputs.LARGEST, closed="both")],
        "a": [Interval(Real, 0, None, closed="neither"), None],
        "b": [Interval(Real, 0, None, closed="neither"), None],
        "local_connectivity": [Interval(Real, 0, None, closed="left")],
        "set_op_mix_ratio": [Interval(Real, 0, 1, closed="both")],
        "disconnection_distance": [Interval(Real, 0, None, closed="right"), None],
        "symmetrize": ["boolean"],
        "init": [StrOptions(set(inputs.STARTS)), "array-like"],
        "rescale_init": ["boolean"],
        "n_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, inputs.LARGEST, closed="right")],
        "negative_sample_rate": [Interval(Real, 0, inputs.LARGEST, closed="right")],
        "repulsion_strength": [Interval(Real, 0, inputs.LARGEST, closed="both")],
        "multilevel": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
        "verbose": ["verbose"],
        "checkpoint": [Checkpoint, str, os.PathLike, None],
    }

    def __init__(
        self,
        n_neighbors=15,
        n_components=2,
        *,
        metric="precomputed",
        metric_params=None,
        min_dist=0.1,
        spread=1.0,
        a=None,
        b=None,
        local_connectivity=1.0,
        set_op_mix_ratio=1.0,
        disconnection_distance=None,
        symmetrize=True,
        init="auto",
        rescale_init=True,
        n_epochs=None,
        tol=0.0,
        learning_rate=1.0,
        negative_sample_rate=5,
        repulsion_strength=1.0,
        multilevel=True,
        random_state=None,
        n_jobs=None,
        verbose=False,
        checkpoint=None,
    ):
        self.n_neighbors = n_neighbors
        self.n_components = n_components
        self.metric = metric
        self.metric_params = metric_params
        self.min_dist = min_dist
        self.spread = spread
        self.a = a
        self.b = b
        self.local_connectivity = local_connectivity
        self.set_op_mix_ratio = set_op_mix_ratio
        self.disconnection_distance = disconnection_distance
        self.symmetrize = symmetrize
        self.init = init
        self.rescale_init = rescale_init
        self.n_epochs = n_epochs
        self.tol = tol
        self.learning_rate = learning_rate
        self.negative_sample_rate = negative_sample_rate
        self.repulsion_strength = repulsion_strength
        self.multilevel = multilevel
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.checkpoint = checkpoint

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = distances.takes_sparse(self.metric)
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.positive_only = self.metric in ("precomputed", "hellinger")
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self):
        return self.embedding_.shape[1]

    @property
    def graph_(self):
        """Membership strengths as a csr_array."""
        check_is_fitted(self)
        if not hasattr(self, "manifold_"):
            raise AttributeError("The graph was dropped by drop_graph; fit again to have it.")
        return self.manifold_.graph

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X=None, y=None, *, knn_indices=None, knn_dists=None, init=None, manifold=None):
        """Learn the graph, unless a manifold is given, and lay it out.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
            See the table of the class.
        y : object, default=None
            Not used; a warning says so once a process, unless a pipeline or another installed package passes it.
        knn_indices : array-like of shape (n_samples, k), integers, default=None
            Neighbors of each row, the row itself among them or not; -1 or the dtype's maximum for a missing one.
        knn_dists : array-like of shape (n_samples, k), real numbers, default=None
            Their distances.
        init : str or array-like of shape (n_samples, n_components), default=None
            Where to begin, instead of the parameter `init`.
        manifold : Manifold, default=None
            A graph that was learned before, instead of neighbors.

        Returns
        -------
        self : PrecomputedUMAP
            The fitted estimator.
        """
        self._fit(X, y, knn_indices, knn_dists, init, manifold)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X=None, y=None, *, knn_indices=None, knn_dists=None, init=None, manifold=None):
        """Fit, and return the embedding.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
            As in :meth:`fit`.
        y : None
            Ignored.
        knn_indices, knn_dists : array-like of shape (n_samples, k), default=None
            As in :meth:`fit`.
        init : str or array-like of shape (n_samples, n_components), default=None
            As in :meth:`fit`.
        manifold : Manifold, default=None
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            The embedding, of the dtype of `X`; float32 where no `X` is given.
        """
        dtype = self._fit(X, y, knn_indices, knn_dists, init, manifold)
        return self.embedding_.astype(dtype)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X=None, y=None, *, epochs=1, knn_indices=None, knn_dists=None, init=None, manifold=None):
        """Run some epochs of the schedule; the first call builds graph and start.

        Any cutting of the epochs gives the bits of :meth:`fit`. After a :meth:`fit` that was interrupted, calls go on
        from there; after one that ran to its end, a call with data begins anew.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
            As in :meth:`fit`; later calls may leave all data out.
        y : None
            Ignored.
        epochs : int, default=1
            Epochs to go on by; fewer are run where the schedule ends, or where `tol` leaves some out.
        knn_indices, knn_dists : array-like of shape (n_samples, k), default=None
            As in :meth:`fit`.
        init : str or array-like of shape (n_samples, n_components), default=None
            As in :meth:`fit`.
        manifold : Manifold, default=None
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
        if not isinstance(epochs, Integral) or epochs < 1:
            raise ValueError(f"epochs={epochs!r}, but a whole number of at least 1 is needed.")
        warn_of_target(y)
        arrays = {"knn_indices": knn_indices, "knn_dists": knn_dists}
        data = {**arrays, "init": init, "manifold": manifold}
        seen = inputs.fingerprints(X=X, **data)
        begins = self._nothing_to_go_on_from(seen)
        on_disk = self._on_disk(seen, init, begins=begins, stepped=True)
        with fit_task(self, 1 + begins, X, y, arrays) as task, self._careful(), on_disk as run:
            if begins:
                self._begin(X, **data, task=task, run=run)
                self._seen = seen
                if not hasattr(self, "_stepper"):  # the run was finished, and on the disk
                    return self
            elif seen:
                aside = inputs.check_combination(X, knn_indices, knn_dists, manifold, again=True)
                if X is not None:
                    inputs.validated(self, X, aside=aside, reset=False)
            if self.epoch_ >= self.n_epochs_:
                raise ValueError(
                    f"All {self.n_epochs_} epochs have been run. To begin anew, call fit; to go on from here, fit "
                    "with init=embedding_, rescale_init=False, multilevel=False; for a longer schedule, set n_epochs."
                )
            inputs.check_same(getattr(self, "_seen", seen), seen)
            check_unchanged(getattr(self, "_begun_with", {}), self.get_params(deep=False))
            if run and not begins:
                run.go_on(self.manifold_._held, self.n_epochs_, self.epoch_)
            self._advance(epochs, task, run)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def learn_manifold(self, X=None, *, knn_indices=None, knn_dists=None, directory=None):
        """Learn the graph alone, the expensive half that many layouts can share.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
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
        learner = PrecomputedUMAP(**self.get_params(deep=False))

        def learned(allocate=in_memory):
            values, aside = learner._look_at(X, knn_indices, knn_dists)
            if allocate is in_memory:
                planning.warn_if_too_large(learner, values, knn_indices, phases=2)
            return learner._learn(values, aside, knn_indices, knn_dists, Report(), allocate)

        with limit_threads(self.n_jobs):
            return learned() if directory is None else Manifold.built(directory, learned)

    @_fit_context(prefer_skip_nested_validation=True)
    def plan(self, X=None, *, knn_indices=None, manifold=None, n_samples=None, edges=None, timed=True):
        """Tell what a fit with these parameters will take: memory by phase, and time on this machine.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features), default=None
            As in :meth:`fit`; only its rows are counted.
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
        sizes = plan_sizes.sizes_of(self, X, knn_indices, manifold, n_samples=n_samples, edges=edges)
        return planning.of_sizes(sizes, timed=timed, n_jobs=self.n_jobs)

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
        check_is_fitted(self)
        with limit_threads(self.n_jobs):
            values, indices, dists = self._look_up(X, knn_indices, knn_dists, self.n_neighbors)
            with spare_threads(inputs.n_rows(values, indices)):
                return self._place(values, indices, dists)

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
        check_is_fitted(self)
        places, neighbors = self._placed(X, knn_indices, knn_dists, metrics.check_k(k) + 1)
        return metrics.recall_of(metrics.lists_of_new(self, places, neighbors, k))

    def drop_graph(self):
        """Forget the graph, most of a model's bytes: what is left places new rows as before, to the same bits.

        The layout ends where it is: :meth:`partial_fit` without data cannot go on.

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
        check_is_fitted(self)
        for name in ("manifold_", *persistence.OF_A_LAYOUT):
            self.__dict__.pop(name, None)
        self.n_epochs_ = self.epoch_
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "embedding_")

    def __getstate__(self):
        with readers.reading(super().__getstate__) as state:
            return persistence.packed(state)

    def __setstate__(self, state):
        defaults = PrecomputedUMAP().get_params(deep=False)  # of parameters that the writer's version did not have
        super().__setstate__(defaults | persistence.unpacked(state))
        if hasattr(self, "embedding_"):
            self._map = MapCache()

    # ------------------------------------------------------------------------------------------------------- steps

    def _fit(self, X, y, knn_indices, knn_dists, init, manifold):
        """Fit from the beginning; the dtype of the output."""
        warn_of_target(y)
        arrays = {"knn_indices": knn_indices, "knn_dists": knn_dists}
        data = {**arrays, "init": init, "manifold": manifold}
        seen = inputs.fingerprints(X=X, **data) if self.checkpoint is not None else None
        with fit_task(self, 2, X, y, arrays) as task, self._careful(), self._on_disk(seen, init) as run:
            dtype = self._begin(X, **data, task=task, run=run)
            try:
                if hasattr(self, "_stepper"):
                    self._advance(self.n_epochs_, task, run, reuse=True)
            finally:
                if hasattr(self, "_stepper"):
                    self._seen = seen or inputs.fingerprints(X=X, **data)
        return dtype

    def _on_disk(self, seen, init, *, begins=True, stepped=False):
        """The run's place on the disk for one call, as a context; None where nothing is kept."""
        if self.checkpoint is None or not (begins or self.epoch_ < self.n_epochs_):
            return contextlib.nullcontext()
        settings, keeper = as_checkpoint(self.checkpoint), self if stepped else None
        if begins:
            seed = draw_seed(self.random_state)
            changed = {"init": self.init if init is None else init}
            if self.random_state is not None:
                changed["random_state"] = seed
            data = {name: value for name, value in seen.items() if name != "init"}
            return opened(settings, identity_of(self.get_params(deep=False) | changed, data), seed, False, keeper)
        if not hasattr(self, "_identity"):
            raise ValueError(
                "checkpoint was set after the run had begun. Set it before the first call, or checkpoint=None to go on "
                "without."
            )
        return opened(settings, self._identity, self.seed_, True, keeper)

    def _nothing_to_go_on_from(self, seen):
        """Whether partial_fit has to begin: nothing is fitted, or new data come after a fit that ran to its end."""
        if not hasattr(self, "embedding_"):
            return True
        return bool(seen) and self.epoch_ >= self.n_epochs_ and not hasattr(self, "_seen")

    def _look_at(self, X, knn_indices, knn_dists, manifold=None):
        """Check what was given; X validated, and whether it is an aside."""
        distances.check_metric(self.metric)
        aside = inputs.check_combination(X, knn_indices, knn_dists, manifold)
        return (None if X is None else inputs.validated(self, X, aside=aside, reset=True)), aside

    def _begin(self, X, knn_indices, knn_dists, init, manifold, task, run):
        """Learn or take the manifold and build the start, or leave all as it was; the dtype of the output.

        A draft gets the attributes one after the other, this estimator all of them at once: it may be stored meanwhile.
        """
        with task.subtask("graph"):
            draft = object.__new__(type(self))
            earlier = (*persistence.OF_A_LAYOUT, "_search", "feature_names_in_")
            draft.__dict__ = {name: value for name, value in self.__dict__.items() if name not in earlier}
            dtype = draft._build(X, knn_indices, knn_dists, init, manifold, run)
            self.__dict__ = draft.__dict__
            return dtype

    def _build(self, X, knn_indices, knn_dists, init, manifold, run):
        """Manifold and start; the dtype of the output."""
        report, curve = Report(threads=get_num_threads()), self._curve()
        values, aside = self._look_at(X, knn_indices, knn_dists, manifold)
        planning.warn_if_too_large(self, values, knn_indices, manifold, init)
        if manifold is None:
            stored = run and run.graph()
            if stored:
                graph, lengths = stored
                manifold = Manifold(graph, self._graph_parameters(), own=WHOLE, lengths=lengths)
            else:
                manifold = self._learn(values, aside, knn_indices, knn_dists, report)
        elif not isinstance(manifold, Manifold):
            raise TypeError(f"manifold must be a Manifold, but is {type(manifold).__name__}. Use Manifold.from_graph.")
        else:
            manifold.check_agrees(self._graph_parameters())
            if values is not None and values.shape[0] != manifold.n_samples:
                raise ValueError(
                    f"X has {values.shape[0]} rows, but the manifold has {manifold.n_samples}. Give the rows that it "
                    "was learned from, or leave X out. Cross-validation cuts X and passes a manifold on whole: to try "
                    "parameters on one graph, use cv=[(rows, rows)] with rows = np.arange(n)."
                )
        if X is None:
            self.n_features_in_ = manifold.n_samples
        if values is not None and self.metric != "precomputed" and not hasattr(self, "_search"):
            self._search = search_beside(values, self.metric, self.metric_params, self.n_jobs)
        features = values if aside or self.metric != "precomputed" else None
        start = self.init if init is None else init
        known = manifold._held.lengths is not None
        start = inputs.check_start(start, manifold.n_samples, self.n_components, features, known)
        self.manifold_, self.report_ = manifold, report
        self.a_, self.b_ = curve
        stored = run and run.take(manifold._held)
        if stored and run.finished:
            with report.phase("resume") as entry:
                self.embedding_, self._map, entry["epoch"] = stored.positions, MapCache(), stored.epoch
            self.seed_, self.epoch_, self.n_epochs_ = stored.seed, stored.epoch, run.n_epochs
        else:
            self._begin_layout(start, features, run, stored)
        return np.dtype(np.float32) if values is None else values.dtype

    def _begin_layout(self, start, features, run, stored):
        """Take the layout to its start, or to where it was when the run was cut off."""
        schedule = stepping.Schedule(self.n_epochs, self.n_components, self.multilevel, float(self.tol))
        held, forces = self.manifold_._held, self._forces(Curve(self.a_, self.b_))
        with self.report_.phase("resume" if stored else "start") as entry:
            if stored:
                stepper = stepping.resumed(held, schedule, forces, stored)
                entry["epoch"] = stored.epoch
            else:
                seed = run.seed if run else draw_seed(self.random_state)
                rescale = self.rescale_init
                if isinstance(start, str) and start == "auto":
                    start = automatic_start(features, held.lengths is not None, self.n_components, seed)
                    rescale = True
                entry["init"] = start if isinstance(start, str) else "array"
                stepper = stepping.start(held, start, schedule, forces, seed, features=features, rescale=rescale)
            entry["levels"] = stepping.level_sizes(stepper)
        self.seed_, self.n_epochs_ = stepper.state.seed, stepping.planned_epochs(stepper)
        if run:
            self._identity, run.n_epochs = run.identity, self.n_epochs_
        self._begun_with = self.get_params(deep=False)
        self._settle(stepper)

    def _learn(self, values, aside, knn_indices, knn_dists, report, allocate=in_memory):
        """Manifold of the neighbors that were given or are found."""
        n_rows = None if values is None else values.shape[0]
        if not aside and self.metric != "precomputed":
            with report.phase("search") as entry:
                self._search = build_search(values, self.metric, self.metric_params, self.n_jobs)
                knn_indices, knn_dists = find_neighbors(self._search, values, self.n_neighbors - 1, own=True)
                entry["rows"] = len(knn_indices)
        with report.phase("neighbors") as entry:
            neighbors, counts = read_neighbors(
                values if knn_indices is None else None,
                knn_indices=knn_indices,
                knn_dists=knn_dists,
                n_neighbors=self.n_neighbors,
                n_rows=n_rows,
                disconnection_distance=self._graph_parameters()["disconnection_distance"],
                allocate=allocate,
            )
            if aside:
                inputs.check_self_column(knn_indices, knn_dists)
            elif self.metric == "precomputed":
                check_square(values)
            entry.update(counts._asdict())
        warn_about(counts, neighbors, self.n_neighbors - 1)
        with report.phase("graph") as entry:
            lengths = mean_distances(neighbors)
            graph = fuzzy_graph(
                neighbors,
                self.n_neighbors,
                local_connectivity=self.local_connectivity,
                set_op_mix_ratio=self.set_op_mix_ratio,
                symmetrize=self.symmetrize,
                allocate=allocate,
            )
            entry.update(edges=len(graph.indices), bytes=sum(array.nbytes for array in graph))
        manifold = Manifold(graph, self._graph_parameters(), own=WHOLE, lengths=lengths)
        lost = manifold.disconnected()
        report.phase_note("graph", disconnected_rows=int(lost.sum()))
        warn_of_lost(lost, "rows have no neighbor")
        return manifold

    def _advance(self, epochs, task, run, *, reuse=False):
        """Run epochs; an interrupt leaves the last whole one."""
        stepper = stepping.restored(self._stepper, self.manifold_._held)
        reached = stepper.state
        last = min(self.n_epochs_, reached.epoch + epochs)
        stop, costs = False, functools.partial(costs_of, stepping.layout_of(stepper), stepper.state)

        def held(state):
            return readers.is_read(state) or (run is not None and state is run.writing)

        def on_epoch(state):
            nonlocal reached, stop
            reached = state
            self.__dict__["_stepper"] = stepper._replace(state=state)  # for those who store the estimator now
            entry["epochs"] = state.epochs_run
            asked = show(state.epoch)
            if run:
                run.after_epoch(state)
            halted = layout.end_epoch(lambda: self._attributes_of(stepper._replace(state=copy.deepcopy(state))))
            stop = bool(halted or asked)
            if not stop and state.epoch < last:
                layout.begin_epoch()
            return stop

        try:
            with (
                task.subtask("layout", last - reached.epoch) as layout,
                self.report_.phase("layout") as entry,
                progress_bar(costs, reached.epoch, self.verbose) as show,
            ):
                layout.begin_epoch()
                while reached.epoch < last and not stop:
                    stepper = stepping.lightened(stepper._replace(state=reached))
                    self.__dict__.update(_stepper=stepper)  # lets go of what was left out
                    count = min(last, stepping.phase_end(stepper)) - reached.epoch
                    problem = stepping.layout_of(stepper)
                    optimizer.run(problem, reached, count, on_epoch, reuse=reuse, held=held)
                    reuse = True
        finally:
            self._settle(stepper._replace(state=reached))
            if run:
                run.settle(reached, self.embedding_)

    def _settle(self, stepper):
        """Take over a layout as it stands, in one step."""
        attributes = self.__dict__ | self._attributes_of(stepper)
        if stepping.finished(stepper):
            for name in ("_stepper", "_identity", "_begun_with"):
                attributes.pop(name, None)
        self.__dict__ = attributes

    def _attributes_of(self, stepper):
        """Attributes of an estimator whose layout is at this point."""
        return {
            "embedding_": stepping.whole_positions(stepper, self.manifold_.disconnected()),
            "epoch_": stepper.state.epoch,
            "_map": MapCache(),
            "_stepper": stepper,
        }

    def _look_up(self, X, knn_indices, knn_dists, count):
        """Check what was given of new rows; X validated, and arrays, of `count` neighbors where they are searched."""
        aside = inputs.check_combination(X, knn_indices, knn_dists)
        searches = not aside and self.metric != "precomputed"
        if searches and not hasattr(self, "_search"):
            raise ValueError(
                "The estimator was fitted without features, so it cannot search among them. Pass knn_indices and "
                "knn_dists, or fit with features as X."
            )
        values = None if X is None else inputs.validated(self, X, aside=aside, reset=False)
        if searches:
            knn_indices, knn_dists = find_neighbors(self._search, values, count, own=False)
        return values, knn_indices, knn_dists

    def _read_new(self, values, knn_indices, knn_dists, count):
        """The nearest neighbors of new rows among the training rows."""
        return read_neighbors(
            values if knn_indices is None else None,
            knn_indices=knn_indices,
            knn_dists=knn_dists,
            n_neighbors=count,
            n_rows=None if values is None else _num_samples(values),
            n_columns=len(self.embedding_),
            drop_self=False,
            disconnection_distance=self._graph_parameters()["disconnection_distance"],
        )

    def _place(self, values, knn_indices, knn_dists):
        """Places of new rows, of the dtype of their features."""
        neighbors, counts = self._read_new(values, knn_indices, knn_dists, self.n_neighbors)
        warn_about(counts, neighbors, self.n_neighbors)
        frozen = self._map.get(lambda: freeze(self.embedding_, self._forces(Curve(self.a_, self.b_)), self.seed_))
        places = place(frozen, neighbors, self.n_neighbors, self.local_connectivity)
        warn_of_lost(np.isnan(places[:, 0]), "new rows have no usable neighbor")
        return places if values is None else places.astype(values.dtype, copy=False)

    def _placed(self, X, knn_indices, knn_dists, count):
        """Places of new rows, and all their neighbors: those given, or at least `count` where they are searched."""
        with limit_threads(self.n_jobs):
            values, indices, dists = self._look_up(X, knn_indices, knn_dists, max(count, self.n_neighbors))
            neighbors, _ = self._read_new(values, indices, dists, len(self.embedding_))
            return self._place(values, indices, dists), neighbors

    def _graph_parameters(self):
        """Parameters that decide the graph, with the metric's own disconnection distance filled in."""
        distance = self.disconnection_distance
        if distance is None:
            distance = DISCONNECTION_DISTANCES.get(self.metric, np.inf) if isinstance(self.metric, str) else np.inf
        return {
            "n_neighbors": self.n_neighbors,
            "local_connectivity": self.local_connectivity,
            "set_op_mix_ratio": self.set_op_mix_ratio,
            "disconnection_distance": distance,
            "symmetrize": self.symmetrize,
        }

    def _curve(self):
        """The curve: a and b as given, or fitted."""
        if (self.a is None) != (self.b is None):
            raise ValueError(f"a={self.a!r} and b={self.b!r}: give both parameters of the curve, or neither.")
        if self.a is not None:
            return inputs.check_curve(Curve(float(self.a), float(self.b)))
        if self.min_dist > self.spread:
            raise ValueError(
                f"min_dist={self.min_dist} must be at most spread={self.spread}. Lower one or raise the other."
            )
        return fit_curve(float(self.spread), float(self.min_dist))

    def _forces(self, curve):
        """What pulls and pushes, from the parameters."""
        return optimizer.Forces(
            curve,
            float(self.repulsion_strength),
            negative_rate=float(self.negative_sample_rate),
            learning_rate=float(self.learning_rate),
        )

    @contextlib.contextmanager
    def _careful(self):
        """Run on as many threads as were asked for, and leave the estimator as it was after an error."""
        with limit_threads(self.n_jobs), announced(say if self.verbose else None), self._restored_after(Exception):
            yield

    @contextlib.contextmanager
    def _restored_after(self, errors):
        """Leave the estimator as it was if the block ends in one of these errors."""
        before = dict(self.__dict__)
        try:
            yield
        except errors:
            self.__dict__ = before
            raise


def draw_seed(random_state: Any) -> int:
    """Seed of a run: the number that was given, or one drawn from the generator or from numpy's global one.

    Parameters
    ----------
    random_state : int, RandomState, Generator or None
        The estimator's parameter.

    Returns
    -------
    int
        Not negative.
    """
    if isinstance(random_state, Integral):
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(check_random_state(random_state).randint(2**31))


def warn_of_lost(lost: np.ndarray, what: str) -> None:
    """Warn of rows that have no place.

    Parameters
    ----------
    lost : ndarray of bool
        True for such rows.
    what : str
        Why they have none.
    """
    if lost.any():
        warn(
            f"{int(lost.sum())} of {len(lost)} {what}, the first is row {int(np.argmax(lost))}; they are NaN in the "
            "embedding. Search for more neighbors, or raise disconnection_distance.",
            DisconnectedWarning,
        )


def _x_optional(method: Callable[..., Any]) -> Callable[..., Any]:
    """Free X again, which scikit-learn's wrapper for set_output makes positional."""

    @functools.wraps(method)
    def call(self, X=None, *args, **kwargs):
        return method(self, X, *args, **kwargs)

    return call


for _name in ("transform", "fit_transform"):
    setattr(PrecomputedUMAP, _name, _x_optional(getattr(PrecomputedUMAP, _name)))

"""DistributedUMAP, the estimator that distributes a fit over the workers of a Dask cluster."""

from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.utils.validation import check_is_fitted

from umap_sk.dask import placing
from umap_sk.dask.cluster import connect
from umap_sk.dask.inputs import check_neighbors
from umap_sk.dask.layout import lay_out, open_run
from umap_sk.dask.learning import learn_graph
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.layout.start import resolve_init
from umap_sk.monitor.report import Report
from umap_sk.pipeline import parameters
from umap_sk.pipeline.settings import draw_seed, make_settings


class DistributedUMAP(BaseEstimator):
    """UMAP of a nearest-neighbor graph on the workers of a Dask cluster.

    The map has the same bits as that of :class:`umap_sk.PrecomputedUMAP` with the same parameters. They do not depend
    on the number of workers, on the chunks, or on workers that die during the fit. This estimator is for graphs that do
    not fit on any single machine. Rows of the graph stay on their workers, and positions are sent once per epoch.

    There are no parameters for features (`metric`, `searcher`), targets, density and output metrics, and no `n_jobs`.

    Parameters
    ----------
    n_neighbors, n_components, min_dist, spread, a, b, local_connectivity, set_op_mix_ratio : object
        As in :class:`umap_sk.PrecomputedUMAP`.
    disconnection_distance, symmetrize : object
        As in :class:`umap_sk.PrecomputedUMAP`.
    init : {"auto", "pivot_mds", "spectral", "random"} or array-like of shape (n_samples, n_components), default="auto"
        Initial layout, as in :class:`umap_sk.PrecomputedUMAP`. "auto" is "pivot_mds" if the distances are known.
    rescale_init, n_epochs, learning_rate, negative_sample_rate, repulsion_strength, multilevel : object
        As in :class:`umap_sk.PrecomputedUMAP`.
    random_state, verbose : object
        As in :class:`umap_sk.PrecomputedUMAP`.
    checkpoint : Checkpoint, str or path, default=None
        As in :class:`umap_sk.PrecomputedUMAP`. This process writes the checkpoints.
    client : distributed.Client, default=None
        Client of the cluster, or None for the current client.

    Attributes
    ----------
    embedding_ : dask.array.Array of shape (n_samples, n_components), float32
        The map in the chunks of rows of the input. It is on the workers as long as the client of the fit is open.
        Afterwards, access raises a RuntimeError.
    n_epochs_ : int
        Number of epochs of the whole schedule.
    a_, b_ : float
        Parameters of the curve.
    seed_ : int
        The seed of all random numbers.
    n_features_in_ : int
        Number of rows of the training data.
    report_ : Report
        The phases of the fit with their seconds and counts.

    See Also
    --------
    umap_sk.PrecomputedUMAP : The same map in one process.
    umap_sk.dask.transform : Places new rows in the map of either estimator, lazily.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from distributed import Client
    >>> from sklearn.neighbors import NearestNeighbors
    >>> from umap_sk.dask import DistributedUMAP
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> neighbors = NearestNeighbors(n_neighbors=10).fit(X).kneighbors(X)
    >>> dists, indices = (da.from_array(array, chunks=(100, -1)) for array in neighbors)
    >>> with Client(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as client:
    ...     model = DistributedUMAP(n_neighbors=10, random_state=0).fit(knn_indices=indices, knn_dists=dists)
    ...     model.embedding_.compute().shape
    (300, 2)
    """

    _parameter_constraints: dict[str, object] = {
        name: rule
        for name, rule in parameters.CONSTRAINTS.items()
        if not name.startswith(("metric", "searcher", "target_", "output_", "dens_", "n_jobs"))
    } | {"client": "no_validation"}

    def __init__(
        self,
        n_neighbors=15,
        n_components=2,
        *,
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
        learning_rate=1.0,
        negative_sample_rate=5,
        repulsion_strength=1.0,
        multilevel=True,
        random_state=None,
        verbose=False,
        checkpoint=None,
        client=None,
    ):
        self.n_neighbors = n_neighbors
        self.n_components = n_components
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
        self.learning_rate = learning_rate
        self.negative_sample_rate = negative_sample_rate
        self.repulsion_strength = repulsion_strength
        self.multilevel = multilevel
        self.random_state = random_state
        self.verbose = verbose
        self.checkpoint = checkpoint
        self.client = client

    @property
    def embedding_(self):
        """The map, as long as the client of the fit is open."""
        check_is_fitted(self)
        placing.check_reachable(self._on_workers)
        return self._on_workers.array

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X=None, y=None, *, knn_indices=None, knn_dists=None, init=None, manifold=None):
        """Learn the graph in pieces, unless a manifold is given, and lay it out.

        Parameters
        ----------
        X, y : None
            Not used.
        knn_indices : dask array of shape (n_samples, k), integers, default=None
            Neighbors of each row, in chunks of rows. A dask frame or an array of this process is possible, too.
        knn_dists : dask array of shape (n_samples, k), real numbers, default=None
            Distances to these neighbors, in the same chunks.
        init : array-like of shape (n_samples, n_components), default=None
            Initial layout, which replaces the parameter `init`.
        manifold : str or path, default=None
            Directory of a manifold (see :meth:`umap_sk.Manifold.save`) to which all workers have access.

        Returns
        -------
        self : DistributedUMAP
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If arguments are invalid, chunks differ, or workers lack this version. Nothing is computed then.
        RuntimeError
            If the connection to the scheduler is lost during the fit.
        """
        if X is not None:
            raise TypeError("X is not used. Give the neighbors: fit(knn_indices=..., knn_dists=...).")
        if y is not None:
            raise TypeError("y is not used: targets shape graphs in one process only, in PrecomputedUMAP.")
        if manifold is not None and (knn_indices is not None or knn_dists is not None):
            raise ValueError("Give either neighbors or a manifold, not both: the manifold has its graph already.")
        neighbors = check_neighbors(knn_indices, knn_dists) if manifold is None else None
        cluster, report = connect(self.client), Report()
        settings = make_settings(self._get_own_parameters())
        graph = learn_graph(cluster, settings.graph, neighbors, manifold, report)
        shape, has_lengths = (graph.n_samples, self.n_components), graph.graph.lengths is not None
        init = self.init if init is None else init
        start = resolve_init(
            init, shape, has_lengths=has_lengths, rescale=self.rescale_init, disconnected=graph.disconnected
        )
        seed = draw_seed(settings)
        with open_run(self._get_own_parameters(), self.checkpoint, graph.checksum, start, seed) as session:
            layout = lay_out(cluster, settings, graph, start, session.seed if session else seed, session, report)
        chunks = neighbors[0].chunks[0] if neighbors else graph.chunks
        self._on_workers = placing.make_embedding(cluster, layout, graph, chunks)
        self.a_, self.b_ = settings.layout.forces.curve
        self.seed_, self.n_features_in_ = layout.seed, graph.n_samples
        self.n_epochs_, self.report_ = layout.n_epochs, report
        return self

    def fit_transform(self, X=None, y=None, **given):
        """Fit the model, and return the map.

        Parameters
        ----------
        X, y : None
            Not used.
        **given : object
            Arguments of :meth:`fit`.

        Returns
        -------
        dask.array.Array of shape (n_samples, n_components), float32
            The map, which is also in `embedding_`.
        """
        return self.fit(X, y, **given).embedding_

    def transform(self, X=None, *, knn_indices=None, knn_dists=None):
        """Place new rows in the map, lazily and in chunks; see :func:`umap_sk.dask.transform`.

        Parameters
        ----------
        X : None
            Not used.
        knn_indices, knn_dists : dask array or dask frame of shape (n_new, k)
            Neighbors among the training rows, in the same chunks of rows, and their distances.

        Returns
        -------
        dask.array.Array of shape (n_new, n_components), float32
            Places, NaN for rows without a usable neighbor.
        """
        check_is_fitted(self)
        if X is not None:
            raise TypeError("X is not used. Give the neighbors: transform(knn_indices=..., knn_dists=...).")
        return placing.transform(self, knn_indices, knn_dists)

    def local(self):
        """Return an unfitted estimator of one process with the same parameters.

        Returns
        -------
        umap_sk.PrecomputedUMAP
            The estimator.
        """
        return PrecomputedUMAP(**self._get_own_parameters())

    def to_local(self):
        """Return the fitted estimator in this process, without its graph. It can be stored and place new rows.

        Returns
        -------
        umap_sk.PrecomputedUMAP
            The fitted estimator, as after :meth:`umap_sk.PrecomputedUMAP.drop_graph`.
        """
        check_is_fitted(self)
        fitted = placing.make_fitted_model(self)
        return placing.make_local_model(self._get_own_parameters(), fitted, self.embedding_.compute())

    def __reduce_ex__(self, protocol):
        """Store a fitted estimator as :meth:`to_local` returns it, since its map is on the workers."""
        if self.__sklearn_is_fitted__():
            return placing.get_stored_model, (self.to_local(),)
        return super().__reduce_ex__(protocol)

    def _get_own_parameters(self):
        """Return the parameters that estimators of one process have, too."""
        return {name: value for name, value in self.get_params(deep=False).items() if name != "client"}

    def _validate_params(self):
        parameters.validate_parameters(self, super()._validate_params)

    def __sklearn_clone__(self):
        own = {name: clone(value, safe=False) for name, value in self._get_own_parameters().items()}
        return type(self)(**own, client=self.client)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_on_workers")

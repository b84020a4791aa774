"""AlignedUMAP, umap-learn's class for sequences of maps, which calls umap_sk.align."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from umap_sk.alignment import check_pairs, compute_anchors, fit_in_sweeps
from umap_sk.compatible import translation
from umap_sk.compatible.umap import UMAP
from umap_sk.estimator import PrecomputedUMAP

STRENGTH_FACTOR = 30.0
"""Strength of :func:`umap_sk.align` for each unit of `alignment_regularisation`. It makes both defaults equal."""

LIST_PARAMETERS = (
    "n_neighbors n_epochs learning_rate min_dist spread set_op_mix_ratio local_connectivity repulsion_strength "
    "negative_sample_rate"
).split()
"""Parameters that may be a list, with an entry for each map."""

OWN_PARAMETERS = ("alignment_regularisation", "alignment_window_size", "low_memory")
"""Parameters that UMAP does not have, or has with another default."""


class AlignedUMAP(BaseEstimator):
    """Maps of a sequence of data sets that share rows, with umap-learn's names.

    The steps of :func:`umap_sk.align` compute the maps one after the other. Each row that also belongs to an adjacent
    map is pulled towards its position there.

    Parameters
    ----------
    n_neighbors, n_epochs, learning_rate, min_dist, spread : object
        As in :class:`umap_sk.UMAP`, or a list with an entry for each map.
    set_op_mix_ratio, local_connectivity, repulsion_strength, negative_sample_rate : object
        The same.
    alignment_regularisation : float, default=0.01
        Strength of the anchors. 0.01 is the default `strength` of :func:`umap_sk.align`; others are in proportion.
    alignment_window_size : int, default=3
        Not used. Each map has anchors in the maps before and after it.
    n_components, metric, metric_kwds, init, a, b, random_state, verbose : object
        As in :class:`umap_sk.UMAP`.
    target_n_neighbors, target_metric, target_metric_kwds, target_weight : object
        The same.
    low_memory, transform_queue_size, angular_rp_forest, transform_seed, force_approximation_algorithm : object
        Not used.
    unique : bool, default=False
        Must be False.

    Attributes
    ----------
    embeddings_ : list of ndarray of shape (n_samples, n_components), float32
        The maps.
    mappers_ : list of PrecomputedUMAP
        The fitted estimators.
    dict_relations_ : list of dict
        The relations.
    n_models_ : int
        Number of maps.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk.interop.functions import AlignedUMAP
    >>> X = np.random.default_rng(0).normal(size=(300, 3))
    >>> relations = [{row + 100: row for row in range(100)}]
    >>> model = AlignedUMAP(n_epochs=50, random_state=0).fit([X[:200], X[100:]], relations=relations)
    >>> [embedding.shape for embedding in model.embeddings_]
    [(200, 2), (200, 2)]
    """

    def __init__(
        self,
        n_neighbors=15,
        n_components=2,
        metric="euclidean",
        metric_kwds=None,
        n_epochs=None,
        learning_rate=1.0,
        init="spectral",
        alignment_regularisation=1.0e-2,
        alignment_window_size=3,
        min_dist=0.1,
        spread=1.0,
        low_memory=False,
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
        force_approximation_algorithm=False,
        verbose=False,
        unique=False,
    ):
        self.n_neighbors = n_neighbors
        self.n_components = n_components
        self.metric = metric
        self.metric_kwds = metric_kwds
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.init = init
        self.alignment_regularisation = alignment_regularisation
        self.alignment_window_size = alignment_window_size
        self.min_dist = min_dist
        self.spread = spread
        self.low_memory = low_memory
        self.set_op_mix_ratio = set_op_mix_ratio
        self.local_connectivity = local_connectivity
        self.repulsion_strength = repulsion_strength
        self.negative_sample_rate = negative_sample_rate
        self.transform_queue_size = transform_queue_size
        self.a = a
        self.b = b
        self.random_state = random_state
        self.angular_rp_forest = angular_rp_forest
        self.target_n_neighbors = target_n_neighbors
        self.target_metric = target_metric
        self.target_metric_kwds = target_metric_kwds
        self.target_weight = target_weight
        self.transform_seed = transform_seed
        self.force_approximation_algorithm = force_approximation_algorithm
        self.verbose = verbose
        self.unique = unique

    def fit(self, X, y=None, *, relations=None, **fit_params):
        """Learn the graph of each data set, and lay the graphs out together.

        Parameters
        ----------
        X : list of {array-like, sparse matrix} of shape (n_samples, n_features)
            The data sets.
        y : list of array-like of shape (n_samples,), default=None
            Targets of each data set.
        relations : list of dict
            The shared rows of each pair of adjacent data sets: row of the first, row of the second.
        **fit_params : object
            Arguments of umap-learn that are not used, such as `window_size`.

        Returns
        -------
        self : AlignedUMAP
            The fitted model.

        Raises
        ------
        ValueError
            If there is not one relation for each pair of adjacent data sets, or a relation repeats a row or is out of
            range, or if a parameter is a list of another length than the data sets.
        """
        if relations is None or len(relations) != len(X) - 1:
            raise ValueError(
                f"{len(X)} data sets need {len(X) - 1} relations, but "
                f"{'none' if relations is None else len(relations)} were given. Pass relations=[{{row of a set: row of "
                "the next}, ...]."
            )
        for name in LIST_PARAMETERS:
            value = getattr(self, name)
            if isinstance(value, list | tuple | np.ndarray) and len(value) != len(X):
                raise ValueError(
                    f"{name} has {len(value)} entries for {len(X)} data sets. Pass one for each, or a number."
                )
        translation.warn_about_arguments("AlignedUMAP.fit", fit_params)
        targets = [None] * len(X) if y is None else y
        self.mappers_ = [self._make_mapper(number, targets[number] is not None) for number in range(len(X))]
        self._manifolds = [
            model.learn_manifold(*inputs) for model, *inputs in zip(self.mappers_, X, targets, strict=True)
        ]
        self._pairs = [
            check_pairs(*relation) for relation in zip(relations, self._manifolds, self._manifolds[1:], strict=False)
        ]
        fit_in_sweeps(self.mappers_, self._manifolds, self._pairs, self._strength)
        self.dict_relations_ = list(relations)
        return self._publish()

    def fit_transform(self, X, y=None, *, relations=None, **fit_params):
        """Fit, and return the maps.

        Parameters
        ----------
        X, y, relations, **fit_params : object
            As in :meth:`fit`.

        Returns
        -------
        list of ndarray of shape (n_samples, n_components)
            The maps.
        """
        return self.fit(X, y, relations=relations, **fit_params).embeddings_

    def update(self, X, y=None, *, relations=None, **fit_params):
        """Add a map of another data set with anchors in the last map. The existing maps do not change.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The next data set.
        y : array-like of shape (n_samples,), default=None
            Its targets.
        relations : dict
            The shared rows: row of the last data set, row of this one.
        **fit_params : object
            Parameters of this map. They are appended to parameters that are lists, and replace others.

        Returns
        -------
        self : AlignedUMAP
            The model with the new map.
        """
        check_is_fitted(self)
        if relations is None:
            raise ValueError("A further data set needs relations={row of the last set: row of this one}.")
        for name in [name for name in LIST_PARAMETERS if name in fit_params]:
            old, value = getattr(self, name), fit_params.pop(name)
            setattr(self, name, [*old, value] if isinstance(old, list | tuple) else value)
        translation.warn_about_arguments("AlignedUMAP.update", fit_params)
        model = self._make_mapper(self.n_models_, y is not None)
        manifold = model.learn_manifold(X, y)
        self._pairs = [*self._pairs, check_pairs(relations, self._manifolds[-1], manifold)]
        self.mappers_, self._manifolds = [*self.mappers_, model], [*self._manifolds, manifold]
        anchors = compute_anchors(self.n_models_, self.mappers_, self._pairs, manifold.n_samples, self._strength)
        model.fit(manifold=manifold, anchors=anchors)
        self.dict_relations_ = [*self.dict_relations_, relations]
        return self._publish()

    @property
    def _strength(self) -> float:
        return STRENGTH_FACTOR * self.alignment_regularisation

    def _publish(self):
        self.n_models_ = len(self.mappers_)
        self.embeddings_ = [model.embedding_ for model in self.mappers_]
        return self

    def _make_mapper(self, number: int, targets: bool) -> PrecomputedUMAP:
        """Return the unfitted estimator of one map."""
        parameters = {name: value for name, value in self.get_params(deep=False).items() if name not in OWN_PARAMETERS}
        parameters |= {name: select_entry(parameters[name], number) for name in LIST_PARAMETERS}
        umap = UMAP(**parameters)
        translation.warn_about_unused(umap)
        if umap.unique:
            raise ValueError("unique=True leaves copies out, but relations count all rows. Use unique=False.")
        return PrecomputedUMAP(**translation.translate_parameters(umap, 0, targets=targets))


def select_entry(value: object, number: int) -> object:
    """Return the entry of a list for one map. The last entry of a short list is repeated."""
    if isinstance(value, list | tuple | np.ndarray):
        return value[min(number, len(value) - 1)]
    return value

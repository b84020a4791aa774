"""What umap-learn's class does, by a PrecomputedUMAP that it makes of its parameters; no arithmetic of its own."""

import contextlib
import operator
import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context, clone
from sklearn.utils.validation import check_array, check_is_fitted

from umap_sk.compatible import compared, given, translation
from umap_sk.compatible.attributes import assembled, fitted_attribute, forget, graph_of_new
from umap_sk.compatible.kept_features import KeptFeatures
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.exceptions import DoubtfulDistancesWarning, FewerNeighborsWarning, IgnoredTargetWarning, warn


class Methods(KeptFeatures, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The methods of :class:`umap_sk.UMAP`."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        asked = translation.metric_of(self)
        inner = PrecomputedUMAP(metric=asked["metric"], searcher=self.searcher).__sklearn_tags__()
        tags.input_tags = inner.input_tags
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def __getattr__(self, name):
        return fitted_attribute(self, name)

    @property
    def _n_features_out(self):
        return self.estimator_.embedding_.shape[1]

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, ensure_all_finite=True, *, knn_graph=None):
        """Learn the graph and lay it out.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features)
            Features; with metric="precomputed" distances, n_samples x n_samples, dense or sparse; with
            metric="string" a list of texts.
        y : array-like of shape (n_samples,), default=None
            Targets, as `target_metric` says.
        ensure_all_finite : bool or "allow-nan", default=True
            False, or "allow-nan" for NaN alone, to hand rows as they are to a metric that takes them: a function, or
            "nan_euclidean"; all rows are compared then. By other metrics rows must be finite. Beside `precomputed_knn`
            they may hold anything.
        knn_graph : tuple of array, sparse or dense matrix, default=None
            Neighbors as cuML takes them: indices and distances, a sparse graph of distances, or all distances.

        Returns
        -------
        self : UMAP
            The fitted model.
        """
        if self.target_metric_kwds and self.target_metric != "ordinal":
            raise ValueError(
                f"target_metric_kwds={self.target_metric_kwds!r}, but metrics of targets take no arguments here. Use "
                "one that needs none."
            )
        translation.tell_unused(self)
        rows = given.read(self, X, y, knn_graph)
        count = given.n_rows(rows.X)
        if count == 1 and rows.inverse is None:
            return self._fit_one_row(rows.X)
        estimator = PrecomputedUMAP(**translation.translated(self, count, targets=rows.y is not None))
        translation.tell_fewer(self, count)
        stops = translation.stops_of(self)
        every, words = not rows.neighbors and compared.compares_all(self, ensure_all_finite), None
        if every:
            estimator._validate_params()
            rows.neighbors.update(compared.of_fit(self, rows.X, ensure_all_finite))
        if compared.reads_words(self):
            words, rows = compared.words(rows.X), rows._replace(X=None)
        apart = warnings.catch_warnings(action="ignore", category=DoubtfulDistancesWarning)  # from Euclidean distances
        with translation.in_own_words(), apart if every else contextlib.nullcontext():
            maps = given.fitted(estimator, rows, stops)
        forget(self)
        self.estimator_, self._unique_inverse, self._words = estimator, rows.inverse, words
        self.__dict__.pop("embedding_list_", None)
        if stops is not None:
            self.embedding_list_ = [places if rows.inverse is None else places[rows.inverse] for places in maps]
        return self

    def fit_transform(self, X, y=None, ensure_all_finite=True, *, knn_graph=None):
        """Fit, and return the map.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features)
            As in :meth:`fit`.
        y : array-like of shape (n_samples,), default=None
            As in :meth:`fit`.
        ensure_all_finite : bool or "allow-nan", default=True
            As in :meth:`fit`.
        knn_graph : tuple of array, sparse or dense matrix, default=None
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components), or a tuple of it and two of shape (n_samples,), or csr_array
            The map, with `output_dens` log radii beside it, with ``transform_mode="graph"`` the graph.
        """
        self.fit(X, y, ensure_all_finite, knn_graph=knn_graph)
        if self.transform_mode == "graph":
            return self.graph_
        return (self.embedding_, self.rad_orig_, self.rad_emb_) if self.output_dens else self.embedding_

    def _fit_one_row(self, X):
        """A map of one row, as umap-learn makes it: the row lies in the origin, and no others can be placed."""
        X = check_array(X, accept_sparse="csr")
        warn(
            "X has one row, which has no neighbors: its place is 0, and no others can be placed.", FewerNeighborsWarning
        )
        forget(self)
        for name in ("estimator_", "embedding_list_"):
            self.__dict__.pop(name, None)
        self.n_features_in_, self._unique_inverse = X.shape[1], None
        self.embedding_ = np.zeros((1, self.n_components), np.float32)
        return self

    def transform(self, X, ensure_all_finite=True):
        """Place new rows in the map.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_new, n_features)
            Features, or with metric="precomputed" the distances to the training rows.
        ensure_all_finite : bool or "allow-nan", default=True
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_new, n_components), float32, or csr_array of shape (n_new, n_samples)
            Places, or with ``transform_mode="graph"`` membership strengths.
        """
        check_is_fitted(self)
        with translation.in_own_words():
            estimator = assembled(self)
            X = given.as_taken(self, X)
            every = compared.compares_all(self, ensure_all_finite)
            neighbors = compared.of_new(self, estimator, X, ensure_all_finite) if every else {}
            X = None if compared.reads_words(self) else X
            if self.transform_mode == "graph":
                return graph_of_new(estimator, X, neighbors)
            return estimator.transform(X, **neighbors).astype(np.float32, copy=False)

    def inverse_transform(self, X):
        """Rows of features for places in the map.

        Parameters
        ----------
        X : array-like of shape (n_places, n_components)
            Places in the map.

        Returns
        -------
        ndarray of shape (n_places, n_features)
            See :meth:`PrecomputedUMAP.inverse_transform`.
        """
        check_is_fitted(self)
        with translation.in_own_words():
            return self.estimator_.inverse_transform(X)

    def update(self, X, ensure_all_finite=True):
        """Take new rows into graph and map.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_new, n_features)
            The new rows.
        ensure_all_finite : bool or "allow-nan", default=True
            As in :meth:`fit`.

        Returns
        -------
        self : UMAP
            With all rows; the old ones hardly move. See :meth:`PrecomputedUMAP.update`.
        """
        check_is_fitted(self)
        if self._unique_inverse is not None:
            raise ValueError("update counts every row, but unique=True left copies out. Fit without it, or fit again.")
        with translation.in_own_words():
            X = given.as_taken(self, X)
            every = compared.compares_all(self, ensure_all_finite)
            neighbors = compared.of_update(self, self.estimator_, X, ensure_all_finite) if every else {}
            if compared.reads_words(self):
                self.estimator_.update(**neighbors)
                self._words = compared.stacked(self._words, compared.words(X))
            else:
                self.estimator_.update(X, **neighbors)
        self.__dict__.pop("embedding_list_", None)
        return self

    def partial_fit(self, X, y=None):
        """Take a batch of rows in: the first is fitted, each further one is added by :meth:`update`.

        So online topic models call it. To run the epochs of a fit one by one, use :meth:`PrecomputedUMAP.partial_fit`.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_batch, n_features)
            The batch; the first needs as many rows as a map does.
        y : object, default=None
            Not used.

        Returns
        -------
        self : UMAP
            With the rows of all batches. A map that :meth:`fit` has made with targets takes none in: the batch begins a
            new one then, with a warning.
        """
        if not hasattr(self, "estimator_"):
            return self.fit(X)
        if not self._supervised:
            return self.update(X)
        warn("The map was fitted with targets and takes no rows in: the batch begins a new one.", IgnoredTargetWarning)
        return self.fit(X)

    def _validate_parameters(self):
        """Raise if a parameter has a value that it must not have, as scanpy's ingest asks for."""
        self._validate_params()
        PrecomputedUMAP(**translation.translated(self, 0, targets=False))._validate_params()

    def score(self, X, y=None):
        """Share of each row's 15 nearest neighbors that are still among its nearest in the map.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_rows, n_features)
            As in :meth:`transform`.
        y : None
            Ignored.

        Returns
        -------
        float
            0 to 1. See :meth:`PrecomputedUMAP.score`.
        """
        check_is_fitted(self)
        with translation.in_own_words():
            return self.estimator_.score(X)

    def __mul__(self, other):
        return self._combined(other, operator.mul)

    def __add__(self, other):
        return self._combined(other, operator.add)

    def __sub__(self, other):
        return self._combined(other, operator.sub)

    def _combined(self, other, operation):
        """A model of this one's parameters, of both graphs combined."""
        if not isinstance(other, Methods):
            return NotImplemented
        check_is_fitted(self)
        check_is_fitted(other)
        if self._unique_inverse is not None or other._unique_inverse is not None:
            raise ValueError(
                "Models are combined row by row, but unique=True left copies out of a graph. Fit both without it."
            )
        manifold = operation(self.estimator_.manifold_, other.estimator_.manifold_)
        asked = translation.translated(self, manifold.n_samples, targets="targets" in manifold.parameters)
        asked |= {"init": "auto"} if isinstance(asked["init"], str) else {}
        combined = clone(self)
        with translation.in_own_words():
            combined.estimator_ = PrecomputedUMAP(**asked).fit(manifold=manifold)
        combined._unique_inverse = combined._words = None
        return combined

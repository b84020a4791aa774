"""The methods of umap-learn's class. They translate parameters and inputs, and call a PrecomputedUMAP."""

import contextlib
import operator
import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context, clone
from sklearn.utils.validation import check_array, check_is_fitted

from umap_sk.compatible import brute_force, inputs, translation
from umap_sk.compatible.attributes import compute_new_memberships, drop_attributes, get_estimator, get_fitted_attribute
from umap_sk.compatible.training_features import TrainingFeaturesMixin
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.exceptions import DoubtfulDistancesWarning, FewerNeighborsWarning, IgnoredTargetWarning, warn
from umap_sk.pipeline.inputs import count_rows
from umap_sk.pipeline.place import check_invertible


class UMAPMethods(TrainingFeaturesMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The methods of :class:`umap_sk.UMAP`."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        metric = translation.translate_metric(self)["metric"]
        tags.input_tags = PrecomputedUMAP(metric=metric, searcher=self.searcher).__sklearn_tags__().input_tags
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def __getattr__(self, name):
        return get_fitted_attribute(self, name)

    @property
    def _n_features_out(self):
        return vars(self).get("estimator_", self).embedding_.shape[1]

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, ensure_all_finite=True, *, knn_graph=None, force_all_finite=None):
        """Learn the graph and lay it out.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_samples, n_features)
            Features. With metric="precomputed", dense or sparse distances of shape (n_samples, n_samples). With
            metric="string", a list of texts.
        y : array-like of shape (n_samples,), default=None
            Targets, as described by `target_metric`.
        ensure_all_finite : bool or "allow-nan", default=True
            False, or "allow-nan" for NaN alone, passes rows unchanged to a function as metric, or to "nan_euclidean".
            Each row is then compared with all rows. Other metrics need finite rows. With `precomputed_knn`, rows may
            contain anything.
        knn_graph : tuple of array, sparse or dense matrix, default=None
            Neighbors in the forms of cuML: indices and distances, a sparse graph of distances, or all distances.
        force_all_finite : bool or "allow-nan", default=None
            The earlier name of `ensure_all_finite`.

        Returns
        -------
        self : UMAP
            The fitted model.
        """
        ensure_all_finite = ensure_all_finite if force_all_finite is None else force_all_finite
        if self.target_metric_kwds and self.target_metric != "ordinal":
            raise ValueError(
                f"target_metric_kwds={self.target_metric_kwds!r}, but metrics of targets take no arguments here. Use "
                "one that needs none."
            )
        translation.warn_about_unused(self)
        translation.check_metric_name(self)
        rows = inputs.read_input(self, X, y, knn_graph)
        count = count_rows(rows.X, None)
        if count == 1:
            return self._fit_one_row(rows)
        estimator = PrecomputedUMAP(**translation.translate_parameters(self, count, targets=rows.y is not None))
        stops = translation.get_stop_epochs(self)
        by_brute_force = not rows.neighbors and brute_force.needs_brute_force(self, ensure_all_finite)
        if by_brute_force:
            estimator._validate_params()
            rows.neighbors.update(brute_force.find_fit_neighbors(self, rows.X, ensure_all_finite))
        texts = brute_force.encode_texts(rows.X) if brute_force.compares_texts(self) else None
        rows = rows if texts is None else rows._replace(X=None)
        quiet = warnings.catch_warnings(action="ignore", category=DoubtfulDistancesWarning)  # not Euclidean by intent
        try:
            with translation.translate_errors(), quiet if by_brute_force else contextlib.nullcontext():
                maps = inputs.fit_estimator(estimator, rows, stops)
        finally:
            if hasattr(estimator, "embedding_"):  # also after an interrupt, of the last complete epoch
                drop_attributes(self)
                self.estimator_, self._unique_inverse, self._words = estimator, rows.inverse, texts
                self.__dict__.pop("embedding_list_", None)
        if stops is not None:
            self.embedding_list_ = [one if rows.inverse is None else one[rows.inverse] for one in maps]
        translation.warn_about_few_rows(self, count)  # if they are rows at all
        return self

    def fit_transform(self, X, y=None, ensure_all_finite=True, *, knn_graph=None, force_all_finite=None):
        """Fit, and return the map.

        Parameters
        ----------
        X, y, ensure_all_finite, knn_graph, force_all_finite : object
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components), or a tuple of it and two of shape (n_samples,), or csr_matrix
            The map. With `output_dens`, also the log radii. With ``transform_mode="graph"``, the graph instead.
        """
        self.fit(X, y, ensure_all_finite, knn_graph=knn_graph, force_all_finite=force_all_finite)
        if self.transform_mode == "graph":
            return self.graph_
        return (self.embedding_, self.rad_orig_, self.rad_emb_) if self.output_dens else self.embedding_

    def _fit_one_row(self, rows):
        """Place a single row and its copies at the origin, as umap-learn does. Such a model cannot place new rows."""
        texts = brute_force.compares_texts(self)
        X = brute_force.encode_texts(rows.X) if texts else check_array(rows.X, accept_sparse="csr")
        warn(
            "X has one row, which has no neighbors: its place is 0, and no others can be placed.", FewerNeighborsWarning
        )
        drop_attributes(self)
        for name in ("estimator_", "embedding_list_"):
            self.__dict__.pop(name, None)
        self.n_features_in_, self._unique_inverse = X.shape[1], rows.inverse
        count = 1 if rows.inverse is None else len(rows.inverse)
        self.embedding_ = np.zeros((count, self.n_components), np.float32)
        return self

    def transform(self, X, ensure_all_finite=True):
        """Place new rows in the map.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_new, n_features)
            Features, or with metric="precomputed", distances to the training rows.
        ensure_all_finite : bool or "allow-nan", default=True
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_new, n_components), float32, or csr_matrix of shape (n_new, n_samples)
            Positions, or membership strengths with ``transform_mode="graph"``.
        """
        check_is_fitted(self)
        with translation.translate_errors():
            estimator = get_estimator(self)
            X = inputs.convert_features(self, X)
            neighbors = {}
            if brute_force.needs_brute_force(self, ensure_all_finite):
                neighbors = brute_force.find_new_neighbors(self, estimator, X, ensure_all_finite)
            X = None if brute_force.compares_texts(self) else X
            if self.transform_mode == "graph":
                return compute_new_memberships(estimator, X, neighbors)
            return estimator.transform(X, **neighbors).astype(np.float32, copy=False)

    def inverse_transform(self, X):
        """Return rows of features for positions in the map.

        Parameters
        ----------
        X : array-like of shape (n_positions, n_components)
            Positions in the map.

        Returns
        -------
        ndarray of shape (n_positions, n_features)
            See :meth:`PrecomputedUMAP.inverse_transform`.
        """
        check_is_fitted(self)
        with translation.translate_errors():
            check_invertible(self.estimator_._get_settings(), self.estimator_._get_fitted())
            return self.estimator_.inverse_transform(X)

    def update(self, X, ensure_all_finite=True):
        """Add new rows to the graph and to the map.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_new, n_features)
            The new rows.
        ensure_all_finite : bool or "allow-nan", default=True
            As in :meth:`fit`.

        Returns
        -------
        self : UMAP
            The model of all rows. The old ones hardly move (see :meth:`PrecomputedUMAP.update`).
        """
        check_is_fitted(self)
        if inputs.has_omitted_rows(self._unique_inverse):
            raise ValueError("update counts every row, but unique=True left copies out. Fit without it, or fit again.")
        with translation.translate_errors():
            X = inputs.convert_features(self, X)
            neighbors = {}
            if brute_force.needs_brute_force(self, ensure_all_finite):
                neighbors = brute_force.find_update_neighbors(self, self.estimator_, X, ensure_all_finite)
            if brute_force.compares_texts(self):
                self.estimator_.update(**neighbors)
                assert self._words is not None  # the search has used them
                self._words = brute_force.stack_rows(self._words, brute_force.encode_texts(X))
            else:
                self.estimator_.update(X, **neighbors)
        self._unique_inverse = None
        self.__dict__.pop("embedding_list_", None)
        return self

    def partial_fit(self, X, y=None):
        """Fit the first batch of rows, and add later batches by :meth:`update`.

        Online topic models call this method. :meth:`PrecomputedUMAP.partial_fit` runs single epochs of a fit instead.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_batch, n_features)
            The batch. The first one must suffice for a map.
        y : object, default=None
            Not used.

        Returns
        -------
        self : UMAP
            The model of all batches. If :meth:`fit` used targets, the batch starts a new map, with a warning.
        """
        if not hasattr(self, "estimator_"):
            return self.fit(X)
        if not self._supervised:
            return self.update(X)
        warn("The map was fitted with targets and takes no rows in: the batch begins a new one.", IgnoredTargetWarning)
        return self.fit(X)

    def _validate_parameters(self):
        """Raise an error if a parameter is invalid. scanpy's ingest calls this method."""
        self._validate_params()
        PrecomputedUMAP(**translation.translate_parameters(self, 0, targets=False))._validate_params()

    def score(self, X, y=None):
        """Return the share of each row's 15 nearest neighbors that are also its nearest in the map.

        Parameters
        ----------
        X : array-like, sparse or frame of shape (n_rows, n_features)
            As in :meth:`transform`.
        y : None
            Ignored.

        Returns
        -------
        float
            A number from 0 to 1 (see :meth:`PrecomputedUMAP.score`).
        """
        check_is_fitted(self)
        with translation.translate_errors():
            return self.estimator_.score(X)

    def __mul__(self, other):
        return self._combine(other, operator.mul)

    def __add__(self, other):
        return self._combine(other, operator.add)

    def __sub__(self, other):
        return self._combine(other, operator.sub)

    def _combine(self, other, operation):
        """Combine the graphs of two models, and lay the result out with the parameters of this one."""
        if not isinstance(other, UMAPMethods):
            return NotImplemented
        check_is_fitted(self)
        check_is_fitted(other)
        if inputs.has_omitted_rows(self._unique_inverse) or inputs.has_omitted_rows(other._unique_inverse):
            raise ValueError(
                "Models are combined row by row, but unique=True left copies out of a graph. Fit both without it."
            )
        manifold = operation(self.estimator_.manifold_, other.estimator_.manifold_)
        parameters = translation.translate_parameters(
            self, manifold.n_samples, targets="targets" in manifold.parameters
        )
        parameters |= {"init": "auto"} if isinstance(parameters["init"], str) else {}
        combined = clone(self)
        with translation.translate_errors():
            combined.estimator_ = PrecomputedUMAP(**parameters).fit(manifold=manifold)
        combined._unique_inverse = combined._words = None
        return combined

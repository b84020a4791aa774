"""Methods that remove the training features from a model before it is stored, and set them again."""

from typing import TypeVar

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted

from umap_sk._typing import Metric, SparseMatrix
from umap_sk.compatible.brute_force import compares_texts, encode_texts
from umap_sk.compatible.inputs import KnnGraph, has_precomputed_knn
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.neighbors.searchers import prepare_search
from umap_sk.neighbors.training_rows import select_kept_features
from umap_sk.pipeline.inputs import Columns

Rows = TypeVar("Rows", np.ndarray, SparseMatrix)


def check_shape(values: Rows, shape: tuple[int, int | None]) -> Rows:
    """Return the rows, or raise a ValueError if their shape differs from that of the fit."""
    if values.shape[0] != shape[0] or shape[1] not in (None, values.shape[1]):
        raise ValueError(f"X has shape {values.shape}, but the model was fitted to {shape}. Give the same rows.")
    return values


class TrainingFeaturesMixin:
    """The methods of :class:`umap_sk.UMAP` that drop and set its training features."""

    metric: Metric
    metric_kwds: dict[str, object] | None
    precomputed_knn: KnnGraph
    estimator_: PrecomputedUMAP
    _words: np.ndarray | None
    _unique_inverse: np.ndarray | None

    def drop_features(self):
        """Drop the features of the training rows, which are most of the bytes of a large model. The map stays.

        Methods that search among the training rows need the features again (see :meth:`set_features`).

        Returns
        -------
        self : UMAP
            The model without features.

        Examples
        --------
        >>> import pickle
        >>> import numpy as np
        >>> from umap_sk import UMAP
        >>> X = np.random.default_rng(0).normal(size=(200, 300))
        >>> model = UMAP(random_state=0).fit(X)
        >>> places = model.transform(X[:3] + 0.1)
        >>> stored = pickle.dumps(model.drop_features())
        >>> len(stored) < X.nbytes
        True
        >>> np.array_equal(pickle.loads(stored).set_features(X).transform(X[:3] + 0.1), places)
        True
        """
        check_is_fitted(self)
        self.estimator_._publish(self.estimator_._get_fitted()._replace(search=None, features=None))
        self._words = None
        return self

    def set_features(self, X):
        """Set the features of the training rows again.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            The rows of :meth:`fit`. Only their shape is compared. An array is not copied, and may be memory-mapped.

        Returns
        -------
        self : UMAP
            The model, which places new rows as before.

        Raises
        ------
        ValueError
            If the shape of `X` differs from that of the features of the fit.
        """
        check_is_fitted(self)
        estimator = self.estimator_
        if compares_texts(self):
            self._words = check_shape(encode_texts(X), (len(estimator.embedding_), None))
            return self
        values = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
        if self._unique_inverse is not None:
            check_shape(values, (len(self._unique_inverse), None))
            values = X = values[np.unique(self._unique_inverse, return_index=True)[1]]
        fitted = estimator._get_fitted()
        if not fitted.X_is_graph and estimator.n_features_in_ == len(estimator.embedding_):  # combined without features
            fitted = fitted._replace(columns=Columns(values.shape[1]))
        check_shape(values, (len(estimator.embedding_), fitted.columns.n_columns))
        settings = estimator._get_settings().search._replace(seed=fitted.seed)
        given = has_precomputed_knn(self.precomputed_knn)
        search = prepare_search(values, settings, estimator.n_neighbors, given=given)
        features = select_kept_features(X, values, search)
        estimator._publish(fitted._replace(search=search, features=features))
        return self

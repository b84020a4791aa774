"""The attributes of a fitted estimator, which are read from its FittedModel."""

from collections.abc import Callable

import numpy as np
import scipy.sparse
from sklearn.utils.validation import check_is_fitted

from umap_sk.graph.manifold import Manifold
from umap_sk.monitor.report import Report
from umap_sk.pipeline.fitted import ATTRIBUTE, FittedModel
from umap_sk.pipeline.place import compute_embedding_radii
from umap_sk.pipeline.settings import Settings, make_settings
from umap_sk.runtime.compile import as_readonly


class FittedAttributes:
    """The fitted attributes of :class:`umap_sk.PrecomputedUMAP`. Before a fit, it has none of them."""

    _fitted: FittedModel
    get_params: Callable[..., dict[str, object]]

    def _get_settings(self) -> Settings:
        """Return the parameters as settings of the steps."""
        return make_settings(self.get_params(deep=False), type(self).__name__)

    def _get_fitted(self) -> FittedModel:
        """Return the fitted model. Raises NotFittedError before a fit."""
        check_is_fitted(self)
        return self._fitted

    def _publish(self, fitted: FittedModel) -> None:
        """Replace the fitted model in one assignment, because another thread may store the estimator now."""
        self._fitted = fitted

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, ATTRIBUTE)

    @property
    def embedding_(self) -> np.ndarray:
        """The current layout as float32, with NaN for rows without a neighbor."""
        return self._get_fitted().embedding

    @property
    def manifold_(self) -> Manifold:
        """The learned graph."""
        manifold = self._get_fitted().manifold
        if manifold is None:
            raise AttributeError("The graph was dropped by drop_graph; fit again to have it.")
        return manifold

    @property
    def graph_(self) -> scipy.sparse.csr_array:
        """Membership strengths as a csr_array."""
        return self.manifold_.graph

    @property
    def rad_orig_(self) -> np.ndarray:
        """Log of the mean squared distance from each row to its neighbors, if `dens_lambda` is above 0."""
        manifold = self._get_fitted().manifold
        radii = None if manifold is None else manifold._shared.radii
        if radii is None:
            raise AttributeError(
                "rad_orig_ needs a graph that was learned with dens_lambda above 0 and not dropped. Set it and fit "
                "again; with dens_frac=0 the map does not change."
            )
        return as_readonly(radii)

    @property
    def rad_emb_(self) -> np.ndarray:
        """Log of the mean distance from each row to its neighbors in the map, computed at the first access."""
        fitted = self._get_fitted()
        return compute_embedding_radii(self._get_settings(), fitted)

    @property
    def n_epochs_(self) -> int:
        """Number of epochs of the whole schedule, over all levels."""
        return self._get_fitted().n_epochs

    @property
    def epoch_(self) -> int:
        """Number of epochs that have been run, over all levels."""
        return self._get_fitted().epoch

    @property
    def a_(self) -> float:
        """First parameter of the curve."""
        return self._get_fitted().curve.a

    @property
    def b_(self) -> float:
        """Second parameter of the curve."""
        return self._get_fitted().curve.b

    @property
    def seed_(self) -> int:
        """The seed, which was given or drawn at random."""
        return self._get_fitted().seed

    @property
    def report_(self) -> Report:
        """The phases of the fit with their seconds and counts."""
        return self._get_fitted().report

    @property
    def loss_curve_(self) -> np.ndarray:
        """Epochs, numbers of vertices of their levels, and losses (see :class:`umap_sk.LossCurveDisplay`)."""
        return self.report_.loss_curve()

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X, or of rows of the graph if X was not given."""
        return self._get_fitted().columns.n_columns

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns of X, if it has any."""
        names = self._get_fitted().columns.names
        if names is None:
            raise AttributeError("feature_names_in_ is known where the columns of X have names that are strings.")
        return names

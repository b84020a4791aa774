"""The attributes of a fitted estimator, read from the fit that it keeps."""

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils.validation import check_is_fitted

from umap_sk.graph.manifold import Manifold
from umap_sk.monitor.report import Report
from umap_sk.pipeline.fitted import ATTRIBUTE, Fitted
from umap_sk.pipeline.place import radii_in_map
from umap_sk.pipeline.settings import Settings, make_settings
from umap_sk.runtime.compile import as_readonly


class FittedAttributes:
    """What :class:`umap_sk.PrecomputedUMAP` documents as its attributes; unfitted, it has none of them."""

    _fitted: Fitted
    get_params: Any

    def _settings(self) -> Settings:
        """The parameters, as the steps of the pipeline read them."""
        return make_settings(self.get_params(deep=False))

    def _found(self) -> Fitted:
        """What the fit has found; NotFittedError if there is none."""
        check_is_fitted(self)
        return self._fitted

    def _publish(self, fitted: Fitted) -> None:
        """Take over a fit in place of the earlier one, in one step: another thread may store the estimator now."""
        self._fitted = fitted

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, ATTRIBUTE)

    @property
    def embedding_(self) -> np.ndarray:
        """The layout as it stands, float32; NaN for rows without a neighbor."""
        return self._found().embedding

    @property
    def manifold_(self) -> Manifold:
        """The learned graph."""
        manifold = self._found().manifold
        if manifold is None:
            raise AttributeError("The graph was dropped by drop_graph; fit again to have it.")
        return manifold

    @property
    def graph_(self) -> scipy.sparse.csr_array:
        """Membership strengths as a csr_array."""
        return self.manifold_.graph

    @property
    def rad_orig_(self) -> np.ndarray:
        """Log of every row's mean squared distance to its neighbors, where `dens_lambda` is above 0."""
        manifold = self._found().manifold
        radii = None if manifold is None else manifold._shared.radii
        if radii is None:
            raise AttributeError(
                "rad_orig_ is known where the graph was learned with dens_lambda above 0, and not dropped. Set "
                "dens_lambda and fit again; dens_frac=0 leaves the map as it is without."
            )
        return as_readonly(radii)

    @property
    def rad_emb_(self) -> np.ndarray:
        """Log of every row's mean distance to its neighbors in the map, found when it is first needed."""
        fitted = self._found()
        return radii_in_map(self._settings(), fitted)

    @property
    def n_epochs_(self) -> int:
        """Epochs of the whole schedule, over all levels."""
        return self._found().n_epochs

    @property
    def epoch_(self) -> int:
        """Epochs that have been run, over all levels."""
        return self._found().epoch

    @property
    def a_(self) -> float:
        """First parameter of the curve."""
        return self._found().curve.a

    @property
    def b_(self) -> float:
        """Second parameter of the curve."""
        return self._found().curve.b

    @property
    def seed_(self) -> int:
        """The seed, which was given or drawn."""
        return self._found().seed

    @property
    def report_(self) -> Report:
        """Phases with their seconds and counts."""
        return self._found().report

    @property
    def loss_curve_(self) -> np.ndarray:
        """Epochs, vertices of the level that ran, and losses; see :class:`umap_sk.LossCurveDisplay`."""
        return self.report_.loss_curve()

    @property
    def n_features_in_(self) -> int:
        """Columns of X, or rows of the graph where no X was given."""
        return self._found().columns.n_columns

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns of X, where it has names."""
        names = self._found().columns.names
        if names is None:
            raise AttributeError("feature_names_in_ is known where the columns of X have names that are strings.")
        return names

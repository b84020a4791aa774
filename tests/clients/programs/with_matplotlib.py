"""umap.plot: its functions by its names, which draw with matplotlib."""

import matplotlib

matplotlib.use("agg")

import umap  # noqa: E402
import umap.plot  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402

X, y = load_iris(return_X_y=True)
mapper = umap.UMAP(n_epochs=30, random_state=0).fit(X)
axes = umap.plot.points(mapper, labels=y, theme="fire")
assert len(axes.collections) or len(axes.images)
umap.plot.connectivity(mapper, show_points=True)
umap.plot.diagnostic(mapper, diagnostic_type="pca")

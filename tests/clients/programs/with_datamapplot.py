"""datamapplot: a map with names."""

import datamapplot
import matplotlib
import numpy as np
from sklearn.datasets import load_digits
from umap import UMAP

matplotlib.use("agg")
X, y = load_digits(return_X_y=True)
places = UMAP(n_epochs=60, random_state=0).fit_transform(X)
figure, axes = datamapplot.create_plot(places, np.array([f"digit {digit}" for digit in y]), font_family="DejaVu Sans")
figure.savefig("digits.png")

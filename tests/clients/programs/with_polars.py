"""polars: frames in, and frames out."""

import polars as pl
from sklearn.datasets import load_iris
from umap import UMAP

frame = pl.DataFrame(load_iris().data, schema=["a", "b", "c", "d"])
model = UMAP(n_epochs=30, random_state=0).set_output(transform="polars")
places = model.fit_transform(frame)
assert isinstance(places, pl.DataFrame) and places.columns == ["umap0", "umap1"]
assert list(model.feature_names_in_) == ["a", "b", "c", "d"]

"""mlflow: a fitted map is stored, loaded, and places rows as before."""

import mlflow.sklearn
import numpy as np
from sklearn.datasets import load_iris
from umap import UMAP

X = load_iris().data
model = UMAP(n_epochs=30, random_state=0).fit(X)
mlflow.sklearn.save_model(model, "stored", serialization_format="cloudpickle")
again = mlflow.sklearn.load_model("stored")
np.testing.assert_array_equal(again.transform(X[:9] + 0.01), model.transform(X[:9] + 0.01))

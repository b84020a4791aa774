"""skops: a fitted map is stored without pickle, loaded, and places rows as before."""

import numpy as np
import skops.io
from sklearn.datasets import load_iris
from umap import UMAP

X = load_iris().data
model = UMAP(n_epochs=30, random_state=0).fit(X)
stored = skops.io.dumps(model)
again = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
np.testing.assert_array_equal(again.transform(X[:9] + 0.01), model.transform(X[:9] + 0.01))

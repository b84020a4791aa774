"""imbalanced-learn: a map as a step of a pipeline that samples."""

from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from sklearn.datasets import make_blobs
from sklearn.neighbors import KNeighborsClassifier
from umap import UMAP

X, y = make_blobs([180, 40], 6, random_state=0)
steps = make_pipeline(RandomOverSampler(random_state=0), UMAP(n_epochs=40, random_state=0), KNeighborsClassifier())
assert steps.fit(X, y).score(X, y) > 0.95

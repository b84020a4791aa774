"""A classifier on a map of the digits, from features to predictions, stored and loaded again."""

import joblib
from sklearn.datasets import load_digits
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from umap_sk import PrecomputedUMAP

X, new, labels, new_labels = train_test_split(*load_digits(return_X_y=True), test_size=297, random_state=0)
pipeline = make_pipeline(
    MinMaxScaler((0, 16)),
    PrecomputedUMAP(metric="euclidean", n_components=3, random_state=0),
    KNeighborsClassifier(5),
)
pipeline.fit(X, labels)
print(classification_report(new_labels, pipeline.predict(new)))

joblib.dump(pipeline, "digits_classifier.joblib")
loaded = joblib.load("digits_classifier.joblib")
assert (loaded.predict(new) == pipeline.predict(new)).all()
print("stored as digits_classifier.joblib; the loaded one predicts the same")

"""BERTopic: topics of texts whose embeddings are given, and online topics batch by batch."""

import numpy as np
from bertopic import BERTopic
from bertopic.vectorizers import OnlineCountVectorizer
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import make_blobs
from umap import UMAP

import umap_sk

assert UMAP is umap_sk.UMAP
WORDS = ["apple pear plum cherry", "car bus train ship", "red green blue yellow"]
embeddings, kind = make_blobs(300, 20, centers=3, random_state=0)
texts = [" ".join(np.random.default_rng(i).permutation(WORDS[k].split())) for i, k in enumerate(kind)]

model = BERTopic(umap_model=UMAP(n_components=5, min_dist=0.0, metric="cosine", random_state=0, n_epochs=50))
topics, _ = model.fit_transform(texts, embeddings)
assert isinstance(model.umap_model.embedding_, np.ndarray)
found = [set(np.asarray(kind)[np.asarray(topics) == topic]) for topic in set(topics) - {-1}]
assert len(found) >= 3 and all(len(kinds) == 1 for kinds in found)
again, _ = model.transform(texts[:20], embeddings[:20])
assert np.mean(np.asarray(again) == np.asarray(topics)[:20]) > 0.8

online = BERTopic(
    umap_model=UMAP(n_components=3, random_state=0, n_epochs=50),
    hdbscan_model=MiniBatchKMeans(3, random_state=0),
    vectorizer_model=OnlineCountVectorizer(),
)
for first in range(0, 300, 100):
    rows = slice(first, first + 100)
    online.partial_fit(texts[rows], embeddings[rows])
assert len(online.umap_model.embedding_) == 300

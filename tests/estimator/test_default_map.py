"""Tests of the default map from neighbor arrays alone: its quality and width compared with umap-learn's map."""

import numpy as np
import pytest

from benchmarks.judge import Figures, judge
from umap_sk import PrecomputedUMAP

# Figures, and width of the wider axis, of umap-learn 0.5.12 with its spectral initial layout and the same neighbors.
# Those of the digits are from seed 0, those of the images are medians over five seeds.
UMAP_LEARN = {
    "digits": (Figures(0.9874, 0.5349, 0.9894, 0.6310, 0.3688, 2.914), 27.3),
    "few_images": (Figures(0.9789, 0.2798, 0.7447, 0.7393, 0.5972, 3.039), 16.9),
}
# The amount by which a figure may be worse. The accuracy differs by .007 between seeds.
SLACK = Figures(trust=0.001, recall15=0.002, knn5acc=0.006, triplet=0.0, spearman=0.0, eff=0.005)


@pytest.mark.parametrize("name", ["digits", pytest.param("few_images", marks=pytest.mark.long)])
def test_arrays_alone(name, request):
    dataset = request.getfixturevalue(name)
    arrays = {"knn_indices": dataset.knn_indices, "knn_dists": dataset.knn_dists}
    models = [PrecomputedUMAP(random_state=seed).fit(**arrays) for seed in range(3)]
    graph = models[0].graph_
    figures = Figures(*np.median([judge(dataset, graph, model.embedding_) for model in models], axis=0))
    theirs, width = UMAP_LEARN[name]
    for figure, bar, slack in zip(Figures._fields, theirs, SLACK, strict=True):
        better = (bar - getattr(figures, figure)) if figure == "eff" else getattr(figures, figure) - bar
        assert better >= -slack, (figure, getattr(figures, figure), bar)
    for model in models:
        low, high = np.quantile(model.embedding_, [0.02, 0.98], axis=0)
        assert width / 1.5 < (high - low).max() < 1.5 * width

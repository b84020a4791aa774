"""A run through most kernels that is small enough for plain Python: ``python tests/tiny_run.py out.npz 9``."""

import sys

import numpy as np
from graphs import random_graph
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP
from umap_sk.layout import coarsen, optimizer, schedule, sell
from umap_sk.layout.curve import fit_curve

NEAR_FIELD_EPOCHS = 9  # the first length whose last epoch has a near field


def results(n_epochs=NEAR_FIELD_EPOCHS):
    """Return graphs, maps and new rows of three fits, and a map over three levels with field and near field."""
    points = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    dists, indices = NearestNeighbors(n_neighbors=7).fit(points[:40]).kneighbors(points)
    found = {}
    for n_components, init in ((2, "random"), (3, "spectral"), (1, "pivot_mds")):
        model = PrecomputedUMAP(6, n_components, n_epochs=3, random_state=0, init=init, local_connectivity=1.5)
        model.fit(knn_indices=indices[:40], knn_dists=dists[:40])
        found[f"graph {n_components}"] = model.graph_.data
        found[f"embedding {n_components}"] = model.embedding_
        found[f"places {n_components}"] = model.transform(knn_indices=indices[40:], knn_dists=dists[40:])
    built = sell.arrange(coarsen.build_levels(random_graph(0, n=400), 0, largest=1)[:3], 0)
    phases = schedule.fit_to_length(schedule.plan_phases(len(built), 8, 32, field=True), n_epochs)
    layout = optimizer.LayoutProblem(built, phases, optimizer.Forces(fit_curve()))
    start = np.random.default_rng(1).uniform(0, 5, (built[-1].n_vertices, 2))
    state = optimizer.run_epochs(layout, optimizer.make_first_state(layout, start, 0), n_epochs)
    assert state.depth == 0
    return found | {"levels": state.positions, "moments": state.moments}


if __name__ == "__main__":
    with np.errstate(over="ignore"):  # hashes overflow, of which numpy warns in plain Python
        np.savez(sys.argv[1], **results(int(sys.argv[2])))

"""
On a globe, and in the Poincare disk
====================================

`output_metric` says in which space the map lies: here the sphere, seen from both sides, and the hyperbolic plane.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP, poincare_disk

X, labels = load_digits(return_X_y=True)
dists, ids = NearestNeighbors(n_neighbors=16).fit(X).kneighbors(X)
figure, panels = plt.subplots(1, 3, figsize=(15, 5.4), layout="constrained")
colors = {"cmap": "tab10", "vmin": -0.5, "vmax": 9.5, "s": 6, "linewidths": 0}

globe = PrecomputedUMAP(output_metric="haversine", random_state=0).fit(X, knn_indices=ids, knn_dists=dists)
polar, longitude = globe.embedding_.T
points = np.stack([np.sin(polar) * np.cos(longitude), np.sin(polar) * np.sin(longitude), np.cos(polar)], axis=1)

tilt, grid = np.radians(25), np.linspace(0, 2 * np.pi, 200)
circles = [
    np.stack([np.sin(p) * np.cos(grid), np.sin(p) * np.sin(grid), 0 * grid + np.cos(p)], 1)
    for p in np.radians([30, 60, 90, 120, 150])
]
circles += [
    np.stack([np.sin(grid) * np.cos(m), np.sin(grid) * np.sin(m), np.cos(grid)], 1)
    for m in np.radians(range(0, 180, 30))
]


def seen_from(turn, vectors):
    """Right, up, and towards the one who looks from a longitude."""
    x, y, z = vectors.T
    right, toward = y * np.cos(turn) - x * np.sin(turn), x * np.cos(turn) + y * np.sin(turn)
    return right, z * np.cos(tilt) - toward * np.sin(tilt), toward * np.cos(tilt) + z * np.sin(tilt)


for panel, turn in zip(panels, (0.0, np.pi), strict=False):
    for circle in circles:
        right, up, toward = seen_from(turn, circle)
        panel.plot(np.where(toward > 0, right, np.nan), up, color="0.85", lw=0.8, zorder=0)
    right, up, toward = seen_from(turn, points)
    front = np.flatnonzero(toward > 0)
    panel.scatter(right[front], up[front], c=labels[front], **colors)
    panel.set_title(f"the sphere from longitude {np.degrees(turn):.0f}°")

disk = PrecomputedUMAP(output_metric="hyperboloid", random_state=0).fit(X, knn_indices=ids, knn_dists=dists)
panels[2].scatter(*poincare_disk(disk.embedding_).T, c=labels, **colors)
panels[2].set_title("the Poincare disk")
for panel in panels:
    panel.add_patch(plt.Circle((0, 0), 1, fill=False, color="0.6"))
    panel.set(xlim=(-1.03, 1.03), ylim=(-1.03, 1.03), aspect="equal")
    panel.axis("off")

# %%
# The sphere has no rim, so no group stands at one. In the disk, a line to the rim is endless: groups that look small
# there are as large as the others.

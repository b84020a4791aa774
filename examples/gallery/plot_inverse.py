"""
From the map back to images
===========================

What would an image look like that lies *here* in the map? ``inverse_transform`` answers for any place: it gives the
Gaussian mean of the training rows near it.
"""

import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits

from umap_sk import PrecomputedUMAP

digits = load_digits()
reducer = PrecomputedUMAP(metric="euclidean", min_dist=0.6, random_state=0)
embedding = reducer.fit_transform(digits.data)

# %%
# A grid over the map, from top left to bottom right, and an image for each of its points.
side = 26
middle = (embedding.min(axis=0) + embedding.max(axis=0)) / 2
(left, bottom), (right, top) = (middle + sign * np.ptp(embedding, axis=0).max() / 2 for sign in (-1, 1))
across, down = np.meshgrid(np.linspace(left, right, side), np.linspace(top, bottom, side))
places = np.column_stack([across.ravel(), down.ravel()])
images = reducer.inverse_transform(places).reshape(side, side, 8, 8)

# %%
# Side by side, at their places: within a cluster the slant and the stroke change from image to image; between two
# clusters one digit goes over into the other. In gaps of the map an image is a blend of what lies around and stands
# for nothing that was seen, so images far from every row are pale.
distance = np.linalg.norm(places[:, None] - embedding, axis=2).min(axis=1).reshape(side, side)
ink = images / 16 * np.where(distance < 0.8, 1, 0.25)[:, :, None, None]

_, (points, pictures) = plt.subplots(1, 2, figsize=(14, 7), layout="constrained")
points.scatter(*embedding.T, c=digits.target, cmap="tab10", s=4)
points.set(title="The map", xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[], aspect="equal")
pictures.imshow(ink.swapaxes(1, 2).reshape(side * 8, side * 8), cmap="gray_r", vmin=0, vmax=1)
pictures.set(title="Images for its places", xticks=[], yticks=[])
plt.show()

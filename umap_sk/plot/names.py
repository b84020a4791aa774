"""Positions of the names of classes, which are their medoids."""

import numpy as np

MEDIAN_STEPS = 30
# Rows near the geometric median, and rows whose distances decide among them.
MEDOID_CANDIDATES, MEDOID_JUDGES = 64, 2_000


def find_medoid(points: np.ndarray) -> int:
    """Return the point with the smallest sum of distances, searched near the geometric median (Weiszfeld 1937)."""
    points = np.asarray(points, np.float64)
    judges = points[:: -(-len(points) // MEDOID_JUDGES)]
    center = judges.mean(axis=0)
    for _ in range(MEDIAN_STEPS):
        weights = 1 / np.maximum(np.linalg.norm(judges - center, axis=1), 1e-9)
        center = weights @ judges / weights.sum()
    distance = np.linalg.norm(points - center, axis=1)
    count = min(MEDOID_CANDIDATES, len(points))
    candidates = np.sort(np.argpartition(distance, count - 1)[:count])
    sums = [np.linalg.norm(judges - points[candidate], axis=1).sum() for candidate in candidates]
    return int(candidates[np.argmin(sums)])

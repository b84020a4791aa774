"""Slow, obvious twin of the inverse transform. It imports nothing from the package."""

import math


def combination(place, embedding, features, near=42, width=7):
    """Return the Gaussian mean of the rows with the nearest positions.

    The standard deviation is the `width`-th distance.
    """
    placed = [row for row in range(len(embedding)) if not math.isnan(embedding[row][0])]
    distances = sorted((math.dist(place, embedding[row]), row) for row in placed)[:near]
    deviation = distances[min(width, len(distances)) - 1][0]
    if deviation > 0:
        weights = [math.exp(-((distance / deviation) ** 2) / 2) for distance, _ in distances]
    else:
        weights = [float(distance == 0) for distance, _ in distances]
    return [
        math.fsum(weight * features[row][column] for weight, (_, row) in zip(weights, distances, strict=True))
        / math.fsum(weights)
        for column in range(len(features[0]))
    ]

"""Slow, obvious twin of reading neighbors: lists of (index, distance). It imports nothing from the package."""

import math

import numpy as np

FLOAT32_MAX = float(np.finfo(np.float32).max)
COUNTS = ("sentinels", "self_entries", "duplicates", "clipped", "cut_by_distance", "short_rows", "empty_rows")


def rows_of_arrays(indices, dists):
    """Return one list of (index, distance) per row. A missing neighbor has the index None."""
    indices, dists = np.asarray(indices), np.asarray(dists)
    missing = {-1, int(np.iinfo(indices.dtype).max)}
    return [
        [(None if int(j) in missing else int(j), float(d)) for j, d in zip(js, ds, strict=True)]
        for js, ds in zip(indices, dists, strict=True)
    ]


def rows_of_matrix(matrix):
    """Return each entry of a dense matrix."""
    return [[(j, float(d)) for j, d in enumerate(row)] for row in np.asarray(matrix)]


def rows_of_triples(triples, n_rows):
    """Return the entries of a sparse graph, given as (row, column, distance)."""
    rows = [[] for _ in range(n_rows)]
    for i, j, d in triples:
        rows[int(i)].append((int(j), float(d)))
    return rows


def read(rows, *, wanted, n_columns, own="drop", cut=math.inf, rounding=1e-6, limit=FLOAT32_MAX):
    """Return the nearest neighbors of each row and the counts.

    `own` decides on entries of the row itself: "drop", "zero" (distance 0) or "neighbor". Raise ValueError("row column
    reason") for the first invalid entry.
    """
    counts = dict.fromkeys(COUNTS, 0)
    result = []
    for i, row in enumerate(rows):
        nearest = {}
        others = [d for j, d in row if j is not None and not (j == i and own != "neighbor")]
        largest = max([abs(d) for d in others if math.isfinite(d)], default=0.0)
        for position, (j, d) in enumerate(row):
            if j is None or (j == n_columns and d == math.inf):
                counts["sentinels"] += 1
                continue
            if not 0 <= j < n_columns:
                raise ValueError(f"{i} {position} range")
            if j == i and own != "neighbor":
                counts["self_entries"] += 1
                if own == "drop":
                    continue
                d = 0.0
            if math.isnan(d):
                raise ValueError(f"{i} {position} nan")
            if d > limit:
                raise ValueError(f"{i} {position} large")
            if d < 0:
                if -d > rounding * largest:
                    raise ValueError(f"{i} {position} negative")
                counts["clipped"] += 1
                d = 0.0
            if d >= cut:
                counts["cut_by_distance"] += 1
                continue
            if j in nearest:
                counts["duplicates"] += 1
            nearest[j] = min(d, nearest.get(j, math.inf))
        kept = sorted((d, j) for j, d in nearest.items())[:wanted]
        counts["short_rows"] += len(kept) < wanted
        counts["empty_rows"] += len(kept) == 0
        result.append([(j, d) for d, j in kept])
    return result, counts


def falls(rows, *, own="drop"):
    """Return whether distances decrease along most of the rows with at least three neighbors."""
    falling = telling = 0
    for i, row in enumerate(rows):
        ds = [d for j, d in row if j is not None and not (j == i and own != "neighbor")]
        if len(ds) >= 3:
            telling += 1
            falling += ds[-1] < ds[0] and all(b <= a for a, b in zip(ds, ds[1:], strict=False))
    return falling > telling / 2

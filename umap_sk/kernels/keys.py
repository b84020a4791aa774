"""Keys: a nonnegative float32 and the number of a row in one integer, whose order is that of both."""

import numpy as np

from umap_sk.kernels.products import TILE_COLUMNS, any_not_above
from umap_sk.runtime.compile import kernel

ROW_MASK = 0xFFFFFFFF  # bits of a key that contain the row
EMPTY_KEY = np.int64(0x7F7FFFFFFFFFFFFF)  # key without a row, with the largest finite value


@kernel
def key_of(value, name):
    """Return the key of a row. Values below 0 are rounding errors and count as 0."""
    positive = value if value > 0 else np.float32(0)
    return (np.int64(np.float32(positive).view(np.int32)) << 32) | np.int64(name)


@kernel
def value_of(key):
    """Return the value of a key."""
    return np.int32(key >> 32).view(np.float32)


@kernel
def insert_key(keys, key):
    """Insert a key into sorted ones, and drop the last."""
    for t in range(keys.shape[0] - 1, 0, -1):
        keys[t] = max(keys[t - 1], min(keys[t], key))
    keys[0] = min(keys[0], key)


@kernel
def keep_nearest(values, names, itself, keys, passed):
    """Insert the rows whose value is at most that of the last key.

    The rows fill whole slices. `passed` has room for the keys of one slice, and one more.
    """
    last = keys.shape[0] - 1
    worst = value_of(keys[last])
    for start in range(0, names.shape[0], TILE_COLUMNS):
        if not any_not_above(values, start, worst):
            continue
        part, found = values[start : start + TILE_COLUMNS], 0
        for t in range(TILE_COLUMNS):
            passed[found] = key_of(part[t], names[start + t])
            found += part[t] <= worst
        for t in range(found):
            if passed[t] < keys[last] and np.int64(passed[t] & ROW_MASK) != itself:
                insert_key(keys, passed[t])
        worst = value_of(keys[last])

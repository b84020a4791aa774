"""Keys: a float32 that is not negative and the number of a row in one integer, which orders by both."""

import numpy as np

from umap_sk.kernels.products import TILE_COLUMNS, any_not_above
from umap_sk.runtime.compile import kernel

ROW_MASK = 0xFFFFFFFF  # bits of a key that name the row
EMPTY_KEY = np.int64(0x7F7FFFFFFFFFFFFF)  # key of no row, at the largest finite value


@kernel
def key_of(value, name):
    """Key of a row; what rounding has brought below 0 counts as 0."""
    positive = value if value > 0 else np.float32(0)
    return (np.int64(np.float32(positive).view(np.int32)) << 32) | np.int64(name)


@kernel
def value_of(key):
    """The value of a key."""
    return np.int32(key >> 32).view(np.float32)


@kernel
def insert_key(keys, key):
    """Put a key where it belongs among sorted ones; the last falls out."""
    for t in range(keys.shape[0] - 1, 0, -1):
        keys[t] = max(keys[t - 1], min(keys[t], key))
    keys[0] = min(keys[0], key)


@kernel
def keep_nearest(values, names, itself, keys, passed):
    """Insert the rows whose value is not above that of the last key.

    There are as many rows as fill whole slices; `passed` has room for the keys of one, and one more.
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

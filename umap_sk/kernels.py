"""Every compiled function of the package, in the order of the pipeline, over plain arrays and scalars.

They stand in one file because numba keys its cache on the file that defines the outer function: a helper elsewhere
would leave stale machine code behind after an upgrade. Kernels have no policy: what to compute, and on which rows, is
decided by their callers. A row is written by one thread only, every sum has a fixed order, and constants such as block
sizes belong to the algorithm, never to the machine, so the bits do not depend on the number of threads. No kernel
allows the compiler to reorder or to fuse arithmetic.
"""

import numpy as np
from numba import prange, uint64

from umap_sk.runtime.compile import kernel, parallel_kernel, serial_kernel

f4 = np.float32

BLOCK = 1024  # rows that share a pool of negatives
POOL = 4096  # random vertices in a pool
CHUNK = 2048  # pairs that are computed in one flat loop
LOOKED_UP = 256  # edges whose other entries are looked up at once
LANES = 64  # rows whose local scales are solved side by side
WIDEST = 2.0**64  # sigma of rows with fewer neighbors than the sum that is asked for
CLIP = f4(4)  # largest component of a pair's gradient
STRIP = 16  # rows whose edges lie side by side, so that they are computed side by side
PULLED = 64  # edges of every row of a strip that are gathered at once
THIN = 4  # of the scales' attraction: of so many rows one is looked at
RUN = 32  # negatives come in multiples of it, so that loops over them leave no remainder
NEAR = 8  # samples of the near field a vertex
PIVOTS = 16  # vertices whose shortest paths to all others are looked for side by side
SEEN_TOGETHER = 256  # rows whose paths one thread shortens one after the other
SWEEPS = 40  # of Jacobi's rotations, far more than it takes
AT_ONCE = 128  # rows whose cells or near points are looked at before anything is done with them

# What can be wrong with an entry.
OUT_OF_RANGE, NOT_A_NUMBER, TOO_LARGE, NEGATIVE = 1, 2, 3, 4
# What else can be wrong with a row of a graph.
BAD_BOUNDS, UNSORTED, OWN_ROW, BAD_WEIGHT = 5, 6, 7, 8
# Columns of `tally`.
SENTINELS, SELF_ENTRIES, DUPLICATES, CLIPPED, CUT, FALLING, ORDERED = range(7)
TALLIES = 7


# ---------------------------------------------------------------------------------------------------------- numbers


@kernel
def mix(value):
    """Splitmix64 (Steele, Lea, Flood 2014): 64 well mixed bits of a counter."""
    z = uint64(value) + uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@kernel
def next_random(state):
    """Step of a 64-bit linear congruential generator; its high bits are used."""
    return state * uint64(6364136223846793005) + uint64(1442695040888963407)


@kernel
def below(state, count):
    """Whole number in [0, count) from the high half of 64 random bits."""
    return np.int64(((state >> uint64(32)) * uint64(count)) >> uint64(32))


@kernel
def power(x, b):
    """x ** b for float32 x > 0 from polynomials on the float's bits: relative error below 1e-4, anywhere the same."""
    bits = f4(x).view(np.int32)
    m = np.int32((bits & np.int32(0x007FFFFF)) | np.int32(0x3F800000)).view(f4)
    p = f4(-0.4094755) + m * f4(0.0439287)
    p = f4(1.6101775) + m * p
    p = f4(-3.5202188) + m * p
    p = f4(5.0697557) + m * p
    y = b * (f4((bits >> np.int32(23)) - np.int32(127)) + (f4(-2.7941536) + m * p))
    y = max(f4(-126), min(f4(126), y))
    z = y + f4(12582912.0)
    f = y - (z - f4(12582912.0))
    q = f4(0.00961813) * f + f4(0.05550411)
    q = q * f + f4(0.24022651)
    q = q * f + f4(0.69314718)
    q = q * f + f4(1.0)
    shift = (f4(z).view(np.int32) - np.int32(0x4B400000)) << np.int32(23)
    return np.int32(f4(q).view(np.int32) + np.int32(shift)).view(f4)


@kernel
def exp_minus(x):
    """exp(-x) for float64 x >= 0, relative error below 1e-12, the same on every processor; 1e-304 beyond 700."""
    y = min(x, 700.0) * -1.4426950408889634
    z = y + 6755399441055744.0
    f = (y - (z - 6755399441055744.0)) * 0.6931471805599453
    p = f * 2.505210838544172e-08 + 2.755731922398589e-07
    p = p * f + 2.755731922398589e-06
    p = p * f + 2.48015873015873e-05
    p = p * f + 0.0001984126984126984
    p = p * f + 0.001388888888888889
    p = p * f + 0.008333333333333333
    p = p * f + 0.041666666666666664
    p = p * f + 0.16666666666666666
    p = p * f + 0.5
    p = p * f + 1.0
    p = p * f + 1.0
    shift = (np.float64(z).view(np.int64) - np.int64(0x4338000000000000)) << np.int64(52)
    return np.int64(np.float64(p).view(np.int64) + shift).view(np.float64)


@kernel
def longest(starts, low, high):
    """Entries of the longest of the rows [low, high)."""
    length = 0
    for i in range(low, high):
        length = max(length, starts[i + 1] - starts[i])
    return length


# -------------------------------------------------------------------------------------------------------- neighbors


@kernel
def row_falls(indices, at, dists, first, length, own, low, high):
    """How the distances of a row run: 2 if they only fall, 1 if not, 0 if fewer than three entries could tell."""
    count = 0
    rises = False
    falls = False
    before = 0.0
    for e in range(length):
        j = indices[at + e]
        if j == low or j == high or j == own:
            continue
        d = dists[first + e]
        if count > 0:
            rises = rises or not d <= before  # NaN counts as a rise
            falls = falls or d < before
        before = d
        count += 1
        if rises and count >= 3:
            return 1
    if count < 3:
        return 0
    return 2 if falls and not rises else 1


@kernel
def row_largest(indices, at, dists, first, length, own, low, high):
    """Largest finite absolute distance of a row's real entries."""
    largest = 0.0
    for e in range(length):
        j = indices[at + e]
        if j == low or j == high or j == own:
            continue
        size = abs(dists[first + e])
        if largest < size < np.inf:
            largest = size
    return largest


@kernel
def met_before(table, stamp, j):
    """Whether this row has shown `j` already; remembers it.

    `table` is a hash table with open addressing. A slot that another row has written counts as empty, so nothing is
    cleared from row to row: a slot holds the row's stamp above 33 bits and the index below.
    """
    mask = table.shape[0] - 1
    key = (stamp << 33) | j
    slot = ((j * 0x61C88647) >> 20) & mask  # j < 2^32 and the factor < 2^31, so the product cannot overflow
    while table[slot] >> 33 == stamp:
        if table[slot] == key:
            return True
        slot = (slot + 1) & mask
    table[slot] = key
    return False


@kernel
def forget_farther(near_indices, near_dists, kept, j, d):
    """Take `j` out of the kept neighbors if it stands there with a larger distance.

    Returns the number of neighbors left and whether the entry (`j`, `d`) may go in.
    """
    for t in range(kept):
        if near_indices[t] == j:
            if near_dists[t] <= d:
                return kept, False
            for u in range(t, kept - 1):
                near_indices[u] = near_indices[u + 1]
                near_dists[u] = near_dists[u + 1]
            return kept - 1, True
    return kept, True


@kernel
def insert_sorted(near_indices, near_dists, width, kept, j, d):
    """Put (`d`, `j`) where it belongs among the sorted neighbors; the last one falls out if there is no room."""
    t = kept
    if kept == width:
        if d > near_dists[t - 1] or (d == near_dists[t - 1] and j > near_indices[t - 1]):
            return kept
        t -= 1
    new_kept = t + 1
    while t > 0 and (near_dists[t - 1] > d or (near_dists[t - 1] == d and near_indices[t - 1] > j)):
        near_indices[t] = near_indices[t - 1]
        near_dists[t] = near_dists[t - 1]
        t -= 1
    near_indices[t] = j
    near_dists[t] = d
    return new_kept


@kernel
def distance_problem(d, limit, lowest):
    """Code of what is wrong with distance `d`, or 0."""
    if np.isnan(d):
        return NOT_A_NUMBER
    if d > limit:
        return TOO_LARGE
    if d < lowest:
        return NEGATIVE
    return 0


@kernel
def nearest_of_row(
    indices, at, dists, first, length, own, whole, real, table, stamp, near_indices, near_dists, width, tally
):
    """Collect the nearest neighbors of one row.

    Returns how many there are, what is wrong with the row (0: nothing) and at which entry.
    """
    low, high, n_columns = whole[0], whole[1], whole[2]
    cut, limit = real[0], real[1]
    kept = 0
    for e in range(length):
        j = indices[at + e]
        if j == low or j == high:
            tally[SENTINELS] += 1
            continue
        if j < 0 or j >= n_columns:
            return 0, OUT_OF_RANGE, e
        d = dists[first + e]
        if j == own:
            tally[SELF_ENTRIES] += 1
            if whole[4] == 0:
                continue
            d = 0.0
        if not 0.0 < d <= limit:
            lowest = 0.0 if d >= 0.0 else -real[2] * row_largest(indices, at, dists, first, length, own, low, high)
            problem = distance_problem(d, limit, lowest)
            if problem != 0:
                return 0, problem, e
            if d < 0.0:
                tally[CLIPPED] += 1
            d = 0.0  # also turns -0.0 into 0.0
        if d >= cut:
            tally[CUT] += 1
            continue
        if table.shape[0] > 0 and met_before(table, stamp, j):
            tally[DUPLICATES] += 1
            kept, welcome = forget_farther(near_indices, near_dists, kept, j, d)
            if not welcome:
                continue
        kept = insert_sorted(near_indices, near_dists, width, kept, j, d)
    return kept, 0, 0


@parallel_kernel
def nearest_rows(
    indices,
    index_starts,
    dists,
    starts,
    whole,
    real,
    table_size,
    out_starts,
    out_indices,
    out_dists,
    kept,
    tally,
    problem,
):
    """Nearest neighbors of every row of a block, sorted by (distance, index), each neighbor once.

    Entry e of row i is (indices[index_starts[i] + e], dists[starts[i] + e]). Rows are shared out in as many chunks as
    `tally` has rows, so that every chunk has its own counts and scratch space.

    Parameters
    ----------
    indices : int64 array
    index_starts, starts : int64 arrays (rows,), (rows + 1,)
    dists : float64 array
    whole : int64 array (5,)
        The two indices that stand for a missing neighbor, the number of columns, the row's own column for the first
        row (negative and far from 0 if columns are not the rows), and 1 to keep a row's own entry with distance 0 or
        0 to drop it.
    real : float64 array (3,)
        Distances from the first on are cut, larger ones than the second are a problem, and the third times the largest
        distance of the row is how far below 0 a distance may lie.
    table_size : int
        Power of 2, at least twice the longest row; 0 if no row can list a neighbor twice.
    out_starts : int64 array (rows + 1,)
        Where the output has room for each row.
    out_indices, out_dists : arrays
        Written; a row's room beyond what was kept is left as it is.
    kept : int64 array (rows,)
        Written: neighbors of each row.
    tally : int64 array (chunks, 7)
        Written: entries (rows for the last two) by SENTINELS ... ORDERED.
    problem : int64 array (chunks, 3)
        Written: code, row and entry of the first problem of the chunk; the code is 0 if there is none.
    """
    n_rows = kept.shape[0]
    n_chunks = tally.shape[0]
    chunk_rows = (n_rows + n_chunks - 1) // n_chunks
    widest = longest(out_starts, 0, n_rows)
    for c in prange(n_chunks):
        table = np.zeros(table_size, np.int64)
        near_indices = np.empty(widest, np.int64)
        near_dists = np.empty(widest, np.float64)
        counts = tally[c]
        for i in range(c * chunk_rows, min(n_rows, (c + 1) * chunk_rows)):
            at, first, length = index_starts[i], starts[i], starts[i + 1] - starts[i]
            own = whole[3] + i
            to = out_starts[i]
            width = out_starts[i + 1] - to
            count, code, entry = nearest_of_row(
                indices,
                at,
                dists,
                first,
                length,
                own,
                whole,
                real,
                table,
                i + 1,
                near_indices,
                near_dists,
                width,
                counts,
            )
            kept[i] = count
            if code != 0 and problem[c, 0] == 0:
                problem[c, 0], problem[c, 1], problem[c, 2] = code, i, entry
            for t in range(count):
                out_indices[to + t] = near_indices[t]
                out_dists[to + t] = near_dists[t]
            run = row_falls(indices, at, dists, first, length, own, whole[0], whole[1])
            counts[ORDERED] += run > 0
            counts[FALLING] += run == 2


@serial_kernel
def close_gaps(starts, kept, indices, values):
    """Move rows that do not fill their room together, in place, keeping their order."""
    to = 0
    for i in range(kept.shape[0]):
        for e in range(starts[i], starts[i] + kept[i]):
            indices[to] = indices[e]
            values[to] = values[e]
            to += 1


# ----------------------------------------------------------------------------------------------------- local scales


@kernel
def nearest_nonzero(distances, first, last, local_connectivity):
    """Distance to the `local_connectivity`-th neighbor that is not at distance 0, interpolated between neighbors."""
    while first < last and distances[first] <= 0:
        first += 1
    if first == last:
        return 0.0
    if last - first < local_connectivity:
        return np.float64(distances[last - 1])
    whole = np.int64(np.floor(local_connectivity))
    part = local_connectivity - whole
    if whole == 0:
        return part * distances[first]
    rho = np.float64(distances[first + whole - 1])
    if part > 1e-5:
        rho += part * (np.float64(distances[first + whole]) - rho)
    return rho


@parallel_kernel
def solve_scales(indptr, distances, target, local_connectivity, self_entries, global_mean, rho, sigma, strengths):
    """Local scales of every row: rho, and sigma so that sum_j exp(-max(0, d_j - rho) / sigma) = target.

    Membership strengths exp(-max(0, d - rho) / sigma) are written to `strengths`, unless it is empty; it may be
    `distances`.

    rho is rounded to float32, as the distances are and as umap-learn does. Rows of new points, which are not entries of
    their own (`self_entries` is 0), never look at the mean of all rows.
    """
    n = rho.shape[0]
    for block in prange((n + LANES - 1) // LANES):
        first = block * LANES
        rows = min(LANES, n - first)
        width = longest(indptr, first, first + rows)
        excess = np.zeros((width, LANES))
        lengths = np.zeros(LANES, np.int64)
        for r in range(rows):
            start = indptr[first + r]
            stop = indptr[first + r + 1]
            local = np.float64(f4(nearest_nonzero(distances, start, stop, local_connectivity)))
            rho[first + r] = local
            lengths[r] = stop - start
            for e in range(start, stop):
                excess[e - start, r] = max(0.0, distances[e] - local)
        solved = newton_scales(excess, lengths, target)
        for r in range(rows):
            start = indptr[first + r]
            stop = indptr[first + r + 1]
            mean = global_mean
            if rho[first + r] > 0 or self_entries == 0:
                total = 0.0
                for e in range(start, stop):
                    total += distances[e]
                mean = total / max(1, stop - start + self_entries)
            sigma[first + r] = max(solved[r], 1e-3 * mean)
            if strengths.shape[0] > 0:
                inverse = 1.0 / sigma[first + r] if sigma[first + r] > 0 else 0.0
                for e in range(start, stop):
                    strengths[e] = f4(exp_minus(excess[e - start, r] * inverse))


@kernel
def newton_scales(excess, lengths, target):
    """Sigma of LANES rows side by side, so that the sum is the target to 1e-5; rows are filled up with zeros.

    Newton's method on the logarithm of the sum, which is convex in 1 / sigma: from 1 / sigma = 0 it only rises, and
    does not overshoot. Where even an infinite sigma is too small, sigma is WIDEST; where none is small enough, 0.
    """
    width = excess.shape[0]
    inverse = np.zeros(LANES)
    total = np.empty(LANES)
    slope = np.empty(LANES)
    result = np.full(LANES, WIDEST)
    done = np.ones(LANES, np.bool_)
    for r in range(LANES):
        zeros = 0
        mean = 0.0
        for c in range(lengths[r]):
            zeros += excess[c, r] == 0.0
            mean += excess[c, r] / lengths[r]
        if zeros >= target - 1e-5 and lengths[r] > target:
            result[r] = 0.0
        elif lengths[r] > target:
            inverse[r] = log_of(lengths[r] / target) / mean
            done[r] = False
    for _ in range(64):
        if done.sum() == LANES:
            break
        total[:] = 0.0
        slope[:] = 0.0
        for c in range(width):
            for r in range(LANES):
                term = exp_minus(excess[c, r] * inverse[r])
                total[r] += term
                slope[r] += excess[c, r] * term
        for r in range(LANES):
            if not done[r]:
                value = total[r] - (width - lengths[r])
                done[r] = abs(value - target) < 1e-6  # the step that follows makes it less than 1e-11
                inverse[r] += log_of(max(1.0, value / target)) * value / slope[r]
                result[r] = 1.0 / inverse[r]
    return result


# ------------------------------------------------------------------------------------------------------ fuzzy graph


@kernel
def padded(count):
    """The next multiple of 8, so that a loop leaves no remainder."""
    return (count + 7) // 8 * 8


@kernel
def count_below(keys, stop, limit):
    """How many of the keys [0, stop), a multiple of 8, lie below the limit."""
    count = np.int32(0)
    for q in range(stop):
        count += np.int32(keys[q] < limit)
    return np.int64(count)


@parallel_kernel
def sort_rows(indptr, indices, values):
    """Sort every row by index, values along with it. Rows are short: an entry's place is the number of smaller ones."""
    n = indptr.shape[0] - 1
    for block in prange((n + BLOCK - 1) // BLOCK):
        low = block * BLOCK
        high = min(n, low + BLOCK)
        width = longest(indptr, low, high)
        keys = np.empty(padded(width), indices.dtype)
        carried = np.empty(width, values.dtype)
        for i in range(low, high):
            first = indptr[i]
            count = indptr[i + 1] - first
            largest = indices[first] if count > 0 else 0
            for q in range(count):
                keys[q] = indices[first + q]
                carried[q] = values[first + q]
                largest = max(largest, keys[q])
            keys[count : padded(count)] = largest
            for q in range(count):
                place = first + count_below(keys, padded(count), keys[q])
                indices[place] = keys[q]
                values[place] = carried[q]


@kernel
def place_of(indices, first, last, column):
    """Where `column` stands or would stand in a sorted row: a count has no branch that could be guessed wrong."""
    count = np.int32(0)
    for e in range(last - first):
        count += np.int32(indices[first + e] < column)
    return first + np.int64(count)


@kernel
def fuzzy_union(forth, back, mix_ratio):
    """Weight of the mixture of fuzzy union and intersection (McInnes et al. 2018, section 4.1)."""
    return mix_ratio * (forth + back) + (f4(1) - f4(2) * mix_ratio) * (forth * back)


@parallel_kernel
def join_mutual(indptr, indices, weights, mix_ratio):
    """Give both entries of an edge that both ends list its final weight, with a minus sign as the mark.

    The two entries are touched only by the row with the smaller index, so no entry has two writers or readers. Edges
    are looked up many at a time, each step for all of them, so that the processor waits for many rows at once.
    """
    n = indptr.shape[0] - 1
    for block in prange((n + BLOCK - 1) // BLOCK):
        low = block * BLOCK
        high = min(n, low + BLOCK)
        forth = np.empty(LOOKED_UP, np.int64)
        source = np.empty(LOOKED_UP, np.int64)
        bounds = np.empty((2, LOOKED_UP), np.int64)
        back = np.empty(LOOKED_UP, np.int64)
        weight = np.empty((2, LOOKED_UP), f4)
        row = low
        for start in range(indptr[low], indptr[high], LOOKED_UP):
            count = 0
            for e in range(start, min(indptr[high], start + LOOKED_UP)):
                while e >= indptr[row + 1]:
                    row += 1
                forth[count] = e
                source[count] = row
                count += int(np.int64(indices[e]) > row)
            for q in range(count):
                j = np.int64(indices[forth[q]])
                bounds[0, q] = indptr[j]
                bounds[1, q] = indptr[j + 1]
            for q in range(count):  # the rows are on their way from memory when they are searched
                last = max(0, bounds[1, q] - 1)
                back[q] = np.int64(indices[min(bounds[0, q], last)]) + np.int64(indices[last])
            mutual = 0
            for q in range(count):
                place = place_of(indices, bounds[0, q], bounds[1, q], source[q])
                back[mutual] = place
                forth[mutual] = forth[q]
                found = np.int64(indices[max(0, min(place, bounds[1, q] - 1))]) == source[q]
                mutual += int(place < bounds[1, q]) & int(found)
            for q in range(mutual):
                weight[0, q] = weights[forth[q]]
                weight[1, q] = weights[back[q]]
            for q in range(mutual):
                if weight[0, q] > 0 and weight[1, q] > 0:
                    weights[forth[q]] = -fuzzy_union(weight[0, q], weight[1, q], mix_ratio)
                    weights[back[q]] = weights[forth[q]]


@kernel
def joined(weight, mix_ratio):
    """Final weight of an entry after `join_mutual`."""
    return -weight if weight < 0 else fuzzy_union(weight, f4(0), mix_ratio)


@parallel_kernel
def count_union(indptr, indices, weights, mix_ratio, own, received):
    """Edges of the symmetric graph: each row's own, and by part of the rows those that only the other end lists."""
    n = indptr.shape[0] - 1
    parts = received.shape[0]
    for part in prange(parts):
        for i in range(part * n // parts, (part + 1) * n // parts):
            kept = 0
            for e in range(indptr[i], indptr[i + 1]):
                if joined(weights[e], mix_ratio) > 0:
                    kept += 1
                    if weights[e] > 0:
                        received[part, indices[e]] += 1
            own[i] = kept


@parallel_kernel
def fill_received(indptr, indices, weights, mix_ratio, received, out_indptr, out_indices, out_weights):
    """Write the edges that only their source lists at their targets' rows, behind the room for the rows' own edges."""
    n = indptr.shape[0] - 1
    parts = received.shape[0]
    for part in prange(parts):
        for i in range(part * n // parts, (part + 1) * n // parts):
            for e in range(indptr[i], indptr[i + 1]):
                if weights[e] > 0:
                    weight = joined(weights[e], mix_ratio)
                    if weight > 0:
                        j = indices[e]
                        place = out_indptr[j] + received[part, j]
                        received[part, j] += 1
                        out_indices[place] = i
                        out_weights[place] = weight


@kernel
def packed(index, weight):
    """An edge as one number, by which edges are ordered as by their index."""
    return (uint64(index) << uint64(32)) | uint64(np.uint32(f4(weight).view(np.int32)))


@parallel_kernel
def merge_received(indptr, indices, weights, mix_ratio, out_indptr, out_indices, out_weights):
    """Merge every row's own edges, which come sorted, with those that it received, which are sorted as well.

    Both lists end in a number that is larger than any edge, and the smaller of their heads is taken without a branch.
    """
    n = indptr.shape[0] - 1
    for block in prange((n + BLOCK - 1) // BLOCK):
        low = block * BLOCK
        high = min(n, low + BLOCK)
        width = longest(out_indptr, low, high) + 1
        own = np.empty(width, np.uint64)
        more = np.empty(width, np.uint64)
        for i in range(low, high):
            count = 0
            for e in range(indptr[i], indptr[i + 1]):
                weight = joined(weights[e], mix_ratio)
                own[count] = packed(indices[e], weight)
                count += int(weight > 0)
            first = out_indptr[i]
            last = out_indptr[i + 1]
            for e in range(first + count, last):
                more[e - first - count] = packed(out_indices[e], out_weights[e])
            own[count] = uint64(0xFFFFFFFFFFFFFFFF)
            more[last - first - count] = uint64(0xFFFFFFFFFFFFFFFF)
            p = 0
            q = 0
            for e in range(first, last):
                edge = min(own[p], more[q])
                from_own = int(own[p] < more[q])
                p += from_own
                q += 1 - from_own
                out_indices[e] = edge >> uint64(32)
                out_weights[e] = np.int32(edge & uint64(0xFFFFFFFF)).view(f4)


@kernel
def entry_problem(row, before, j, weight, n, largest):
    """Code of what is wrong with an entry of a graph's row whose last neighbor is `before`, or 0."""
    if j < 0 or j >= n:
        return OUT_OF_RANGE
    if j <= before:
        return UNSORTED
    if j == row:
        return OWN_ROW
    return 0 if 0.0 < weight <= largest else BAD_WEIGHT  # as is NaN


@serial_kernel
def look_at_rows(indptr, indices, weights, first, last, largest, problem):
    """Look for what no fuzzy graph has in the rows [first, last), reading nothing that is not there.

    Returns a sum over the edges of 64 bits that both ends and the weight decide, those of edges to smaller rows
    subtracted: over all rows of a symmetric graph they come to 0, over those of another hardly ever.

    Parameters
    ----------
    indptr : int64 array (n + 1,)
    indices : int32 or uint32 array
    weights : float32 array
    first, last : int
        Rows to look at.
    largest : float32
        Weights may be so large.
    problem : int64 array (3,)
        Written: code, row and entry of the first problem, if there is one.
    """
    n = indptr.shape[0] - 1
    total = uint64(0)
    for i in range(first, last):
        start = indptr[i]
        stop = indptr[i + 1]
        if start < 0 or stop < start or stop > indices.shape[0]:
            problem[0], problem[1], problem[2] = BAD_BOUNDS, i, 0
            return total
        before = np.int64(-1)
        for e in range(start, stop):
            j = np.int64(indices[e])
            code = entry_problem(i, before, j, weights[e], n, largest)
            if code != 0:
                problem[0], problem[1], problem[2] = code, i, e
                return total
            low, high = (i, j) if i < j else (j, i)
            bits = mix((uint64(low) << uint64(32)) | uint64(high)) ^ uint64(f4(weights[e]).view(np.uint32))
            total += mix(bits) if i < j else uint64(0) - mix(bits)
            before = j
    return total


# ----------------------------------------------------------------------------------------------------------- levels


@parallel_kernel
def independent_round(state, decided, indptr, indices, seed, depth):
    """One of Luby's rounds: an undecided vertex (0) that beats its undecided neighbors becomes a member (1)."""
    n = state.shape[0]
    salt = mix(uint64(seed) + uint64(depth))
    for block in prange((n + BLOCK - 1) // BLOCK):
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            decided[i] = state[i]
            if state[i] == 0:
                mine = mix(salt ^ uint64(i))
                best = True
                for e in range(indptr[i], indptr[i + 1]):
                    j = np.int64(indices[e])
                    if state[j] == 0 and j != i:
                        other = mix(salt ^ uint64(j))
                        if other > mine or (other == mine and j > i):
                            best = False
                            break
                if best:
                    decided[i] = 1
    for block in prange((n + BLOCK - 1) // BLOCK):
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            state[i] = decided[i]
            if decided[i] == 0:
                for e in range(indptr[i], indptr[i + 1]):
                    if decided[indices[e]] == 1:
                        state[i] = 2
                        break


@parallel_kernel
def join_strongest(state, number, indptr, indices, weights, owner):
    """Every vertex outside of the independent set joins the member at its strongest edge."""
    for i in prange(state.shape[0]):
        owner[i] = number[i]
        if state[i] != 1:
            best = f4(-1)
            for e in range(indptr[i], indptr[i + 1]):
                j = indices[e]
                if state[j] == 1 and weights[e] > best:
                    best = weights[e]
                    owner[i] = number[j]


@serial_kernel
def group_members(owner, member_indptr, members):
    """Vertices by owner, in ascending order; `member_indptr` arrives as the counts' prefix sums."""
    place = member_indptr[:-1].copy()
    for i in range(owner.shape[0]):
        members[place[owner[i]]] = i
        place[owner[i]] += 1


@kernel
def widest_group(first, last, member_indptr, members, indptr):
    """Power of two that is at least twice the edges of any coarse vertex in [first, last)."""
    widest = 1
    for c in range(first, last):
        edges = 0
        for m in range(member_indptr[c], member_indptr[c + 1]):
            edges += indptr[members[m] + 1] - indptr[members[m]]
        widest = max(widest, edges)
    size = 2
    while size < 2 * widest:
        size *= 2
    return size


@kernel
def gather_coarse_row(c, member_indptr, members, indptr, indices, weights, owner, keys, totals, slots):
    """Add up the edges of c's members by the owner of their other end in a hash table; the number of other owners."""
    mask = keys.shape[0] - 1
    count = 0
    for m in range(member_indptr[c], member_indptr[c + 1]):
        i = members[m]
        for e in range(indptr[i], indptr[i + 1]):
            key = np.int64(owner[indices[e]])
            if key == c:
                continue
            slot = np.int64((uint64(key) * uint64(0x9E3779B97F4A7C15)) >> uint64(40)) & mask
            while keys[slot] >= 0 and keys[slot] != key:
                slot = (slot + 1) & mask
            if keys[slot] < 0:
                keys[slot] = key
                totals[slot] = f4(0)
                slots[count] = slot
                count += 1
            totals[slot] += weights[e]
    return count


@parallel_kernel
def coarse_rows(
    member_indptr,
    members,
    indptr,
    indices,
    weights,
    scale,
    least,
    owner,
    first_vertex,
    starts,
    out_indices,
    out_weights,
    lengths,
):
    """Edges of some coarse vertices, from `first_vertex` on, their weights added up and multiplied by `scale`.

    The r-th of them has lengths[r] edges from starts[r] on, where there is room for all edges of its members. Edges
    that are weaker than `least`, and are not the vertex's strongest, are left out.
    """
    n = lengths.shape[0]
    for block in prange((n + 255) // 256):
        low = first_vertex + block * 256
        high = min(first_vertex + n, low + 256)
        size = widest_group(low, high, member_indptr, members, indptr)
        keys = np.full(size, -1, np.int64)
        totals = np.empty(size, f4)
        slots = np.empty(size, np.int64)
        for c in range(low, high):
            count = gather_coarse_row(c, member_indptr, members, indptr, indices, weights, owner, keys, totals, slots)
            strongest = f4(0)
            for s in range(count):
                strongest = max(strongest, totals[slots[s]] * scale)
            bar = min(least, strongest)
            place = starts[c - first_vertex]
            for s in range(count):
                weight = totals[slots[s]] * scale
                key = keys[slots[s]]
                keys[slots[s]] = -1
                if weight >= bar:
                    out_indices[place] = key
                    out_weights[place] = weight
                    place += 1
            lengths[c - first_vertex] = place - starts[c - first_vertex]


@parallel_kernel
def row_sums(indptr, weights, scale, degree):
    """Sum of every row's weights, times `scale`."""
    for i in prange(degree.shape[0]):
        total = f4(0)
        for e in range(indptr[i], indptr[i + 1]):
            total += weights[e]
        degree[i] = total * scale


# ----------------------------------------------------------------------------------------------------------- strips


@parallel_kernel
def longest_first(indptr, order):
    """Order the rows of every block by their lengths, the longest first, rows of one length as they stood."""
    n = order.shape[0]
    for block in prange((n + BLOCK - 1) // BLOCK):
        low = block * BLOCK
        high = min(n, low + BLOCK)
        before = order[low:high].copy()
        places = np.zeros(BLOCK + 1, np.int64)  # by length; what is longer than BLOCK counts as BLOCK
        for q in range(high - low):
            places[min(BLOCK, indptr[before[q] + 1] - indptr[before[q]])] += 1
        place = high
        for length in range(BLOCK + 1):
            place -= places[length]
            places[length] = place
        for q in range(high - low):
            length = min(BLOCK, indptr[before[q] + 1] - indptr[before[q]])
            order[places[length]] = before[q]
            places[length] += 1


@parallel_kernel
def fill_strips(indptr, values, names, order, starts, out):
    """Lay the values of the edges of every strip's rows side by side: those that come first in their rows first.

    Row i of the strips is row order[i] of the graph, whose entries keep their order. Values are taken as uint32,
    whatever they are. Where `names` is not empty, names[value] is written, and a row that is shorter than others is
    filled up with its own number, as edges to itself; otherwise the values themselves, and 0.
    """
    n = order.shape[0]
    for strip in prange(starts.shape[0] - 1):
        width = (starts[strip + 1] - starts[strip]) // STRIP
        for lane in range(STRIP):
            own = min(n - 1, strip * STRIP + lane)
            first = indptr[order[own]]
            length = indptr[order[own] + 1] - first if strip * STRIP + lane < n else 0
            place = starts[strip] + lane
            if names.shape[0] > 0:
                for t in range(length):
                    out[place + t * STRIP] = names[values[first + t]]
            else:
                for t in range(length):
                    out[place + t * STRIP] = values[first + t]
                own = 0
            for t in range(length, width):
                out[place + t * STRIP] = own


@parallel_kernel
def take_from_strips(indptr, order, names, starts, values, out):
    """Bring the values of the edges back into the graph's rows; where `names` is not empty, values[e] means names[it].

    All values are taken as uint32, whatever they are.
    """
    for i in prange(order.shape[0]):
        first = indptr[order[i]]
        place = starts[i // STRIP] + i % STRIP
        for t in range(indptr[order[i] + 1] - first):
            value = values[place + t * STRIP]
            out[first + t] = names[value] if names.shape[0] > 0 else value


@parallel_kernel
def strip_sums(starts, weights, sums):
    """Sum of the weights of every row."""
    n = sums.shape[0]
    for strip in prange(starts.shape[0] - 1):
        for lane in range(min(STRIP, n - strip * STRIP)):
            total = f4(0)
            for e in range(starts[strip] + lane, starts[strip + 1], STRIP):
                total += weights[e]
            sums[strip * STRIP + lane] = total


# ------------------------------------------------------------------------------------------------------------ start


@parallel_kernel
def smooth(positions, out, starts, indices, weights, inner, share):
    """`share` of the weighted mean of the neighbors (and of itself, with the weight `inner`), the rest of itself."""
    n, d = positions.shape
    for strip in prange(starts.shape[0] - 1):
        low = strip * STRIP
        rows = min(STRIP, n - low)
        total = np.zeros(STRIP, f4)
        value = np.zeros((d, STRIP), f4)
        gathered = np.empty(PULLED * STRIP, f4)
        for lane in range(rows):
            if inner.shape[0] > 0:
                total[lane] = inner[low + lane]
                for k in range(d):
                    value[k, lane] = inner[low + lane] * positions[low + lane, k]
        for first in range(starts[strip], starts[strip + 1], PULLED * STRIP):
            count = min(PULLED * STRIP, starts[strip + 1] - first)
            for q in range(0, count, STRIP):
                for lane in range(STRIP):
                    total[lane] += weights[first + q + lane]
            for k in range(d):
                for q in range(count):
                    gathered[q] = positions[indices[first + q], k]
                for q in range(0, count, STRIP):
                    for lane in range(STRIP):
                        value[k, lane] += weights[first + q + lane] * gathered[q + lane]
        for lane in range(rows):
            for k in range(d):
                own = positions[low + lane, k]
                mean = value[k, lane] / total[lane] if total[lane] > 0 else own
                out[low + lane, k] = (f4(1) - share) * own + share * mean


@parallel_kernel
def jitter(positions, amount):
    """Move every row by up to `amount` along every axis, so that no two lie on one place: those would never part."""
    n, d = positions.shape
    for block in prange((n + BLOCK - 1) // BLOCK):
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            for k in range(d):
                share = f4(np.int64(mix(uint64(i * d + k)) >> uint64(40))) * f4(2 / 16777216) - f4(1)
                positions[i, k] += amount * share


@parallel_kernel
def relax_paths(indptr, indices, lengths, backwards, distances, changed):
    """Shorten paths from PIVOTS sources in place, as Bellman and Ford do; an edge is the mean of its ends' `lengths`.

    Rows may see what other threads have just written: repeated until nothing changes, it ends at the greatest fixed
    point in any order (Tarski 1955), since a sum of floats only falls with its terms.
    """
    n = distances.shape[0]
    for block in prange(changed.shape[0]):
        low = block * SEEN_TOGETHER
        high = min(n, low + SEEN_TOGETHER)
        best = np.empty(PIVOTS, f4)
        changed[block] = 0
        for step in range(high - low):
            i = high - 1 - step if backwards else low + step
            for lane in range(PIVOTS):
                best[lane] = distances[i, lane]
            for e in range(indptr[i], indptr[i + 1]):
                j = indices[e]
                length = f4(0.5) * (lengths[i] + lengths[j])
                for lane in range(PIVOTS):
                    best[lane] = min(best[lane], distances[j, lane] + length)
            for lane in range(PIVOTS):
                if best[lane] < distances[i, lane]:
                    distances[i, lane] = best[lane]
                    changed[block] = 1


@serial_kernel
def filter_step(indptr, indices, weights, now, before, center, factor, share, out):
    """factor * (A @ now - center * now) - share * before, for all columns of a block at once."""
    n, width = now.shape
    total = np.empty(width, np.float64)
    for i in range(n):
        for k in range(width):
            total[k] = -center * now[i, k]
        for e in range(indptr[i], indptr[i + 1]):
            for k in range(width):
                total[k] += weights[e] * now[indices[e], k]
        for k in range(width):
            out[i, k] = factor * total[k] - share * before[i, k]


@serial_kernel
def inner_products(left, right, out):
    """left.T @ right, row by row."""
    out[:] = 0.0
    for i in range(left.shape[0]):
        for j in range(left.shape[1]):
            for k in range(right.shape[1]):
                out[j, k] += left[i, j] * right[i, k]


@serial_kernel
def combine_columns(columns, shares, out):
    """columns @ shares, row by row."""
    out[:] = 0.0
    for i in range(columns.shape[0]):
        for j in range(columns.shape[1]):
            for k in range(shares.shape[1]):
                out[i, k] += columns[i, j] * shares[j, k]


@kernel
def rotate(rows, p, q, c, s):
    """Rotate two rows of a matrix."""
    for k in range(rows.shape[1]):
        x = rows[p, k]
        y = rows[q, k]
        rows[p, k] = c * x - s * y
        rows[q, k] = s * x + c * y


@serial_kernel
def diagonalize(matrix, vectors):
    """Jacobi's method: rotates a symmetric matrix of norm about 1 until it is diagonal, and rows of `vectors` with it.

    From the identity these become the eigenvectors; row k belongs to matrix[k, k].
    """
    n = matrix.shape[0]
    for _sweep in range(SWEEPS):
        still = True
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(matrix[p, q]) > 1e-15:
                    still = False
                    slope = (matrix[q, q] - matrix[p, p]) / (2.0 * matrix[p, q])
                    tangent = (1.0 if slope >= 0.0 else -1.0) / (abs(slope) + np.sqrt(slope * slope + 1.0))
                    c = 1.0 / np.sqrt(tangent * tangent + 1.0)
                    s = tangent * c
                    rotate(matrix, p, q, c, s)
                    rotate(matrix.T, p, q, c, s)
                    rotate(vectors, p, q, c, s)
        if still:
            break


@kernel
def log_of(x):
    """Natural logarithm of float64 x >= 1, absolute error below 1e-10, the same on every processor."""
    bits = np.float64(x).view(np.int64) + np.int64(0x95F6200000000)  # moves sqrt(1/2)..sqrt(2) into one binade
    exponent = (bits >> np.int64(52)) - np.int64(1023)
    m = np.int64((bits & np.int64(0xFFFFFFFFFFFFF)) + np.int64(0x3FE6A09E00000000)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    t = s * s
    series = 1.0 + t * (1 / 3 + t * (1 / 5 + t * (1 / 7 + t * (1 / 9 + t * (1 / 11)))))
    return exponent * 0.6931471805599453 + 2.0 * s * series


@parallel_kernel
def scale_losses(positions, starts, indices, weights, degree, mass, stride, apart, powers, a, b, attracted, repelled):
    """Expected losses of scale * positions, powers = scale ** 2b; attraction of every THIN-th row, repulsion of fewer.

    Part p has the rows [p * stride, (p + 1) * stride), and the repulsion of the first of them from every apart-th of
    all, from a place on that differs from part to part; these stand for all others.
    """
    n, d = positions.shape
    for part in prange(attracted.shape[0]):
        for i in range(part * stride, min(n, (part + 1) * stride), THIN):
            strip = i // STRIP
            for e in range(starts[strip] + i % STRIP, starts[strip + 1], STRIP):
                d2 = f4(1e-12)
                for k in range(d):
                    d2 += (positions[i, k] - positions[indices[e], k]) ** 2
                term = a * power(d2, b)
                for g in range(powers.shape[0]):
                    attracted[part, g] += weights[e] * log_of(1.0 + term * powers[g])
        i = part * stride
        first = part % apart
        count = (n - first + apart - 1) // apart
        pair = np.empty(count, f4)
        share = np.empty(count, np.float64)
        whole = 0.0
        for j in range(n):
            whole += mass[j]
        seen = 0.0
        for q in range(count):
            j = first + q * apart
            d2 = f4(0)
            for k in range(d):
                d2 += (positions[i, k] - positions[j, k]) ** 2
            pair[q] = a * power(max(d2, f4(1e-9)), b)
            share[q] = mass[j] if j != i else f4(0)
            seen += share[q]
        for g in range(powers.shape[0]):
            total = 0.0
            for q in range(count):
                total += share[q] * log_of(1.0 + 1.0 / (pair[q] * powers[g]))
            repelled[part, g] = total * ((whole - mass[i]) / seen) * degree[i]


@kernel
def add_log_terms(squared, count, apart, a, b, terms):
    """Pairs' terms of the loss from squared distances: log(1 + a d^2b) of edges, log(1 + 1 / (a d^2b)) of `apart`."""
    for q in range(count):
        squared[q] = a * power(max(squared[q], f4(1e-9)), b)
    for q in range(count):
        x = np.float64(squared[q])
        terms[q] = log_of(1.0 + (1.0 / x if apart else x))


@serial_kernel
def probed_loss(positions, starts, indices, weights, degree, mass, stride, apart, rate, a, b):
    """Expected loss of every stride-th row, a unit of degree: its edges, and its pairs with every apart-th row.

    The pairs begin at a place that differs from row to row; they stand for all others of the level, by their masses
    (each 1 where `mass` is empty). `rate` is the weight of the repulsion.
    """
    n, d = positions.shape
    size = (n + apart - 1) // apart
    for strip in range(starts.shape[0] - 1):
        size = max(size, (starts[strip + 1] - starts[strip]) // STRIP)
    squared = np.empty(size, f4)
    terms = np.empty(size, np.float64)
    loss = 0.0
    degrees = 0.0
    for i in range(0, n, stride):
        edge = starts[i // STRIP] + i % STRIP
        count = (starts[i // STRIP + 1] - starts[i // STRIP]) // STRIP
        squared[:count] = f4(0)
        for k in range(d):
            for q in range(count):
                delta = positions[i, k] - positions[indices[edge + q * STRIP], k]
                squared[q] += delta * delta  # a power has other bits in plain Python
        add_log_terms(squared, count, False, a, b, terms)
        for q in range(count):
            loss += weights[edge + q * STRIP] * terms[q]
        first = i // stride % apart
        count = (n - first + apart - 1) // apart
        squared[:count] = f4(0)
        for k in range(d):
            for q in range(count):
                delta = positions[i, k] - positions[first + q * apart, k]
                squared[q] += delta * delta
        add_log_terms(squared, count, True, a, b, terms)
        total = 0.0
        seen = 0.0
        for q in range(count):
            j = first + q * apart
            if j != i:
                share = np.float64(mass[j] if mass.shape[0] > 0 else f4(1))
                total += share * terms[q]
                seen += share
        own = np.float64(degree[i])
        loss += rate / 2 * own * total / max(seen, 1e-9)
        degrees += own
    return loss / degrees


# ------------------------------------------------------------------------------------------------------------- step


@kernel
def pair_factors_attraction(squared, count, s):
    """Squared distances become 4ab d^2(b-1) / (1 + a d^2b) (half of it where each edge acts from both ends already)."""
    strength = s.attraction * s.a * s.b
    for q in range(count):
        d2 = squared[q] + (f4(1e-12) + s.softening)
        p = power(d2, s.b)
        squared[q] = strength * p / (d2 * (s.a * p + f4(1)))


@kernel
def pair_factors_repulsion(squared, count, s):
    """Squared distances become 2 gamma b / ((0.001 + d^2) (1 + a d^2b))."""
    strength = f4(2) * s.gamma * s.b
    for q in range(count):
        d2 = squared[q] + s.softening
        squared[q] = strength / ((f4(0.001) + d2) * (s.a * power(d2 + f4(1e-20), s.b) + f4(1)))


@kernel
def square(difference, count, squared):
    """Squared lengths of the pairs' differences."""
    for q in range(count):
        squared[q] = difference[0, q] * difference[0, q]
    for k in range(1, difference.shape[0]):
        for q in range(count):
            squared[q] += difference[k, q] * difference[k, q]


@kernel
def clip_terms(difference, factors, count):
    """Gradients of the pairs in place of their differences, every component clipped as in UMAP."""
    for k in range(difference.shape[0]):
        for q in range(count):
            difference[k, q] = max(-CLIP, min(CLIP, factors[q] * difference[k, q]))


@kernel
def pull_in_plane(first, width, raw, own, weights, s, gradient):
    """Add the pull of `width` edges of every row of a strip in two dimensions, in one pass over what was gathered."""
    strength = s.attraction * s.a * s.b
    closest = f4(1e-12) + s.softening
    for t in range(width):
        for lane in range(STRIP):
            x = raw[2 * (t * STRIP + lane)] - own[0, lane]
            y = raw[2 * (t * STRIP + lane) + 1] - own[1, lane]
            d2 = x * x + y * y + closest
            p = power(d2, s.b)
            factor = strength * p / (d2 * (s.a * p + f4(1)))
            weight = weights[first + t * STRIP + lane]
            gradient[0, lane] += max(-CLIP, min(CLIP, factor * x)) * weight
            gradient[1, lane] += max(-CLIP, min(CLIP, factor * y)) * weight


@kernel
def gather_places(first, count, places, indices, out):
    """Both coordinates of the other ends of `count` edges, as one number each."""
    for q in range(count):
        out[q] = places[indices[first + q]]


@kernel
def pull_anywhere(first, width, positions, own, indices, weights, s, difference, factors, gradient):
    """Add the pull of `width` edges of every row of a strip in any number of dimensions."""
    count = width * STRIP
    for k in range(own.shape[0]):
        for q in range(count):
            difference[k, q] = positions[indices[first + q], k] - own[k, q % STRIP]
    square(difference, count, factors)
    pair_factors_attraction(factors, count, s)
    clip_terms(difference, factors, count)
    for k in range(own.shape[0]):
        for t in range(width):
            for lane in range(STRIP):
                gradient[k, lane] += difference[k, t * STRIP + lane] * weights[first + t * STRIP + lane]


@kernel
def attract_block(low, high, positions, places, starts, indices, weights, s, gradient):
    """Pull of every edge of the rows [low, high), strip by strip, every row's edges in their order.

    In two dimensions `places` holds both coordinates of a row as one number; otherwise it is `positions`. Its
    dimensions are known when this is compiled, so that one of the two ways is.
    """
    d = positions.shape[1]
    own = np.zeros((d, STRIP), f4)
    pull = np.empty((d, STRIP), f4)
    gathered = np.empty(PULLED * STRIP, places.dtype)
    if places.ndim == 2:
        difference = np.empty((d, PULLED * STRIP), f4)
    for strip in range(low // STRIP, (high + STRIP - 1) // STRIP):
        rows = min(STRIP, high - strip * STRIP)
        pull[:] = f4(0)
        for lane in range(rows):
            for k in range(d):
                own[k, lane] = positions[strip * STRIP + lane, k]
        for first in range(starts[strip], starts[strip + 1], PULLED * STRIP):
            width = min(PULLED, (starts[strip + 1] - first) // STRIP)
            if places.ndim == 1:
                gather_places(first, width * STRIP, places, indices, gathered)
                pull_in_plane(first, width, gathered.view(f4), own, weights, s, pull)
            else:
                pull_anywhere(first, width, positions, own, indices, weights, s, difference, gathered, pull)
        for lane in range(rows):
            for k in range(d):
                gradient[strip * STRIP + lane - low, k] = pull[k, lane]


@kernel
def draw_pool(block, positions, pick, s, pool):
    """Positions of POOL random vertices, drawn by mass, twice in a row so that a run never wraps."""
    state = mix(uint64(s.seed) ^ (uint64(s.epoch) << uint64(40)) ^ uint64(block))
    for t in range(POOL):
        state = next_random(state)
        j = below(state, s.n_rows)
        if pick.shape[0] > 0:
            j = np.int64(pick[j])
        for k in range(positions.shape[1]):
            pool[k, t] = positions[j, k]
            pool[k, t + POOL] = positions[j, k]
    return state


@kernel
def gather_runs(first, last, state, count, positions, pool, difference):
    """Differences of the rows [first, last) to their runs of the pool."""
    place = 0
    for i in range(first, last):
        state = next_random(state)
        run = below(state, POOL)
        for k in range(positions.shape[1]):
            own = positions[i, k]
            for q in range(count):
                difference[k, place + q] = own - pool[k, run + q]
        place += count
    return state


@kernel
def add_runs(first, last, low, count, share, degree, difference, gradient):
    """Add the sums of the rows' terms, each in four partial sums, times share and degree."""
    for k in range(difference.shape[0]):
        for i in range(first, last):
            place = (i - first) * count
            t0 = f4(0)
            t1 = f4(0)
            t2 = f4(0)
            t3 = f4(0)
            for q in range(place, place + count, 4):
                t0 += difference[k, q]
                t1 += difference[k, q + 1]
                t2 += difference[k, q + 2]
                t3 += difference[k, q + 3]
            gradient[i - low, k] += share * degree[i] * ((t0 + t2) + (t1 + t3))


@kernel
def repel_block(low, high, positions, degree, pick, s, gradient):
    """Add the push of s.negatives sampled vertices to the rows [low, high), each row from its own run of the pool."""
    d = positions.shape[1]
    pool = np.empty((d, 2 * POOL), f4)
    state = draw_pool(low // BLOCK, positions, pick, s, pool)
    count = s.negatives
    batch = max(1, CHUNK // count)
    difference = np.empty((d, batch * count), f4)
    factors = np.empty(batch * count, f4)
    for first in range(low, high, batch):
        last = min(high, first + batch)
        state = gather_runs(first, last, state, count, positions, pool, difference)
        square(difference, (last - first) * count, factors)
        pair_factors_repulsion(factors, (last - first) * count, s)
        clip_terms(difference, factors, (last - first) * count)
        add_runs(first, last, low, count, s.negative_rate / f4(count), degree, difference, gradient)


@kernel
def by_component(low, high, degree, d, out):
    """Degrees of the rows [low, high), each as often as a row has components, so that loops over these are flat."""
    for i in range(low, high):
        for k in range(d):
            out[(i - low) * d + k] = degree[i]


@kernel
def add_field(count, rate, degrees, field, gradient):
    """Add the field at every row, times its degree."""
    for q in range(count):
        gradient[q] += rate * degrees[q] * field[q]


@kernel
def adam_block(low, high, positions, moments, degrees, s, gradient, out, out_moments):
    """Adam (Kingma, Ba 2015) with beta1 0.5 and beta2 0.9, upwards along the gradient; s.floor damps light vertices."""
    g = gradient.reshape(-1)
    y = positions[low:high].reshape(-1)
    m = moments[0, low:high].reshape(-1)
    v = moments[1, low:high].reshape(-1)
    new_y = out[low:high].reshape(-1)
    new_m = out_moments[0, low:high].reshape(-1)
    new_v = out_moments[1, low:high].reshape(-1)
    step = s.step / s.correction1
    inverse = f4(1) / s.correction2
    for q in range((high - low) * positions.shape[1]):
        first = f4(0.5) * m[q] + f4(0.5) * g[q]
        second = f4(0.9) * v[q] + f4(0.1) * (g[q] * g[q])
        new_m[q] = first
        new_v[q] = second
        new_y[q] = y[q] + step * first / (np.sqrt(second * inverse) + (f4(1e-7) + s.floor * degrees[q]))


@parallel_kernel
def sampled_step(
    positions,
    places,
    moments,
    starts,
    indices,
    weights,
    degree,
    pick,
    settings,
    first_block,
    last_block,
    out,
    out_moments,
):
    """One epoch of the rows of some blocks, with sampled repulsion."""
    n, d = positions.shape
    for block in prange(first_block, last_block):
        low = block * BLOCK
        high = min(n, low + BLOCK)
        gradient = np.empty((BLOCK, d), f4)
        degrees = np.empty(BLOCK * d, f4)
        attract_block(low, high, positions, places, starts, indices, weights, settings[0], gradient)
        repel_block(low, high, positions, degree, pick, settings[0], gradient)
        by_component(low, high, degree, d, degrees)
        adam_block(low, high, positions, moments, degrees, settings[0], gradient, out, out_moments)


@parallel_kernel
def field_step(
    positions, places, moments, starts, indices, weights, degree, settings, first_block, last_block, out, out_moments
):
    """One epoch of the rows of some blocks; `out` arrives with the repulsion field at every row."""
    n, d = positions.shape
    for block in prange(first_block, last_block):
        low = block * BLOCK
        high = min(n, low + BLOCK)
        gradient = np.empty((BLOCK, d), f4)
        degrees = np.empty(BLOCK * d, f4)
        attract_block(low, high, positions, places, starts, indices, weights, settings[0], gradient)
        by_component(low, high, degree, d, degrees)
        field = out[low:high].reshape(-1)
        add_field((high - low) * d, settings[0].negative_rate, degrees, field, gradient.reshape(-1))
        adam_block(low, high, positions, moments, degrees, settings[0], gradient, out, out_moments)


# ------------------------------------------------------------------------------------------------------------ field


@parallel_kernel
def tabulate_kernel(spacing, reach, a, b, gamma, softening, kernel_x, kernel_y):
    """The repulsion of a unit mass at the grid's origin, on the periodic grid; within `reach` only its smooth part.

    `softening` is added to squared distances.
    """
    rows, columns = kernel_x.shape
    for i in prange(rows):
        dx = f4(i if 2 * i < rows else i - rows) * spacing
        for j in range(columns):
            dy = f4(j if 2 * j < columns else j - columns) * spacing
            d2 = dx * dx + dy * dy
            share = f4(1)
            if d2 < reach * reach:
                rest = f4(1) - d2 / (reach * reach)
                share = f4(1) - rest * rest
            d2 += softening
            factor = f4(2) * gamma * b / ((f4(0.001) + d2) * (a * power(d2 + f4(1e-20), b) + f4(1)))
            kernel_x[i, j] = share * max(-CLIP, min(CLIP, factor * dx))
            kernel_y[i, j] = share * max(-CLIP, min(CLIP, factor * dy))


@parallel_kernel
def corners(positions, out):
    """Smallest and largest coordinates of every block of rows."""
    n = positions.shape[0]
    places = positions.reshape(-1)
    for block in prange(out.shape[0]):
        start = 2 * block * BLOCK
        stop = 2 * min(n, (block + 1) * BLOCK)
        low = np.empty(STRIP, f4)  # x and y by turns
        high = np.empty(STRIP, f4)
        for lane in range(STRIP):
            low[lane] = places[start + lane % 2]
            high[lane] = low[lane]
        for first in range(start, stop - STRIP + 1, STRIP):
            for lane in range(STRIP):
                low[lane] = min(low[lane], places[first + lane])
                high[lane] = max(high[lane], places[first + lane])
        for q in range(stop - (stop - start) % STRIP, stop):
            low[q % 2] = min(low[q % 2], places[q])
            high[q % 2] = max(high[q % 2], places[q])
        for k in range(2):
            out[block, k] = low[k::2].min()
            out[block, 2 + k] = high[k::2].max()


@kernel
def corner_weights(first, count, positions, mass, origin_x, origin_y, inverse, columns, cells, weights):
    """Number of the lower corner of every row's cell, and the shares of its mass that fall to the cell's corners."""
    for q in range(count):
        x = (positions[first + q, 0] - origin_x) * inverse
        y = (positions[first + q, 1] - origin_y) * inverse
        column = np.int32(x)
        row = np.int32(y)
        fx = x - f4(column)
        fy = y - f4(row)
        cells[q] = np.uint32(column * columns + row)
        weights[0, q] = (f4(1) - fx) * (f4(1) - fy)
        weights[1, q] = (f4(1) - fx) * fy
        weights[2, q] = fx * (f4(1) - fy)
        weights[3, q] = fx * fy
    if mass.shape[0] > 0:
        for corner in range(4):
            for q in range(count):
                weights[corner, q] *= mass[first + q]


@parallel_kernel
def deposit(positions, mass, origin_x, origin_y, inverse, columns, first_part, last_part, grids):
    """Spread every row's mass over the four corners of its cell; every part of the rows has a grid of its own.

    Corners are numbered column by column, `columns` in each. Where `mass` is empty, every row's mass is 1.
    """
    n = positions.shape[0]
    parts = grids.shape[0]
    for part in prange(first_part, last_part):
        grid = grids[part]
        grid[:] = f4(0)
        cells = np.empty(AT_ONCE, np.uint32)
        weights = np.empty((4, AT_ONCE), f4)
        stop = (part + 1) * n // parts
        for first in range(part * n // parts, stop, AT_ONCE):
            count = min(AT_ONCE, stop - first)
            corner_weights(first, count, positions, mass, origin_x, origin_y, inverse, columns, cells, weights)
            for q in range(count):
                low = uint64(cells[q])
                high = low + uint64(columns)
                grid[low] += weights[0, q]
                grid[low + uint64(1)] += weights[1, q]
                grid[high] += weights[2, q]
                grid[high + uint64(1)] += weights[3, q]


@parallel_kernel
def add_grids(grids, density):
    """Sum of the parts' grids in their order."""
    for i in prange(density.shape[0]):
        for j in range(density.shape[1]):
            density[i, j] = f4(0)
        for part in range(grids.shape[0]):
            for j in range(density.shape[1]):
                density[i, j] += grids[part, i, j]


@parallel_kernel
def interpolate(positions, origin_x, origin_y, inverse, columns, field, scale, first_row, last_row, out):
    """The field at every row, bilinearly between the corners of its cell.

    `field` holds both components of corner after corner, which are numbered as in `deposit`.
    """
    for block in prange(first_row // BLOCK, (last_row + BLOCK - 1) // BLOCK):
        for i in range(block * BLOCK, min(last_row, (block + 1) * BLOCK)):
            x = (positions[i, 0] - origin_x) * inverse
            y = (positions[i, 1] - origin_y) * inverse
            column = np.int32(x)
            row = np.int32(y)
            fx = x - f4(column)
            fy = y - f4(row)
            low = uint64(np.uint32(2 * (column * columns + row)))
            high = low + uint64(2 * columns)
            w00 = (f4(1) - fx) * (f4(1) - fy) * scale
            w01 = (f4(1) - fx) * fy * scale
            w10 = fx * (f4(1) - fy) * scale
            w11 = fx * fy * scale
            for k in range(2):
                c = uint64(k)
                d = uint64(k + 2)
                out[i, k] = w00 * field[low + c] + w01 * field[low + d] + w10 * field[high + c] + w11 * field[high + d]


@kernel
def cell_of(x, y, origin_x, origin_y, inverse, columns):
    """Number of the cell that holds a point."""
    return np.int64((x - origin_x) * inverse) * columns + np.int64((y - origin_y) * inverse)


@parallel_kernel
def count_cells(positions, origin_x, origin_y, inverse, columns, counts):
    """Rows in every cell, by part of the rows."""
    n = positions.shape[0]
    parts = counts.shape[0]
    for part in prange(parts):
        for i in range(part * n // parts, (part + 1) * n // parts):
            counts[part, cell_of(positions[i, 0], positions[i, 1], origin_x, origin_y, inverse, columns)] += 1


@parallel_kernel
def sort_into_cells(positions, origin_x, origin_y, inverse, columns, counts, begin, order, points):
    """Rows and their positions in the order of their cells, ascending within a cell; uses up `counts`."""
    n = positions.shape[0]
    parts = counts.shape[0]
    for cell in prange(counts.shape[1]):
        place = 0
        for part in range(parts):
            count = counts[part, cell]
            counts[part, cell] = place
            place += count
    for part in prange(parts):
        for i in range(part * n // parts, (part + 1) * n // parts):
            cell = cell_of(positions[i, 0], positions[i, 1], origin_x, origin_y, inverse, columns)
            place = begin[cell] + counts[part, cell]
            counts[part, cell] += 1
            order[place] = i
            points[place, 0] = positions[i, 0]
            points[place, 1] = positions[i, 1]


@kernel
def three_columns(cell_x, cell_y, rows, columns, begin):
    """Where the points of the 3 x 3 cells around a cell lie: begin and number of those of each of three columns."""
    low = max(0, cell_y - 1)
    high = min(columns - 1, cell_y + 1) + 1
    count0 = 0
    count2 = 0
    begin0 = 0
    begin2 = 0
    if cell_x > 0:
        begin0 = begin[(cell_x - 1) * columns + low]
        count0 = begin[(cell_x - 1) * columns + high] - begin0
    begin1 = begin[cell_x * columns + low]
    count1 = begin[cell_x * columns + high] - begin1
    if cell_x + 1 < rows:
        begin2 = begin[(cell_x + 1) * columns + low]
        count2 = begin[(cell_x + 1) * columns + high] - begin2
    return begin0, count0, begin1, count1, begin2, count2


@kernel
def gather_near(first, count, points, begin, origin_x, origin_y, inverse, rows, columns, state, near, spreads):
    """Up to NEAR evenly spaced points of the 3 x 3 cells around each of some points, and how many each stands for.

    A point with fewer around it stands in for those that are missing itself: it does not push itself.
    """
    places = points.reshape(-1).view(np.uint64)
    cell = np.int64(-1)
    for q in range(count):
        state = next_random(state)
        offset = f4(np.int64(state >> uint64(40))) * f4(1 / 16777216)
        cell_x = np.int64((points[first + q, 0] - origin_x) * inverse)
        cell_y = np.int64((points[first + q, 1] - origin_y) * inverse)
        if cell_x * columns + cell_y != cell:  # points come in the order of their cells
            cell = cell_x * columns + cell_y
            begin0, count0, begin1, count1, begin2, count2 = three_columns(cell_x, cell_y, rows, columns, begin)
            total = count0 + count1 + count2
            shift1 = begin1 - count0
            shift2 = begin2 - count0 - count1
        spread = f4(total) / f4(min(total, NEAR))
        spreads[q] = spread
        for t in range(min(total, NEAR)):
            place = min(total - 1, np.int64((f4(t) + offset) * spread)) if total > NEAR else t
            shift = shift1 if place >= count0 else begin0
            shift = shift2 if place >= count0 + count1 else shift
            near[t, q] = places[place + shift]
        for t in range(total, NEAR):
            near[t, q] = places[first + q]
    return state


@kernel
def push_near(own, near, reach, s, sums):
    """Sums of the near pairs' gradients: of each the share that the grid leaves out."""
    strength = f4(2) * s.gamma * s.b
    sums[:] = f4(0)
    for t in range(NEAR):
        other = near[t].view(f4)
        for q in range(AT_ONCE):
            dx = own[0, q] - other[2 * q]
            dy = own[1, q] - other[2 * q + 1]
            d2 = dx * dx + dy * dy
            rest = max(f4(0), f4(1) - d2 / (reach * reach))
            factor = strength / ((f4(0.001) + d2) * (s.a * power(d2 + f4(1e-20), s.b) + f4(1)))
            sums[0, q] += max(-CLIP, min(CLIP, factor * dx)) * (rest * rest)
            sums[1, q] += max(-CLIP, min(CLIP, factor * dy)) * (rest * rest)


@parallel_kernel
def add_near_field(
    points, order, begin, origin_x, origin_y, inverse, rows, columns, reach, scale, settings, first_row, last_row, out
):
    """Add the repulsion that ends at `reach` to some rows, from NEAR samples of the 3 x 3 cells around each."""
    n = order.shape[0]
    for block in prange((n + BLOCK - 1) // BLOCK):
        state = mix(uint64(settings[0].seed) ^ (uint64(settings[0].epoch) << uint64(40)) ^ uint64(block))
        near = np.zeros((NEAR, AT_ONCE), np.uint64)
        own = np.zeros((2, AT_ONCE), f4)
        sums = np.empty((2, AT_ONCE), f4)
        spreads = np.empty(AT_ONCE, f4)
        for first in range(block * BLOCK, min(n, (block + 1) * BLOCK), AT_ONCE):
            count = min(AT_ONCE, min(n, (block + 1) * BLOCK) - first)
            state = gather_near(
                first, count, points, begin, origin_x, origin_y, inverse, rows, columns, state, near, spreads
            )
            for q in range(count):
                own[0, q] = points[first + q, 0]
                own[1, q] = points[first + q, 1]
            push_near(own, near, reach, settings[0], sums)
            for q in range(count):
                i = order[first + q]
                if first_row <= i < last_row:
                    for k in range(2):
                        out[i, k] += spreads[q] * scale * sums[k, q]


# -------------------------------------------------------------------------------------------------------- transform


@kernel
def start_row(first, last, indices, distances, strengths, training, place):
    """Put a new row at its neighbor at distance 0 (False) or at its neighbors' weighted mean (True: optimise it)."""
    d = training.shape[1]
    if distances[first] == 0:
        for k in range(d):
            place[k] = training[indices[first], k]
        return False
    for k in range(d):
        total = f4(0)
        value = f4(0)
        for e in range(first, last):
            total += strengths[e]
            value += strengths[e] * training[indices[e], k]
        place[k] = value / total
    return True


@kernel
def pull_row(first, last, indices, strengths, strongest, training, place, s, difference, factors, gradient):
    """Pull of a row's neighbors, its rates relative to its strongest; the sum of the rates."""
    d = training.shape[1]
    count = last - first
    for k in range(d):
        for q in range(count):
            difference[k, q] = training[indices[first + q], k] - place[k]
    square(difference, count, factors)
    pair_factors_attraction(factors, count, s)
    clip_terms(difference, factors, count)
    degree = f4(0)
    for q in range(count):
        rate = strengths[first + q] / strongest
        degree += rate
        for k in range(d):
            gradient[k] += rate * difference[k, q]
    return degree


@kernel
def adam_row(place, moments, gradient, s, done, epochs):
    """One step of Adam for one row; the step size falls as (1 - done / epochs) ** 2."""
    rest = f4(1) - f4(done) / f4(epochs)
    correction1 = f4(1) - f4(0.5) ** f4(done + 1)
    correction2 = f4(1) - f4(0.9) ** f4(done + 1)
    for k in range(place.shape[0]):
        moments[0, k] = f4(0.5) * moments[0, k] + f4(0.5) * gradient[k]
        moments[1, k] = f4(0.9) * moments[1, k] + f4(0.1) * (gradient[k] * gradient[k])
        size = np.sqrt(moments[1, k] / correction2) + f4(1e-7)
        place[k] += s.step * (rest * rest) * (moments[0, k] / correction1) / size


@kernel
def push_from_field(place, field, origin_x, origin_y, inverse, share, gradient):
    """Push of the whole map from its field; beyond the grid that of the nearest place inside."""
    x = min(max((place[0] - origin_x) * inverse, f4(0)), f4(field.shape[0] - 2))
    y = min(max((place[1] - origin_y) * inverse, f4(0)), f4(field.shape[1] - 2))
    column = np.int64(x)
    row = np.int64(y)
    fx = x - f4(column)
    fy = y - f4(row)
    w00 = (f4(1) - fx) * (f4(1) - fy) * share
    w01 = (f4(1) - fx) * fy * share
    w10 = fx * (f4(1) - fy) * share
    w11 = fx * fy * share
    for k in range(2):
        near = w00 * field[column, row, k] + w01 * field[column, row + 1, k]
        gradient[k] += near + w10 * field[column + 1, row, k] + w11 * field[column + 1, row + 1, k]


@kernel
def content_of_row(first, last, indices, distances, seed):
    """Hash of a row's neighbors and the bits of their distances: what its randomness depends on."""
    state = mix(uint64(seed))
    for e in range(first, last):
        bits = uint64(np.uint32(f4(distances[e]).view(np.int32)))
        state = mix(state ^ (uint64(indices[e]) << uint64(32)) ^ bits)
    return state


@kernel
def push_from_pool(place, pool, run, count, share, s, difference, factors, gradient):
    """Push of a run of the model's pool of random vertices."""
    d = place.shape[0]
    for k in range(d):
        for q in range(count):
            difference[k, q] = place[k] - pool[k, run + q]
    square(difference, count, factors)
    pair_factors_repulsion(factors, count, s)
    clip_terms(difference, factors, count)
    for k in range(d):
        total = f4(0)
        for q in range(count):
            total += difference[k, q]
        gradient[k] += share * total


@parallel_kernel
def place_in_field(
    indptr,
    indices,
    distances,
    strengths,
    training,
    field,
    origin_x,
    origin_y,
    inverse,
    settings,
    epochs,
    out,
):
    """New rows against the map held still, in two dimensions; NaN for rows without neighbors."""
    for block in prange((out.shape[0] + 63) // 64):
        for i in range(block * 64, min(out.shape[0], (block + 1) * 64)):
            first = indptr[i]
            last = indptr[i + 1]
            if first == last:
                out[i] = np.nan
            elif start_row(first, last, indices, distances, strengths, training, out[i]):
                difference = np.empty((2, last - first), f4)
                factors = np.empty(last - first, f4)
                gradient = np.empty(2, f4)
                moments = np.zeros((2, 2), f4)
                strongest = strengths[first:last].max()
                for t in range(epochs):
                    gradient[:] = f4(0)
                    degree = pull_row(
                        first,
                        last,
                        indices,
                        strengths,
                        strongest,
                        training,
                        out[i],
                        settings[0],
                        difference,
                        factors,
                        gradient,
                    )
                    share = settings[0].negative_rate * degree / f4(settings[0].n_rows)
                    push_from_field(out[i], field, origin_x, origin_y, inverse, share, gradient)
                    adam_row(out[i], moments, gradient, settings[0], t, epochs)


@parallel_kernel
def place_by_samples(indptr, indices, distances, strengths, training, pool, settings, epochs, out):
    """New rows against the map held still, in any number of dimensions; NaN for rows without neighbors."""
    d = training.shape[1]
    count = settings[0].negatives
    for block in prange((out.shape[0] + 63) // 64):
        for i in range(block * 64, min(out.shape[0], (block + 1) * 64)):
            first = indptr[i]
            last = indptr[i + 1]
            if first == last:
                out[i] = np.nan
            elif start_row(first, last, indices, distances, strengths, training, out[i]):
                difference = np.empty((d, max(count, last - first)), f4)
                factors = np.empty(max(count, last - first), f4)
                gradient = np.empty(d, f4)
                moments = np.zeros((2, d), f4)
                strongest = strengths[first:last].max()
                state = content_of_row(first, last, indices, distances, settings[0].seed)
                for t in range(epochs):
                    gradient[:] = f4(0)
                    degree = pull_row(
                        first,
                        last,
                        indices,
                        strengths,
                        strongest,
                        training,
                        out[i],
                        settings[0],
                        difference,
                        factors,
                        gradient,
                    )
                    state = next_random(state)
                    share = settings[0].negative_rate * degree / f4(count)
                    push_from_pool(
                        out[i], pool, below(state, POOL), count, share, settings[0], difference, factors, gradient
                    )
                    adam_row(out[i], moments, gradient, settings[0], t, epochs)

"""Fast Fourier transforms by Stockham's algorithm (Cochran et al. 1967), and convolutions with an odd kernel.

Sixteen transforms are computed together, one in each lane of a vector. All operations have a fixed order, so that the
bits are the same on every processor. Those of compiled libraries are not. Complex numbers are rows of real parts, in
``x[0]``, and of imaginary parts, in ``x[1]``.
"""

import numpy as np
from numba import prange
from numpy import uint64  # that of numba is slow in uncompiled kernels

from umap_sk.kernels.lanes import assume_no_aliasing, multiply_add, prefer_wide_vectors
from umap_sk.kernels.numbers import f4
from umap_sk.runtime.compile import kernel, parallel_kernel

TRANSFORM_LANES = 16  # transforms that are computed together
SINE3 = f4(0.8660254037844386)  # of 2 pi / 3
COSINES5 = f4(0.30901699437494745), f4(-0.8090169943749475)  # of 2 pi / 5 and of 4 pi / 5
SINES5 = f4(0.9510565162951535), f4(0.5877852522924731)


@kernel
def write_product(re, im, cosine, sine, out, q):
    """Write a complex number times (cosine - i sine)."""
    out[0, q] = multiply_add(im, sine, re * cosine)
    out[1, q] = multiply_add(-re, sine, im * cosine)


@kernel
def combine_2(parts, stride, factors, x, y):
    """Combine pairs of numbers by transforms of length 2, and multiply them by twiddle factors."""
    prefer_wide_vectors()
    assume_no_aliasing()
    count = stride * TRANSFORM_LANES
    for p in range(parts):
        c = factors[0, uint64(p * stride)]
        s = factors[1, uint64(p * stride)]
        for q in range(count):
            a = uint64(p * count + q)
            b = a + uint64(parts * count)
            to = uint64(2 * p * count + q)
            y[0, to] = x[0, a] + x[0, b]
            y[1, to] = x[1, a] + x[1, b]
            write_product(x[0, a] - x[0, b], x[1, a] - x[1, b], c, s, y, to + uint64(count))


@kernel
def combine_3(parts, stride, factors, x, y):
    """Combine triples of numbers by transforms of length 3, and multiply them by twiddle factors."""
    prefer_wide_vectors()
    assume_no_aliasing()
    count = stride * TRANSFORM_LANES
    for p in range(parts):
        k = p * stride
        c1, c2 = factors[0, uint64(k)], factors[0, uint64(2 * k)]
        s1, s2 = factors[1, uint64(k)], factors[1, uint64(2 * k)]
        for q in range(count):
            a = uint64(p * count + q)
            b = a + uint64(parts * count)
            c = b + uint64(parts * count)
            to = uint64(3 * p * count + q)
            sum_re = x[0, b] + x[0, c]
            sum_im = x[1, b] + x[1, c]
            turned_re = SINE3 * (x[1, b] - x[1, c])
            turned_im = SINE3 * (x[0, c] - x[0, b])
            middle_re = multiply_add(f4(-0.5), sum_re, x[0, a])
            middle_im = multiply_add(f4(-0.5), sum_im, x[1, a])
            y[0, to] = x[0, a] + sum_re
            y[1, to] = x[1, a] + sum_im
            write_product(middle_re + turned_re, middle_im + turned_im, c1, s1, y, to + uint64(count))
            write_product(middle_re - turned_re, middle_im - turned_im, c2, s2, y, to + uint64(2 * count))


@kernel
def combine_4(parts, stride, factors, x, y):
    """Combine quadruples of numbers by transforms of length 4, and multiply them by twiddle factors."""
    prefer_wide_vectors()
    assume_no_aliasing()
    count = stride * TRANSFORM_LANES
    for p in range(parts):
        k = p * stride
        c1, c2, c3 = factors[0, uint64(k)], factors[0, uint64(2 * k)], factors[0, uint64(3 * k)]
        s1, s2, s3 = factors[1, uint64(k)], factors[1, uint64(2 * k)], factors[1, uint64(3 * k)]
        for q in range(count):
            a = uint64(p * count + q)
            b = a + uint64(parts * count)
            c = b + uint64(parts * count)
            d = c + uint64(parts * count)
            to = uint64(4 * p * count + q)
            even_re = x[0, a] + x[0, c]
            even_im = x[1, a] + x[1, c]
            apart_re = x[0, a] - x[0, c]
            apart_im = x[1, a] - x[1, c]
            odd_re = x[0, b] + x[0, d]
            odd_im = x[1, b] + x[1, d]
            turned_re = x[1, b] - x[1, d]
            turned_im = x[0, d] - x[0, b]
            y[0, to] = even_re + odd_re
            y[1, to] = even_im + odd_im
            write_product(apart_re + turned_re, apart_im + turned_im, c1, s1, y, to + uint64(count))
            write_product(even_re - odd_re, even_im - odd_im, c2, s2, y, to + uint64(2 * count))
            write_product(apart_re - turned_re, apart_im - turned_im, c3, s3, y, to + uint64(3 * count))


@kernel
def combine_5(parts, stride, factors, x, y):
    """Combine quintuples of numbers by transforms of length 5, and multiply them by twiddle factors."""
    prefer_wide_vectors()
    assume_no_aliasing()
    cosine1, cosine2 = COSINES5
    sine1, sine2 = SINES5
    count = stride * TRANSFORM_LANES
    for p in range(parts):
        k = p * stride
        c1, c2, c3, c4 = (
            factors[0, uint64(k)],
            factors[0, uint64(2 * k)],
            factors[0, uint64(3 * k)],
            factors[0, uint64(4 * k)],
        )
        s1, s2, s3, s4 = (
            factors[1, uint64(k)],
            factors[1, uint64(2 * k)],
            factors[1, uint64(3 * k)],
            factors[1, uint64(4 * k)],
        )
        for q in range(count):
            a = uint64(p * count + q)
            b = a + uint64(parts * count)
            c = b + uint64(parts * count)
            d = c + uint64(parts * count)
            e = d + uint64(parts * count)
            to = uint64(5 * p * count + q)
            outer_re = x[0, b] + x[0, e]
            outer_im = x[1, b] + x[1, e]
            inner_re = x[0, c] + x[0, d]
            inner_im = x[1, c] + x[1, d]
            one_re = multiply_add(cosine2, inner_re, multiply_add(cosine1, outer_re, x[0, a]))
            one_im = multiply_add(cosine2, inner_im, multiply_add(cosine1, outer_im, x[1, a]))
            two_re = multiply_add(cosine1, inner_re, multiply_add(cosine2, outer_re, x[0, a]))
            two_im = multiply_add(cosine1, inner_im, multiply_add(cosine2, outer_im, x[1, a]))
            turned1_re = multiply_add(sine2, x[1, c] - x[1, d], sine1 * (x[1, b] - x[1, e]))
            turned1_im = multiply_add(sine2, x[0, d] - x[0, c], sine1 * (x[0, e] - x[0, b]))
            turned2_re = multiply_add(sine1, x[1, d] - x[1, c], sine2 * (x[1, b] - x[1, e]))
            turned2_im = multiply_add(sine1, x[0, c] - x[0, d], sine2 * (x[0, e] - x[0, b]))
            y[0, to] = x[0, a] + (outer_re + inner_re)
            y[1, to] = x[1, a] + (outer_im + inner_im)
            write_product(one_re + turned1_re, one_im + turned1_im, c1, s1, y, to + uint64(count))
            write_product(two_re + turned2_re, two_im + turned2_im, c2, s2, y, to + uint64(2 * count))
            write_product(two_re - turned2_re, two_im - turned2_im, c3, s3, y, to + uint64(3 * count))
            write_product(one_re - turned1_re, one_im - turned1_im, c4, s4, y, to + uint64(4 * count))


@kernel
def transform_lanes(radices, factors, x, spare):
    """Return the transforms of all lanes, in one of the two given arrays. The other one is overwritten."""
    length = factors.shape[1]
    stride = 1
    for radix in radices:
        length //= radix
        if radix == 4:
            combine_4(length, stride, factors, x, spare)
        elif radix == 2:
            combine_2(length, stride, factors, x, spare)
        elif radix == 3:
            combine_3(length, stride, factors, x, spare)
        else:
            combine_5(length, stride, factors, x, spare)
        x, spare = spare, x
        stride *= radix
    return x


@kernel
def allocate_lanes(length):
    """Return an array for the lanes of complex numbers that begins with a line of the cache, which is twice as fast."""
    size = 2 * length * TRANSFORM_LANES
    block = np.empty(size + TRANSFORM_LANES, f4)
    skip = (-block.ctypes.data // 4) % TRANSFORM_LANES
    return block[skip : skip + size].reshape(2, length * TRANSFORM_LANES)


@kernel
def load_lanes(first, grids, x):
    """Write the sums of 16 columns of all grids to the lanes. The rows beyond those given are 0."""
    prefer_wide_vectors()
    assume_no_aliasing()
    n_rows = grids.shape[1]
    for i in range(n_rows):
        for part in range(2):
            column = first + part * (grids.shape[2] // 2)
            for lane in range(TRANSFORM_LANES):
                x[part, uint64(i * TRANSFORM_LANES + lane)] = grids[0, uint64(i), uint64(column + lane)]
            for t in range(1, grids.shape[0]):
                for lane in range(TRANSFORM_LANES):
                    x[part, uint64(i * TRANSFORM_LANES + lane)] += grids[t, uint64(i), uint64(column + lane)]
    x[:, n_rows * TRANSFORM_LANES :] = f4(0)


@parallel_kernel
def transform_columns(radices, factors, grids, out):
    """Write the first rows of the transforms of all columns of the sum of the grids, added in their order.

    The rows of a grid contain the real parts of all columns, and then their imaginary parts. The number of columns is
    a multiple of TRANSFORM_LANES. `out` contains both parts of a number side by side.
    """
    for tile in prange(out.shape[1] // TRANSFORM_LANES):
        prefer_wide_vectors()
        x = allocate_lanes(factors.shape[1])
        load_lanes(tile * TRANSFORM_LANES, grids, x)
        y = transform_lanes(radices, factors, x, allocate_lanes(factors.shape[1]))
        for i in range(out.shape[0]):
            for lane in range(TRANSFORM_LANES):
                for part in range(2):
                    out[uint64(i), uint64(tile * TRANSFORM_LANES + lane), part] = y[
                        part, uint64(i * TRANSFORM_LANES + lane)
                    ]


@kernel
def unpack_row(lane, row, mirrored, x):
    """Write one row of the transforms of real columns to a lane.

    Each column of the rows is the transform of one real column plus i times another one, half the columns further.
    """
    assume_no_aliasing()
    half = row.shape[0]
    for j in range(half):
        near = uint64(j * TRANSFORM_LANES + lane)
        far = near + uint64(half * TRANSFORM_LANES)
        x[0, near] = row[j, 0] + mirrored[j, 0]
        x[1, near] = row[j, 1] - mirrored[j, 1]
        x[0, far] = row[j, 1] + mirrored[j, 1]
        x[1, far] = mirrored[j, 0] - row[j, 0]


@kernel
def multiply_lanes(first, x, transformed, conjugate, mirrored):
    """Write the conjugate products of lanes and kernel, and the products of the reversed lanes and the kernel."""
    prefer_wide_vectors()
    assume_no_aliasing()
    length = transformed.shape[1]
    for k in range(length):
        reverse = (length - k) * TRANSFORM_LANES if k > 0 else 0
        for lane in range(TRANSFORM_LANES):
            c = transformed[0, uint64(k), uint64(first + lane)]
            s = transformed[1, uint64(k), uint64(first + lane)]
            q = uint64(k * TRANSFORM_LANES + lane)
            conjugate[0, q] = multiply_add(-x[1, q], s, x[0, q] * c)
            conjugate[1, q] = multiply_add(-x[0, q], s, -x[1, q] * c)
            r = uint64(reverse + lane)
            mirrored[0, q] = multiply_add(-x[1, r], s, x[0, r] * c)
            mirrored[1, q] = multiply_add(x[0, r], s, x[1, r] * c)


@kernel
def write_row(lane, x, row):
    """Write the first numbers of a lane: their real parts, and then their imaginary parts."""
    assume_no_aliasing()
    half = row.shape[0] // 2
    for j in range(half):
        row[j] = x[0, uint64(j * TRANSFORM_LANES + lane)]
        row[half + j] = x[1, uint64(j * TRANSFORM_LANES + lane)]


@parallel_kernel
def convolve_rows(radices, factors, columns, transformed, out):
    """Multiply the transforms of a real grid by those of an odd kernel, and transform the rows back.

    `columns` are the transforms of the columns, as in `unpack_row`. The first component of the kernel minus i times the
    second one has the given transforms. The output is conjugate, so that a transform of its columns is the conjugate of
    the inverse one: the first component of the convolution plus i times the second one.
    """
    length = factors.shape[1]
    n = columns.shape[0]
    for tile in prange((n // 2 + TRANSFORM_LANES) // TRANSFORM_LANES):
        prefer_wide_vectors()
        first = tile * TRANSFORM_LANES
        count = min(TRANSFORM_LANES, n // 2 + 1 - first)
        x = allocate_lanes(length)
        spare = allocate_lanes(length)
        x[:] = f4(0)
        for lane in range(count):
            unpack_row(lane, columns[first + lane], columns[(n - first - lane) % n], x)
        conjugate = allocate_lanes(length)
        mirrored = allocate_lanes(length)
        multiply_lanes(first, transform_lanes(radices, factors, x, spare), transformed, conjugate, mirrored)
        y = transform_lanes(radices, factors, conjugate, spare)
        for lane in range(count):
            write_row(lane, y, out[first + lane])
        y = transform_lanes(radices, factors, mirrored, spare)
        for lane in range(count):
            if 0 < first + lane < n - first - lane:
                write_row(lane, y, out[n - first - lane])

"""Fast Fourier transforms by Stockham's algorithm (Cochran et al. 1967), and convolutions with an odd kernel.

Sixteen transforms are computed side by side, one in each lane of a vector. The order of all operations is fixed, so
that the bits are the same on every processor, which those of compiled libraries are not.
"""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.lanes import assume_no_aliasing, multiply_add, prefer_wide_vectors
from umap_sk.kernels.numbers import f4
from umap_sk.runtime.compile import kernel, parallel_kernel

TRANSFORM_LANES = 16  # transforms that are computed side by side
HALF_ROOT3 = f4(0.8660254037844386)
COSINES5 = f4(0.30901699437494745), f4(-0.8090169943749475)  # of 2 pi / 5 and of 4 pi / 5
SINES5 = f4(0.9510565162951535), f4(0.5877852522924731)


@kernel
def store_product(re, im, cosine, sine, q, out_re, out_im):
    """Write a complex number times (cosine - i sine)."""
    out_re[q] = multiply_add(im, sine, re * cosine)
    out_im[q] = multiply_add(-re, sine, im * cosine)


@kernel
def combine_2(parts, stride, cosines, sines, re, im, out_re, out_im):
    """Combine `count` pairs of numbers by transforms of length 2 and twiddle factors."""
    prefer_wide_vectors()
    assume_no_aliasing()
    count = stride * TRANSFORM_LANES
    gap = parts * count
    for p in range(parts):
        first = p * count
        to = p * 2 * count
        k = p * stride
        c = cosines[uint64(k)]
        s = sines[uint64(k)]
        for q in range(count):
            a = uint64(first + q)
            b = a + uint64(gap)
            y = uint64(to + q)
            out_re[y] = re[a] + re[b]
            out_im[y] = im[a] + im[b]
            store_product(re[a] - re[b], im[a] - im[b], c, s, y + uint64(count), out_re, out_im)


@kernel
def combine_3(parts, stride, cosines, sines, re, im, out_re, out_im):
    """Combine `count` triples of numbers by transforms of length 3 and twiddle factors."""
    prefer_wide_vectors()
    assume_no_aliasing()
    count = stride * TRANSFORM_LANES
    gap = parts * count
    for p in range(parts):
        first = p * count
        to = p * 3 * count
        k = p * stride
        c1, c2 = cosines[uint64(k)], cosines[uint64(2 * k)]
        s1, s2 = sines[uint64(k)], sines[uint64(2 * k)]
        for q in range(count):
            a = uint64(first + q)
            b = a + uint64(gap)
            c = b + uint64(gap)
            y = uint64(to + q)
            sum_re = re[b] + re[c]
            sum_im = im[b] + im[c]
            turned_re = HALF_ROOT3 * (im[b] - im[c])
            turned_im = HALF_ROOT3 * (re[c] - re[b])
            middle_re = multiply_add(f4(-0.5), sum_re, re[a])
            middle_im = multiply_add(f4(-0.5), sum_im, im[a])
            out_re[y] = re[a] + sum_re
            out_im[y] = im[a] + sum_im
            store_product(middle_re + turned_re, middle_im + turned_im, c1, s1, y + uint64(count), out_re, out_im)
            store_product(middle_re - turned_re, middle_im - turned_im, c2, s2, y + uint64(2 * count), out_re, out_im)


@kernel
def combine_4(parts, stride, cosines, sines, re, im, out_re, out_im):
    """Combine `count` quadruples of numbers by transforms of length 4 and twiddle factors."""
    prefer_wide_vectors()
    assume_no_aliasing()
    count = stride * TRANSFORM_LANES
    gap = parts * count
    for p in range(parts):
        first = p * count
        to = p * 4 * count
        k = p * stride
        c1, c2, c3 = cosines[uint64(k)], cosines[uint64(2 * k)], cosines[uint64(3 * k)]
        s1, s2, s3 = sines[uint64(k)], sines[uint64(2 * k)], sines[uint64(3 * k)]
        for q in range(count):
            a = uint64(first + q)
            b = a + uint64(gap)
            c = b + uint64(gap)
            d = c + uint64(gap)
            y = uint64(to + q)
            even_re = re[a] + re[c]
            even_im = im[a] + im[c]
            less_re = re[a] - re[c]
            less_im = im[a] - im[c]
            odd_re = re[b] + re[d]
            odd_im = im[b] + im[d]
            turned_re = im[b] - im[d]
            turned_im = re[d] - re[b]
            out_re[y] = even_re + odd_re
            out_im[y] = even_im + odd_im
            store_product(less_re + turned_re, less_im + turned_im, c1, s1, y + uint64(count), out_re, out_im)
            store_product(even_re - odd_re, even_im - odd_im, c2, s2, y + uint64(2 * count), out_re, out_im)
            store_product(less_re - turned_re, less_im - turned_im, c3, s3, y + uint64(3 * count), out_re, out_im)


@kernel
def combine_5(parts, stride, cosines, sines, re, im, out_re, out_im):
    """Combine `count` quintuples of numbers by transforms of length 5 and twiddle factors."""
    prefer_wide_vectors()
    assume_no_aliasing()
    count = stride * TRANSFORM_LANES
    gap = parts * count
    for p in range(parts):
        first = p * count
        to = p * 5 * count
        k = p * stride
        c1, c2, c3, c4 = cosines[uint64(k)], cosines[uint64(2 * k)], cosines[uint64(3 * k)], cosines[uint64(4 * k)]
        s1, s2, s3, s4 = sines[uint64(k)], sines[uint64(2 * k)], sines[uint64(3 * k)], sines[uint64(4 * k)]
        cosine1, cosine2 = COSINES5
        sine1, sine2 = SINES5
        for q in range(count):
            a = uint64(first + q)
            b = a + uint64(gap)
            c = b + uint64(gap)
            d = c + uint64(gap)
            e = d + uint64(gap)
            y = uint64(to + q)
            outer_re = re[b] + re[e]
            outer_im = im[b] + im[e]
            inner_re = re[c] + re[d]
            inner_im = im[c] + im[d]
            far_re = re[b] - re[e]
            far_im = im[b] - im[e]
            near_re = re[c] - re[d]
            near_im = im[c] - im[d]
            one_re = multiply_add(cosine2, inner_re, multiply_add(cosine1, outer_re, re[a]))
            one_im = multiply_add(cosine2, inner_im, multiply_add(cosine1, outer_im, im[a]))
            two_re = multiply_add(cosine1, inner_re, multiply_add(cosine2, outer_re, re[a]))
            two_im = multiply_add(cosine1, inner_im, multiply_add(cosine2, outer_im, im[a]))
            turned1_re = multiply_add(sine2, near_im, sine1 * far_im)
            turned1_im = -multiply_add(sine2, near_re, sine1 * far_re)
            turned2_re = multiply_add(-sine1, near_im, sine2 * far_im)
            turned2_im = -multiply_add(-sine1, near_re, sine2 * far_re)
            out_re[y] = re[a] + (outer_re + inner_re)
            out_im[y] = im[a] + (outer_im + inner_im)
            store_product(one_re + turned1_re, one_im + turned1_im, c1, s1, y + uint64(count), out_re, out_im)
            store_product(two_re + turned2_re, two_im + turned2_im, c2, s2, y + uint64(2 * count), out_re, out_im)
            store_product(two_re - turned2_re, two_im - turned2_im, c3, s3, y + uint64(3 * count), out_re, out_im)
            store_product(one_re - turned1_re, one_im - turned1_im, c4, s4, y + uint64(4 * count), out_re, out_im)


@kernel
def transform_lanes(plan, cosines, sines, re, im, spare_re, spare_im):
    """Return the transforms of all lanes, in two of the four given arrays. The others are overwritten."""
    n = cosines.shape[0]
    length = n
    stride = 1
    for radix in plan:
        parts = length // radix
        if radix == 4:
            combine_4(parts, stride, cosines, sines, re, im, spare_re, spare_im)
        elif radix == 2:
            combine_2(parts, stride, cosines, sines, re, im, spare_re, spare_im)
        elif radix == 3:
            combine_3(parts, stride, cosines, sines, re, im, spare_re, spare_im)
        else:
            combine_5(parts, stride, cosines, sines, re, im, spare_re, spare_im)
        re, spare_re = spare_re, re
        im, spare_im = spare_im, im
        length = parts
        stride *= radix
    return re, im


@kernel
def allocate_lanes(n, count):
    """Return an array of `count` x n x TRANSFORM_LANES numbers that begins with a line of the cache."""
    size = count * n * TRANSFORM_LANES
    block = np.empty(size + TRANSFORM_LANES, f4)
    skip = (-block.ctypes.data // 4) % TRANSFORM_LANES
    return block[skip : skip + size].reshape(count, n * TRANSFORM_LANES)


@kernel
def read_lanes(rows, low, lanes):
    """Write TRANSFORM_LANES columns from `low` on, and 0 for the missing rows."""
    assume_no_aliasing()
    prefer_wide_vectors()
    for i in range(rows.shape[0]):
        for lane in range(TRANSFORM_LANES):
            lanes[uint64(i * TRANSFORM_LANES + lane)] = rows[uint64(i), uint64(low + lane)]
    lanes[rows.shape[0] * TRANSFORM_LANES :] = f4(0)


@kernel
def write_lanes(lanes, low, rows):
    """Write TRANSFORM_LANES columns from `low` on."""
    assume_no_aliasing()
    prefer_wide_vectors()
    for i in range(rows.shape[0]):
        for lane in range(TRANSFORM_LANES):
            rows[uint64(i), uint64(low + lane)] = lanes[uint64(i * TRANSFORM_LANES + lane)]


@parallel_kernel
def transform_columns(plan, cosines, sines, re, im, out_re, out_im):
    """Write the first rows of the transforms of all columns, whose rows beyond those given are 0.

    The number of columns is a multiple of TRANSFORM_LANES.
    """
    for tile in prange(re.shape[1] // TRANSFORM_LANES):
        prefer_wide_vectors()
        x = allocate_lanes(cosines.shape[0], 4)
        read_lanes(re, tile * TRANSFORM_LANES, x[0])
        read_lanes(im, tile * TRANSFORM_LANES, x[1])
        y_re, y_im = transform_lanes(plan, cosines, sines, x[0], x[1], x[2], x[3])
        write_lanes(y_re, tile * TRANSFORM_LANES, out_re)
        write_lanes(y_im, tile * TRANSFORM_LANES, out_im)


@kernel
def unpack_row(lane, row_re, row_im, mirrored_re, mirrored_im, x_re, x_im):
    """Write one row of the transforms of real columns to a lane.

    Each column of the rows is the transform of one real column plus i times another one, half the columns further.
    """
    assume_no_aliasing()
    half = row_re.shape[0]
    for j in range(half):
        near = uint64(j * TRANSFORM_LANES + lane)
        far = near + uint64(half * TRANSFORM_LANES)
        x_re[near] = row_re[j] + mirrored_re[j]
        x_im[near] = row_im[j] - mirrored_im[j]
        x_re[far] = row_im[j] + mirrored_im[j]
        x_im[far] = mirrored_re[j] - row_re[j]


@kernel
def multiply_lanes(first, x_re, x_im, kernel_re, kernel_im, straight_re, straight_im, mirrored_re, mirrored_im):
    """Write the conjugate product of lanes and kernel, and the product of the reversed lanes and the kernel."""
    prefer_wide_vectors()
    assume_no_aliasing()
    n = kernel_re.shape[0]
    for k in range(n):
        reverse = (n - k) * TRANSFORM_LANES if k > 0 else 0
        for lane in range(TRANSFORM_LANES):
            c = kernel_re[uint64(k), uint64(first + lane)]
            s = kernel_im[uint64(k), uint64(first + lane)]
            q = uint64(k * TRANSFORM_LANES + lane)
            straight_re[q] = multiply_add(-x_im[q], s, x_re[q] * c)
            straight_im[q] = multiply_add(-x_re[q], s, -x_im[q] * c)
            r = uint64(reverse + lane)
            mirrored_re[q] = multiply_add(-x_im[r], s, x_re[r] * c)
            mirrored_im[q] = multiply_add(x_re[r], s, x_im[r] * c)


@kernel
def write_row(lane, lanes_re, lanes_im, row_re, row_im):
    """Write the first numbers of a lane."""
    assume_no_aliasing()
    for j in range(row_re.shape[0]):
        row_re[j] = lanes_re[uint64(j) * uint64(TRANSFORM_LANES) + uint64(lane)]
        row_im[j] = lanes_im[uint64(j) * uint64(TRANSFORM_LANES) + uint64(lane)]


@parallel_kernel
def convolve_rows(plan, cosines, sines, re, im, kernel_re, kernel_im, out_re, out_im):
    """Multiply the transforms of a real grid by those of an odd kernel, and transform the rows back.

    (re, im) are the transforms of the columns, as in `unpack_row`. The first component of the kernel minus i times the
    second one has the given transforms. The output is conjugate, so that a transform of its columns is the conjugate of
    the inverse one: the first component of the convolution plus i times the second one.
    """
    n = cosines.shape[0]
    n_rows = re.shape[0]
    for tile in prange((n_rows // 2 + TRANSFORM_LANES) // TRANSFORM_LANES):
        prefer_wide_vectors()
        first = tile * TRANSFORM_LANES
        count = min(TRANSFORM_LANES, n_rows // 2 + 1 - first)
        x = allocate_lanes(n, 8)
        x[0] = f4(0)
        x[1] = f4(0)
        for lane in range(count):
            k = first + lane
            mirrored = (n_rows - k) % n_rows
            unpack_row(lane, re[k], im[k], re[mirrored], im[mirrored], x[0], x[1])
        f_re, f_im = transform_lanes(plan, cosines, sines, x[0], x[1], x[2], x[3])
        multiply_lanes(first, f_re, f_im, kernel_re, kernel_im, x[4], x[5], x[6], x[7])
        s_re, s_im = transform_lanes(plan, cosines, sines, x[4], x[5], x[0], x[1])
        for lane in range(count):
            write_row(lane, s_re, s_im, out_re[first + lane], out_im[first + lane])
        m_re, m_im = transform_lanes(plan, cosines, sines, x[6], x[7], x[0], x[1])
        for lane in range(count):
            k = first + lane
            if 0 < k < n_rows - k:
                write_row(lane, m_re, m_im, out_re[n_rows - k], out_im[n_rows - k])

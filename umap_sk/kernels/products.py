"""Products of matrices in float32, in tiles of six rows and sixteen columns, each sum in the order of its terms.

Sixteen columns are a slice, which begins with the first numbers of all sixteen. Processors with 32 vector registers of
512 bits compute two tiles at once, which changes no sum.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from umap_sk.kernels.lanes import spread
from umap_sk.runtime.compile import kernel

TILE_ROWS, TILE_COLUMNS = 6, 16  # of a tile, whose sums fit into the registers of a core with vectors of 256 bits
TILE_VECTOR = ir.VectorType(ir.FloatType(), TILE_COLUMNS)


def tile_of_halves(rows, first, slices, at, half_rows, half_columns, out):
    """Write half the squared distances of six rows and the sixteen columns of a slice that begins at number `at`.

    Each is the sum of half the squared lengths minus the product. The product is summed in the order of the numbers.
    Each term and sum is rounded once.
    """
    width = rows.shape[1]
    columns = slices[at * width : (at + TILE_COLUMNS) * width].reshape(width, TILE_COLUMNS).astype(np.float64)
    sums = np.zeros((TILE_ROWS, TILE_COLUMNS), np.float32)
    for k in range(width):
        products = rows[first : first + TILE_ROWS, k : k + 1].astype(np.float64) * columns[k]
        sums = (products + sums).astype(np.float32)
    lengths = half_rows[first : first + TILE_ROWS, None] + half_columns[at : at + TILE_COLUMNS]
    out[first : first + TILE_ROWS, at : at + TILE_COLUMNS] = lengths - sums


def two_tiles_of_halves(rows, first, slices, at, half_rows, half_columns, out):
    """Write the half squared distances of two adjacent slices."""
    for start in (at, at + TILE_COLUMNS):
        tile_of_halves(rows, first, slices, start, half_rows, half_columns, out)


def _tiles_of_halves(count):
    """Return an intrinsic that computes some tiles, all at once if the processor has enough registers."""

    @intrinsic
    def computed(typing_context, rows, first, slices, at, half_rows, half_columns, out):
        def generate(context, builder, signature, arguments):
            numbers = [context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 2, 4, 5, 6)]
            wide = "+avx512f" in context.codegen().magic_tuple()[2]
            for tiles in [range(count)] if wide else [[tile] for tile in range(count)]:
                _generate_tiles(builder, numbers, arguments[1], arguments[3], tiles)
            return context.get_dummy_value()

        return types.void(rows, types.intp, slices, types.intp, half_rows, half_columns, out), generate

    return computed


def _generate_tiles(builder, numbers, first, at, tiles):
    """Generate a loop over the numbers of the rows, which sums their products with the columns of all tiles."""
    rows, slices, half_rows, half_columns, out = numbers
    kind = ir.FunctionType(TILE_VECTOR, [TILE_VECTOR] * 3)
    fused = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{TILE_COLUMNS}f32")
    width, columns = cgutils.unpack_tuple(builder, rows.shape)[1], cgutils.unpack_tuple(builder, out.shape)[1]
    at_row = [builder.add(first, first.type(r)) for r in range(TILE_ROWS)]
    at_tile = [builder.add(at, at.type(tile * TILE_COLUMNS)) for tile in tiles]
    sums = [
        [cgutils.alloca_once_value(builder, ir.Constant(TILE_VECTOR, [0.0] * TILE_COLUMNS)) for _ in at_tile]
        for _ in at_row
    ]
    lines = [builder.gep(rows.data, [builder.mul(row, width)]) for row in at_row]
    parts = [builder.gep(slices.data, [builder.mul(tile, width)]) for tile in at_tile]
    with cgutils.for_range(builder, width) as loop:
        loaded = [_load(builder, part, builder.mul(loop.index, width.type(TILE_COLUMNS))) for part in parts]
        for line, places in zip(lines, sums, strict=True):
            number = spread(builder, builder.load(builder.gep(line, [loop.index])), TILE_VECTOR)
            for column, place in zip(loaded, places, strict=True):
                builder.store(builder.call(fused, [number, column, builder.load(place)]), place)
    for tile, start in enumerate(at_tile):
        halves = _load(builder, half_columns.data, start)
        for row, places in zip(at_row, sums, strict=True):
            half = spread(builder, builder.load(builder.gep(half_rows.data, [row])), TILE_VECTOR)
            value = builder.fsub(builder.fadd(half, halves), builder.load(places[tile]))
            _store(builder, value, out.data, builder.add(builder.mul(row, columns), start))


def any_not_above(values, start, limit):
    """Return whether a number of the slice that begins at `start` is at most a limit."""
    return bool((values[start : start + TILE_COLUMNS] <= limit).any())


@intrinsic
def _any_not_above(typing_context, values, start, limit):
    def generate(context, builder, signature, arguments):
        numbers = _load(builder, context.make_array(values)(context, builder, arguments[0]).data, arguments[1])
        compared = builder.fcmp_ordered("<=", numbers, spread(builder, arguments[2], TILE_VECTOR))
        bits = builder.bitcast(compared, ir.IntType(TILE_COLUMNS))
        return builder.icmp_unsigned("!=", bits, bits.type(0))

    return types.boolean(values, types.intp, types.float32), generate


@overload(any_not_above)
def _compiled_any_not_above(values, start, limit):
    return lambda values, start, limit: _any_not_above(values, start, limit)  # type: ignore[call-arg]


def _vector_at(builder, data, index):
    return builder.bitcast(builder.gep(data, [index]), TILE_VECTOR.as_pointer())


def _load(builder, data, index):
    vector = builder.load(_vector_at(builder, data, index))
    vector.align = 4
    return vector


def _store(builder, vector, data, index):
    builder.store(vector, _vector_at(builder, data, index)).align = 4


_tile_of_halves, _two_tiles_of_halves = _tiles_of_halves(1), _tiles_of_halves(2)


@overload(tile_of_halves)
def _compiled_tile_of_halves(rows, first, slices, at, half_rows, half_columns, out):
    return lambda rows, first, slices, at, half_rows, half_columns, out: _tile_of_halves(
        rows, first, slices, at, half_rows, half_columns, out
    )


@overload(two_tiles_of_halves)
def _compiled_two_tiles_of_halves(rows, first, slices, at, half_rows, half_columns, out):
    return lambda rows, first, slices, at, half_rows, half_columns, out: _two_tiles_of_halves(
        rows, first, slices, at, half_rows, half_columns, out
    )


@kernel
def half_squared_distances(rows, halves, count, slices, columns, column_halves, out):
    """Write half the squared distances of the first rows and the columns in slices, from half their squared lengths.

    Rows, halves and `out` have room for a multiple of TILE_ROWS. `columns` is a multiple of TILE_COLUMNS.
    """
    pairs = columns - columns % (2 * TILE_COLUMNS)
    for at in range(0, pairs, 2 * TILE_COLUMNS):
        for first in range(0, count, TILE_ROWS):
            two_tiles_of_halves(rows, first, slices, at, halves, column_halves, out)
    if pairs < columns:
        for first in range(0, count, TILE_ROWS):
            tile_of_halves(rows, first, slices, pairs, halves, column_halves, out)

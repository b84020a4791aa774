"""Sums over vectors of fixed width, and fused multiplication and addition.

The compiler chooses neither the order of the sums nor the fused operations. The bits are therefore the same on every
processor.
"""

from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from umap_sk.runtime.threads import config

VECTOR_WIDTH = 8  # numbers of a vector. Two vectors are summed side by side.
LOOP_WIDTH = 2 * VECTOR_WIDTH
DOUBLE_TYPE, VECTOR_TYPE = ir.DoubleType(), ir.VectorType(ir.DoubleType(), VECTOR_WIDTH)


def squared_difference(row, other, scale, shift):
    """Return the sum of the squares of ``row - (other * scale - shift)`` in float64."""
    return sum_by_lanes((row - (np.asarray(other, np.float64) * scale - shift)) ** 2)


def inner_product(row, other, scale, shift):
    """Return the sum of ``row * (other * scale - shift)`` in float64."""
    return sum_by_lanes(row * (np.asarray(other, np.float64) * scale - shift))


def sum_by_lanes(terms):
    """Return the sums of numpy arrays along their last axis, in the order of the compiled sums."""
    whole = terms.shape[-1] - terms.shape[-1] % LOOP_WIDTH
    pairs = terms[..., :whole].reshape(*terms.shape[:-1], whole // LOOP_WIDTH, 2, VECTOR_WIDTH)
    total = np.zeros((*terms.shape[:-1], 2, VECTOR_WIDTH))
    for step in range(whole // LOOP_WIDTH):
        total += pairs[..., step, :, :]
    lanes = total[..., 0, :] + total[..., 1, :]
    while lanes.shape[-1] > 1:
        half = lanes.shape[-1] // 2
        lanes = lanes[..., :half] + lanes[..., half:]
    sums = lanes[..., 0]
    for t in range(whole, terms.shape[-1]):
        sums = sums + terms[..., t]
    return sums


@intrinsic
def _multiply_add(typing_context, a, b, c):
    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


@intrinsic
def _prefer_wide_vectors(typing_context):
    def generate(context, builder, signature, arguments):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # llvmlite's own method knows no such name
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def _assume_no_aliasing(typing_context):
    def generate(context, builder, signature, arguments):
        for argument in builder.function.args:
            if argument.name.startswith("arg.") and argument.name.endswith(".4"):  # the data of an array
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), generate


def _multiply_add_in_python(a, b, c):
    """Round the product and the sum of float64, which is the fused result but for one in 2**29 roundings."""
    return np.float32(float(a) * float(b) + float(c))


def _do_nothing():
    """Stand in for the requests below in uncompiled kernels."""


multiply_add: Callable[..., np.float32] = _multiply_add_in_python if config.DISABLE_JIT else _multiply_add
"""Return ``a * b + c`` in float32, rounded once, by one instruction of the processor."""

prefer_wide_vectors: Callable[[], None] = _do_nothing if config.DISABLE_JIT else _prefer_wide_vectors  # type: ignore[assignment]
"""Let the compiler use vectors of 512 bits in the function that calls this, if the processor has them.

By default, LLVM uses half of their width. The width changes no result, since sums are never reordered. An overload
would be compiled as a function of its own, which would get the attribute instead of the caller.
"""

assume_no_aliasing: Callable[[], None] = _do_nothing if config.DISABLE_JIT else _assume_no_aliasing  # type: ignore[assignment]
"""Promise that no two arrays given to the calling function share memory, like ``restrict`` in C.

The compiler can then have sums in registers throughout a loop. Rows of one array must be arguments of their own.
"""


def _sum_over_lanes(term):
    """Return an intrinsic that sums `term` of each number of a row and of another row, which is scaled and shifted."""

    @intrinsic
    def summed(typing_context, row, other, scale, shift):
        def generate(context, builder, signature, arguments):
            return _generate_sum(term, context, builder, signature, arguments)

        return types.float64(row, other, types.float64, types.float64), generate

    return summed


def _generate_sum(term, context, builder, signature, arguments):
    """Generate a loop over two vectors at a time, the sum of their lanes, and a loop over the remaining numbers."""
    arrays = [context.make_array(signature.args[i])(context, builder, arguments[i]) for i in range(2)]
    count = cgutils.unpack_tuple(builder, arrays[0].shape)[0]
    whole = builder.mul(builder.udiv(count, count.type(LOOP_WIDTH)), count.type(LOOP_WIDTH))

    def load(which, index, kind):
        pointer = builder.gep(arrays[which].data, [index])
        element = context.get_value_type(signature.args[which].dtype)
        if kind is VECTOR_TYPE:
            pointer = builder.bitcast(pointer, ir.VectorType(element, VECTOR_WIDTH).as_pointer())
        value = builder.load(pointer)
        value.align = 4 if element == ir.FloatType() else 8
        return builder.fpext(value, kind) if element == ir.FloatType() else value

    def next_term(index, kind, scale, shift):
        scaled = builder.fsub(builder.fmul(load(1, index, kind), scale), shift)
        return term(builder, load(0, index, kind), scaled)

    scale_and_shift = [spread(builder, argument, VECTOR_TYPE) for argument in arguments[2:]]
    sums = [cgutils.alloca_once_value(builder, ir.Constant(VECTOR_TYPE, [0.0] * VECTOR_WIDTH)) for _ in range(2)]
    with cgutils.for_range_slice(builder, count.type(0), whole, count.type(LOOP_WIDTH)) as (index, _):
        for half, place in enumerate(sums):
            value = next_term(builder.add(index, count.type(half * VECTOR_WIDTH)), VECTOR_TYPE, *scale_and_shift)
            builder.store(builder.fadd(builder.load(place), value), place)
    lanes = builder.fadd(builder.load(sums[0]), builder.load(sums[1]))
    total = cgutils.alloca_once_value(builder, _sum_of_lanes(builder, lanes))
    with cgutils.for_range_slice(builder, whole, count, count.type(1)) as (index, _):
        value = next_term(index, DOUBLE_TYPE, *arguments[2:])
        builder.store(builder.fadd(builder.load(total), value), total)
    return builder.load(total)


def spread(builder, number, vector_type):
    """Return a vector with one number in all lanes."""
    undefined = ir.Constant(vector_type, ir.Undefined)
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), vector_type.count), [0] * vector_type.count)
    return builder.shuffle_vector(builder.insert_element(undefined, number, ir.IntType(32)(0)), undefined, lanes)


def _sum_of_lanes(builder, vector):
    """Add the two halves of the lanes until one is left."""
    parts = [builder.extract_element(vector, ir.IntType(32)(lane)) for lane in range(VECTOR_WIDTH)]
    while len(parts) > 1:
        half = len(parts) // 2
        parts = [builder.fadd(parts[i], parts[half + i]) for i in range(half)]
    return parts[0]


def _square_of_difference(builder, row, other):
    difference = builder.fsub(row, other)
    return builder.fmul(difference, difference)


_squared_difference = _sum_over_lanes(_square_of_difference)
_inner_product = _sum_over_lanes(lambda builder, row, other: builder.fmul(row, other))


@overload(squared_difference)
def _compiled_squared_difference(row, other, scale, shift):
    return lambda row, other, scale, shift: _squared_difference(row, other, scale, shift)


@overload(inner_product)
def _compiled_inner_product(row, other, scale, shift):
    return lambda row, other, scale, shift: _inner_product(row, other, scale, shift)

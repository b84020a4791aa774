"""Blocks of rows that are shared among threads. A thread has its own blocks, and then takes blocks of others.

Rows differ in length, and a core may be busy with something else. The choice of the thread changes no bit.
"""

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from umap_sk.runtime.compile import END, LINE, NEXT, kernel


def get_thread_count():
    """Return the number of threads of a parallel loop."""
    return numba.get_num_threads()


def take_block(turns, thread):
    """Return the next of a thread's blocks, and count it in one atomic step."""
    turns[thread, NEXT] += 1
    return int(turns[thread, NEXT]) - 1


@intrinsic
def _get_thread_count(typing_context):
    def generate(context, builder, signature, arguments):
        function = ir.FunctionType(ir.IntType(64), [])
        return builder.call(cgutils.get_or_insert_function(builder.module, function, "get_num_threads"), [])

    return types.int64(), generate


@intrinsic
def _take_block(typing_context, turns, thread):
    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = [arguments[1], context.get_constant(types.intp, NEXT)]
        pointer = cgutils.get_item_pointer(context, builder, signature.args[0], array, place)
        return builder.atomic_rmw("add", pointer, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(turns, types.intp), generate


@overload(get_thread_count)
def _compiled_get_thread_count():
    return lambda: _get_thread_count()  # type: ignore[call-arg]


@overload(take_block)
def _compiled_take_block(turns, thread):
    return lambda turns, thread: _take_block(turns, thread)  # type: ignore[call-arg]


@kernel
def divide_blocks(n_blocks):
    """Return, for each thread, its next block and the end of its blocks."""
    threads = get_thread_count()
    turns = np.empty((threads, LINE), np.int64)  # other columns are never read
    for thread in range(threads):
        turns[thread, NEXT] = thread * n_blocks // threads
        turns[thread, END] = (thread + 1) * n_blocks // threads
    return turns


@kernel
def next_block(turns, thread):
    """Return a block that no thread has taken, of the thread itself or of another, or -1 if all are taken."""
    threads = turns.shape[0]
    for step in range(threads):
        other = (thread + step) % threads
        if turns[other, NEXT] < turns[other, END]:
            block = take_block(turns, other)
            if block < turns[other, END]:
                return block
    return -1

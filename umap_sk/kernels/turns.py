"""Blocks of rows shared out to threads: each has blocks of its own, and takes over others' when these are done.

Rows differ in length, and a core may be busy with something else; which thread computes a block decides no bit of it.
"""

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from umap_sk.runtime.compile import END, LINE, NEXT, kernel


def threads_in_force():
    """Threads that a parallel loop runs on."""
    return numba.get_num_threads()


def take(turns, thread):
    """The next of a thread's blocks, counted up in one step that no other thread can come between."""
    turns[thread, NEXT] += 1
    return int(turns[thread, NEXT]) - 1


@intrinsic
def _threads_in_force(typing_context):
    def generate(context, builder, signature, arguments):
        function = ir.FunctionType(ir.IntType(64), [])
        return builder.call(cgutils.get_or_insert_function(builder.module, function, "get_num_threads"), [])

    return types.int64(), generate


@intrinsic
def _take(typing_context, turns, thread):
    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = [arguments[1], context.get_constant(types.intp, NEXT)]
        pointer = cgutils.get_item_pointer(context, builder, signature.args[0], array, place)
        return builder.atomic_rmw("add", pointer, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(turns, types.intp), generate


@overload(threads_in_force)
def _compiled_threads_in_force():
    return lambda: _threads_in_force()  # type: ignore[call-arg]


@overload(take)
def _compiled_take(turns, thread):
    return lambda turns, thread: _take(turns, thread)  # type: ignore[call-arg]


@kernel
def shared_out(n_blocks):
    """A row a thread: its next block, and where its blocks end."""
    threads = threads_in_force()
    turns = np.empty((threads, LINE), np.int64)  # what lies between is never read
    for thread in range(threads):
        turns[thread, NEXT] = thread * n_blocks // threads
        turns[thread, END] = (thread + 1) * n_blocks // threads
    return turns


@kernel
def next_block(turns, thread):
    """A block that nobody has taken, of the thread's own or else of another's; -1 when all are taken."""
    threads = turns.shape[0]
    for step in range(threads):
        other = (thread + step) % threads
        if turns[other, NEXT] < turns[other, END]:
            block = take(turns, other)
            if block < turns[other, END]:
                return block
    return -1

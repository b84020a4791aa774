"""Arrays without reference counts.

Compiled code counts the references to an array whenever a function takes it or a part of it. All threads share this
count, so they wait for each other in functions of a few hundred nanoseconds. The caller of a kernel keeps a reference
to its arguments until the kernel ends.
"""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload


def borrow(arrays):
    """Return an array, or a named tuple of arrays. In compiled code, their references are not counted."""
    return arrays


@intrinsic
def _borrow(typing_context, arrays):
    def uncounted(context, builder, kind, value):
        if not isinstance(kind, types.Array):
            return value
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        return array._getvalue()

    def generate(context, builder, signature, arguments):
        kind, value = signature.return_type, arguments[0]
        if isinstance(kind, types.Array):
            return uncounted(context, builder, kind, value)
        parts = zip(kind, cgutils.unpack_tuple(builder, value), strict=True)
        return context.make_tuple(builder, kind, [uncounted(context, builder, *part) for part in parts])

    return arrays(arrays), generate


@overload(borrow)
def _compiled_borrow(arrays):
    return lambda arrays: _borrow(arrays)  # type: ignore[call-arg]

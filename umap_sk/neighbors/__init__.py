"""Neighbors: from features, arrays or graphs that were given to rows of indices and distances, checked and counted.

It imports runtime and kernels.
"""

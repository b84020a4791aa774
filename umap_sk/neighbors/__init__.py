"""Neighbors: from features, arrays or graphs to rows of indices and distances, validated and counted.

It imports runtime and kernels.
"""

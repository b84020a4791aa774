"""Neighbors: from features, arrays or graphs to validated rows of indices and distances.

This folder imports runtime and kernels.
"""

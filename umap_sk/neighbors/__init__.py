"""Neighbors: from features, arrays or graphs to validated rows of indices and distances."""

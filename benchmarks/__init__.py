"""Benchmarks of umap_sk: data sets, a judge of embeddings, the competitors, and commands that measure time, memory
and quality.

Run from the repository's root, for example ``python -m benchmarks.compare --set digits``.
"""

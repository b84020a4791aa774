"""The fuzzy graph: from rows of neighbors to membership strengths, and the manifold that keeps them.

It imports neighbors and what is below.
"""

"""The fuzzy graph: membership strengths of rows of neighbors, and the manifold that contains them.

This folder imports neighbors and the folders below it.
"""

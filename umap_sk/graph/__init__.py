"""The fuzzy graph: membership strengths of rows of neighbors, and the manifold that contains them."""

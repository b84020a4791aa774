"""A class with the names and defaults of umap-learn's, which calls the estimator."""

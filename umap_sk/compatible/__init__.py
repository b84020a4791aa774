"""umap-learn's class, with its names and defaults. It calls the estimator."""

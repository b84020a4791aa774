"""umap-learn's class, by its names and with its defaults, over the estimator."""

"""Names of umap-learn and cuML, and conversion of fitted models of umap-learn."""

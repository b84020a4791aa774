"""Functions and classes that other packages call, under umap-learn's names."""

"""What other packages call of umap-learn, by its names, over this package."""

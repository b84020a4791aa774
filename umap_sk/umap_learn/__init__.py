"""What umap-learn and cuML call things that have other names here, and fitted models of umap-learn."""

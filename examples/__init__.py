"""Programs to run and to copy from; ``python -m examples.demo`` from the repository's root."""

"""Times from commit to commit, by pytest-benchmark; not among the tests."""

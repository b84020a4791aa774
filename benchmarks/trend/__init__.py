"""Times of commits, measured by pytest-benchmark. They do not belong to the tests."""

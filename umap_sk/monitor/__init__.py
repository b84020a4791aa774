"""Monitoring of a run: progress, callbacks, and the report of its phases."""

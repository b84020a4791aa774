"""Runs on disk: their files, names and locks, and how a fit resumes from a checkpoint."""

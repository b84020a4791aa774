"""Runs on disk: their files, names and locks, and how a fit resumes from a checkpoint.

This folder imports monitor, layout and what is below layout.
"""

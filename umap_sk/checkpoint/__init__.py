"""Runs on disk: what is kept, where, under which name, and how a run goes on.

It imports layout and what is below, and monitor.
"""

"""Plans of a run before it begins: memory, disk space and time.

This folder imports layout, the folders below it, and units.
"""

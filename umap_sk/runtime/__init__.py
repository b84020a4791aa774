"""Services of the machine: compiled functions, threads, arrays in memory or in files, and files written atomically.

This folder imports nothing of the package but its exceptions.
"""

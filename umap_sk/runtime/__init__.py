"""What the package needs of the machine: compiled functions, threads, arrays in memory or in files, whole files.

It imports nothing of the package but its exceptions.
"""

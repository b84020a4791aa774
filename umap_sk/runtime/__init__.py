"""Services of the machine: compiled functions, threads, arrays in memory or in files, and files written atomically."""

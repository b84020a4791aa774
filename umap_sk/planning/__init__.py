"""Plans of a run before it begins: memory, disk space and time."""

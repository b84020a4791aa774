"""What a run will need, before it begins: memory, room on disk, time. It imports layout, what is below, and units."""

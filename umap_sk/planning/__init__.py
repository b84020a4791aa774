"""What a run will need, before it begins: memory, room on disk, time. It imports layout and what is below."""

"""What pictures and pages share: where the rows of a map are, their classes, and the classes' colors."""

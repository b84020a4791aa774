"""Appearance of maps in pictures and pages: positions of the rows, their classes and colors."""

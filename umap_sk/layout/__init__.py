"""The layout: coarse graphs, an initial layout and the epochs of a schedule turn a graph into positions."""

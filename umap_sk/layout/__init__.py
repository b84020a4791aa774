"""The layout: from a graph to coordinates, over coarser graphs, a start and epochs of a schedule.

It imports graph and what is below.
"""

"""Pictures of maps: points, edges, figures of quality as colors, films.

Matplotlib is needed, and loaded when something is drawn. Nothing else of the package imports it.
"""

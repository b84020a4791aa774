"""The steps of a fit as pure functions, which the estimators call, and which work without an estimator.

``settings_of`` converts parameters to settings. ``read_inputs`` validates the arguments of a call. ``learn`` learns the
graph, and ``lay_out`` computes the map. ``place`` places new rows in the map, and ``grow`` adds rows to graph and map.
"""

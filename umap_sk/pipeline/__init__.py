"""The steps of a fit as functions from value to value, which the estimators call and which need none.

``settings_of`` makes settings of parameters, ``read_given`` reads what a call was given, ``learn`` makes a graph of it,
``lay_out`` a map of the graph, ``place`` places new rows in the map, and ``grow`` takes more rows into both.
"""

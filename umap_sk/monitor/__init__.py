"""What is told of a run while it goes on and after: progress, callbacks, the report of its phases.

It imports runtime.
"""

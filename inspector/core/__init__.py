"""Events, the columnar event log, and the folds that derive a session's state from events.

Pure and synchronous: nothing here reads a clock, touches the disk or draws.
"""

"""A brain without a model, one file per subject; tables and pure functions, bounded on hostile text. ``brain`` is the way in."""

"""What the simulated model knows and can do, one file per subject; tables and pure functions, bounded on hostile text."""

"""Measures shared by all screens: the refresh rate, and the sizes that change how much is shown or checked."""

from __future__ import annotations

TICK_HZ = 15
"""How often a screen checks for changes."""
NARROW_COLUMNS = 100
"""Terminals narrower than this have no room for a second pane or for explanations."""
LARGE_TEXT = 64_000
"""Texts with more characters than this are checked when they are accepted or sent, not on every key."""
EXPLAINS_FROM = 30
"""Lines of a table's pane from which on the number under the cursor is explained without being asked for."""

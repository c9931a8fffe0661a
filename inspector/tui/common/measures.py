"""What the rooms of the screen agree on: how often they look, and from which sizes on they do less."""

from __future__ import annotations

TICK_HZ = 15
"""How often a screen looks whether anything changed."""
NARROW_COLUMNS = 100
"""Below this there is no room for a second pane, or for what only explains."""
LARGE_TEXT = 64_000
"""Characters above which a text is not checked on every key, only when it is accepted or asked to be sent."""

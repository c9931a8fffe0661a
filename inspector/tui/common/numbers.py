"""Numbers as users type them."""

from __future__ import annotations

import math


def seconds_in(text: str) -> float:
    """Return the number of seconds that a text holds.

    Raises:
        ValueError: it holds none, or an infinite one; says how to write it.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("Expected seconds, e.g. 12.5")
    return number

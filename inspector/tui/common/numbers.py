"""Parsing of numbers that users type."""

from __future__ import annotations

import math


def seconds_in(text: str) -> float:
    """Return the number of seconds written in a text.

    Raises:
        ValueError: the text is not a finite number; the message shows an example.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("Expected seconds, e.g. 12.5")
    return number

"""Runs of combining marks, bounded: a hundred on one letter ("Zalgo") would be drawn over the lines above and below."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

MOST_MARKS = 8
"""On one letter. Vietnamese has two, pointed Hebrew with its accents four, Tibetan and Burmese up to seven."""
# No mark is a word character or below U+0300, so a pattern without a table of the 2,400 marks finds every run.
_CANDIDATE = re.compile(rf"[^\x00-\u02ff\w]{{{MOST_MARKS + 1},}}")
JOINERS = "\u200c\u200d"
"""They begin no letter of their own: a mark behind one goes on top of the letter before (UAX 29, GB9)."""


def bounded(text: str, escape: Callable[[str], str]) -> str:
    """Return a text with every mark past ``MOST_MARKS`` on one letter escaped."""

    def shown(found: re.Match[str]) -> str:
        marks = 0
        characters = []
        for character in found.group():
            if unicodedata.category(character)[0] == "M":
                marks += 1
            elif character not in JOINERS:
                marks = 0
            characters.append(escape(character) if marks > MOST_MARKS else character)
        return "".join(characters)

    return _CANDIDATE.sub(shown, text)

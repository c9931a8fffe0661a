"""Limit on combining marks per letter: a hundred of them ("Zalgo" text) would be drawn over the lines above and below."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

MOST_MARKS = 8
"""Marks allowed on one letter. Vietnamese needs two, pointed Hebrew with accents four, Tibetan and Burmese up to seven."""
# Marks are never word characters and start at U+0300, so this pattern finds every run without a table of the 2,400 marks.
_CANDIDATE = re.compile(rf"[^\x00-\u02ff\w]{{{MOST_MARKS + 1},}}")
JOINERS = "\u200c\u200d"
"""They do not begin a new letter: a mark after one is drawn on the letter before (UAX 29, rule GB9)."""


def bounded(text: str, escape: Callable[[str], str]) -> str:
    """Return a text in which every mark beyond ``MOST_MARKS`` on one letter is escaped."""

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

"""The filter terms that search the text of a frame: plain text and regular expressions."""

# ruff: noqa: D102 - the protocol Term documents the methods of all terms

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from inspector.analysis.event_facts import Facts
from inspector.analysis.terms import Need

if TYPE_CHECKING:
    import regex

    from inspector.analysis.columns import Columns
    from inspector.analysis.terms import Bounds

FIRST_TIMEOUT_S, MIN_TIMEOUT_S = 0.02, 0.001
"""The first and the shortest timeout of a pattern: the delay that a filter may cause to a frame in the proxy, or to a key."""
PER_CHARACTER_S = 1e-7
"""Additional timeout for each character; a well-behaved pattern needs a tenth of it."""


class _OfText:
    """A term that cannot be decided by columns: any row may match."""

    @property
    def needs(self) -> Need:
        return Need.NOTHING

    def bounds(self, columns: Columns) -> Bounds:
        return columns.none(), columns.all()


@dataclass(frozen=True)
class ContainsText(_OfText):
    """The frame contains a text; case is ignored.

    The JSON-escaped forms of the text are searched too, so that a search for ``é`` also finds its ``u00e9`` escape.
    """

    needle: str

    @cached_property
    def _forms(self) -> tuple[bytes, ...]:
        raw = self.needle.lower().encode("utf-8", "replace")
        escaped = json.dumps(self.needle)[1:-1].lower().encode()
        bare = json.dumps(self.needle, ensure_ascii=False)[1:-1].lower().encode("utf-8", "replace")
        return tuple(dict.fromkeys((raw, escaped, bare)))

    def test(self, facts: Facts) -> bool:
        lowered = facts.lowered
        for form in self._forms:
            if form in lowered:
                return True
        if self.needle.isascii():
            return False
        # ``lowered`` has only its ASCII letters in lower case, so other letters need the slower decoding.
        return self.needle.lower() in facts.text.decode("utf-8", "replace").lower()


class Patience:
    """The timeout of a pattern for one frame. It is halved each time it runs out, so that a screen or proxy stays responsive."""

    def __init__(self) -> None:
        self._left_s = FIRST_TIMEOUT_S
        self.has_run_out = False
        """True once it has run out."""

    def for_text(self, text: str) -> float:
        """Return the timeout for one text, in seconds."""
        return self._left_s + len(text) * PER_CHARACTER_S

    def run_out(self) -> None:
        """Halve the timeout after it ran out."""
        self.has_run_out = True
        self._left_s = max(MIN_TIMEOUT_S, self._left_s / 2)


@dataclass(frozen=True)
class Regex(_OfText):
    """The frame contains a match of a regular expression; case is ignored. A frame that takes too long counts as no match."""

    pattern: str
    """The pattern as written in the filter, with each ``~`` escaped."""
    patience: Patience = field(default_factory=Patience, compare=False)
    """The timeout, shared by all frames."""

    @cached_property
    def _compiled(self) -> regex.Pattern[str]:
        # The standard library's ``re`` has no timeout. Imported here because only filters with a pattern need it.
        import regex

        return regex.compile(self.pattern, regex.IGNORECASE)

    def check(self) -> None:
        """Raise ``regex.error`` if the pattern is invalid."""
        _ = self._compiled

    def test(self, facts: Facts) -> bool:
        text = facts.text.decode("utf-8", "replace")
        try:
            return self._compiled.search(text, timeout=self.patience.for_text(text)) is not None
        except TimeoutError:
            self.patience.run_out()
            return False

"""The terms of a filter that only the text of a frame decides."""

# ruff: noqa: D102 - the protocol Term says what each method of a term does

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from inspector.analysis.event_facts import Facts

if TYPE_CHECKING:
    import regex

    from inspector.analysis.columns import Columns
    from inspector.analysis.terms import Bounds

ID_KEYS = {
    "item": ("item_", "item_id|previous_item_id|approval_request_id|id"),
    "resp": ("resp_", "response_id|id"),
    "call": ("call_", "call_id"),
}
"""Field of the filter → how such ids begin, and the JSON keys that hold them."""

MOST_PATIENCE_S, LEAST_PATIENCE_S = 0.02, 0.001
"""For the first frame that a pattern does not get done with, and for the last: what a proxy may hold a frame up, or a key wait."""
CHARACTER_S = 1e-7
"""More for every character: a sound pattern needs a tenth of it."""


class _OfText:
    """A term that only the frame's text decides."""

    @property
    def needs_turns(self) -> bool:
        return False

    def bounds(self, columns: Columns) -> Bounds:
        return columns.none(), columns.all()


@dataclass(frozen=True)
class ContainsText(_OfText):
    """The frame contains a text, upper and lower case alike.

    The text is also looked for as JSON would escape it, so that a search for ``é`` finds its ``u00e9`` escape.
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
        return self.needle.lower() in facts.text.decode("utf-8", "replace").lower()


class Patience:
    """How long a pattern may take for one frame. It gets less each time that runs out, so that a screen or proxy goes on."""

    def __init__(self) -> None:
        self._left_s = MOST_PATIENCE_S
        self.is_tried = False
        """Whether it has run out yet."""

    def for_text(self, text: str) -> float:
        """Return the seconds of processor time for one text."""
        return self._left_s + len(text) * CHARACTER_S

    def run_out(self) -> None:
        """Take note that it was too short."""
        self.is_tried = True
        self._left_s = max(LEAST_PATIENCE_S, self._left_s / 2)


@dataclass(frozen=True)
class Regex(_OfText):
    """A regular expression is found in the frame, upper and lower case alike; what takes too long to tell is no match."""

    pattern: str
    """As it was written: a ``~`` in it is escaped."""
    patience: Patience = field(default_factory=Patience, compare=False)
    """Of all frames together."""

    @cached_property
    def _compiled(self) -> regex.Pattern[str]:
        # The standard library's ``re`` cannot be stopped. Here, so that no screen loads it that has no such filter.
        import regex

        return regex.compile(self.pattern, regex.IGNORECASE)

    def check(self) -> None:
        """Raise ``regex.error`` where the pattern is none."""
        _ = self._compiled

    def test(self, facts: Facts) -> bool:
        text = facts.text.decode("utf-8", "replace")
        try:
            return self._compiled.search(text, timeout=self.patience.for_text(text)) is not None
        except TimeoutError:
            self.patience.run_out()
            return False


@dataclass(frozen=True)
class IdIs(_OfText):
    """The frame is about, or asks for, something whose id begins so, with or without its ``item_``, ``resp_`` or ``call_``."""

    field: str
    prefix: str

    @cached_property
    def _compiled(self) -> re.Pattern[bytes]:
        start, keys = ID_KEYS[self.field]
        wanted = re.escape(self.prefix.encode("utf-8", "replace"))
        return re.compile(rb'"(?:%b)"\s*:\s*"(?:%b)?%b' % (keys.encode(), start.encode(), wanted))

    def test(self, facts: Facts) -> bool:
        # The pattern finds every candidate without decoding; only the decoded event tells whose id it is. An error has ids
        # in its message.
        if facts.type != "error" and self._compiled.search(facts.text) is None:
            return False
        starts = (self.prefix, ID_KEYS[self.field][0] + self.prefix)
        found: frozenset[str] = getattr(facts.ids, self.field)
        return any(named.startswith(starts) for named in found)

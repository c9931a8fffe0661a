"""Event types as small integer codes, with the flags and the folding rule that the log needs for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inspector.spec.events import EVENT_TYPES

MAX_KINDS = 65_535
"""Codes are stored in 16 bits. Further types, which only a hostile server invents, share the last code in the log's columns."""


@dataclass(frozen=True, slots=True)
class EventKind:
    """One event type, as the columnar log sees it."""

    name: str
    """The event type."""
    flags: int
    """``FLAG_ERROR`` or ``FLAG_WARNING`` if the type alone implies it."""
    fold: str
    """``part``: deltas of one content part fold together; ``track``: those of one track, up to a pause; ``run``: consecutive
    events fold; ``""``: never folds. Errors are ``part``, keyed by their content, but fold only if consecutive."""


class KindTable:
    """A growing table of the event types seen in one log."""

    def __init__(self) -> None:
        self._kinds: list[EventKind] = []
        self._codes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    def __getitem__(self, code: int) -> EventKind:
        return self._kinds[code]

    def code(self, name: str) -> int:
        """Return the code of a type, assigning the next one to a new type."""
        code = self._codes.get(name)
        if code is None:
            if len(self._kinds) >= MAX_KINDS:  # rather than raise on what a server sends
                return MAX_KINDS - 1
            code = self._codes[name] = len(self._kinds)
            self._kinds.append(kind_of(name))
        return code

    def names(self) -> list[str]:
        """Return the types in the order of their codes."""
        return [kind.name for kind in self._kinds]

    def matching(self, predicate: Callable[[str], bool]) -> list[int]:
        """Return the codes of the types for which ``predicate(name)`` holds."""
        return [code for code, kind in enumerate(self._kinds) if predicate(kind.name)]


# FLAG_ERROR and FLAG_WARNING of log.py, which imports this module.
_FLAGS = {"error": 1, "warning": 2, "": 0}
APPENDS = frozenset(
    {"input_audio_buffer.append", "session.input_audio_buffer.append", "session.input_audio.append"}
)
"""What carries the user's sound; the server answers none of them."""
REPEATED = frozenset({"error"})
"""Types that fold with consecutive events of the same content."""
_TRACKS = frozenset(
    {
        "session.input_transcript.delta",
        "session.output_transcript.delta",
        "session.output_audio.delta",
    }
)
"""Deltas of translation and GPT-Live sessions, which have one track of each type and no items."""


def kind_of(name: str) -> EventKind:
    """Return the kind of a type from the event table; an unknown type never folds and carries no flags."""
    known = EVENT_TYPES.get(name)
    if known is None:
        return EventKind(name, 0, "run" if name in APPENDS else "")
    if name in _TRACKS:
        return EventKind(name, _FLAGS[known.severity], "track")
    fold = "part" if known.is_delta or name in REPEATED else "run" if name in APPENDS else ""
    return EventKind(name, _FLAGS[known.severity], fold)

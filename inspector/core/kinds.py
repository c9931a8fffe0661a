"""Event types as small integers, each with what the log must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inspector.spec.events import EVENT_TYPES

MAX_KINDS = 65_535
"""Types are stored in 16 bits; a server that invents more shares the last code, and its rows tell their own type."""


@dataclass(frozen=True, slots=True)
class EventKind:
    """What the columnar log knows of one event type."""

    name: str
    """The event type."""
    flags: int
    """``FLAG_ERROR`` or ``FLAG_WARNING`` where the type alone says so."""
    fold: str
    """``part``: deltas of one content part fold together; ``track``: those of one track, up to a pause; ``run``:
    neighbours fold; ``""``: never folds. Errors are of ``part`` by what they say, but fold with neighbours only."""


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
        """Return the code of a type, giving it one at first sight."""
        code = self._codes.get(name)
        if code is None:
            if len(self._kinds) >= MAX_KINDS:
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


_FLAGS = {"error": 1, "warning": 2, "": 0}
_APPENDS = frozenset(
    {"input_audio_buffer.append", "session.input_audio_buffer.append", "session.input_audio.append"}
)
REPEATED = frozenset({"error"})
"""Types that fold with neighbours that say the very same."""
_TRACKS = frozenset(
    {
        "session.input_transcript.delta",
        "session.output_transcript.delta",
        "session.output_audio.delta",
    }
)
"""Deltas of translation and GPT-Live: the session has one track of each, and no items."""


def kind_of(name: str) -> EventKind:
    """Look a type up in the event table; an unknown type never folds and is no error."""
    known = EVENT_TYPES.get(name)
    if known is None:
        return EventKind(name, 0, "run" if name in _APPENDS else "")
    if name in _TRACKS:
        return EventKind(name, _FLAGS[known.severity], "track")
    fold = "part" if known.is_delta or name in REPEATED else "run" if name in _APPENDS else ""
    return EventKind(name, _FLAGS[known.severity], fold)

"""What importers find in a foreign file: frames, and the beginning and end of connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

from inspector.core.event import Direction
from inspector.importing.moments import FoundTime
from inspector.importing.source_file import SourceFile


class FrameOpcode(IntEnum):
    """Opcodes of RFC 6455 section 5.2 that importers read."""

    TEXT = 1
    BINARY = 2
    CLOSE = 8


@dataclass(slots=True)
class FoundFrame:
    """A frame in a foreign file."""

    data: bytes
    """The payload: verbatim where the file has it verbatim, else rendered as JSON."""
    type: str
    """The event's type; ``""`` if it is missing."""
    body: Mapping[str, Any] | None
    """The decoded payload; None if it is not a JSON object that can be decoded."""
    line: int
    """Line of the file on which it begins, from 1; 0 if unknown."""
    direction: Direction | None = None
    """The direction that the file states; None if it must be inferred."""
    is_absolute: bool = False
    """True if the direction names a side (``server``) rather than a way (``received``), which depends on who logs."""
    time: FoundTime | None = None
    """The time that the file states; None if it has none."""
    is_elided: bool = False
    """True if a part of the payload was cut out before the file was written."""
    is_text: bool = True
    """False for a binary frame."""
    gist: bytes | None = None
    """The part of the payload that may hold secrets; None for all of it."""


@dataclass(frozen=True, slots=True)
class FoundOpening:
    """The handshake of a connection."""

    url: str
    """As in the file; it may contain secrets."""
    status: int | None
    """HTTP status of the response; None if unknown."""
    request_headers: Sequence[tuple[str, str]]
    response_headers: Sequence[tuple[str, str]]
    time: FoundTime | None


@dataclass(frozen=True, slots=True)
class FoundClosing:
    """The end of a connection."""

    code: int | None
    """RFC 6455 close code; None if unknown."""
    reason: str
    by: Direction | None
    """The side that closed; None if unknown."""
    time: FoundTime | None


Found = FoundFrame | FoundOpening | FoundClosing


class ImportNotes:
    """What an importer has passed over, for the summary."""

    def __init__(self) -> None:
        self.lost: list[int] = []
        """Lines of events that were recognised, but cannot be read; at most ``MOST_LOST`` of them."""
        self.lost_count = 0
        """Number of those events."""
        self.unread_times = 0
        """Number of values that are meant to be times, and cannot be read."""
        self.skipped: dict[str, int] = {}
        """Messages that belong to something else, by what they are."""

        self.nothing = ""
        """What a file of this structure is if it contains no session; ``""`` for what its contents say."""

    def lose(self, line: int, count: int = 1) -> None:
        """Count events that cannot be read."""
        self.lost_count += count
        if len(self.lost) < MOST_LOST:
            self.lost.append(line)

    def skip(self, what: str, count: int = 1) -> None:
        """Count messages that are not events."""
        self.skipped[what] = self.skipped.get(what, 0) + count


MOST_LOST = 20
"""Lines of lost events that are kept: enough to look at."""


class Importer(Protocol):
    """A reader of one structure of files."""

    name: str
    """The structure in words, as the user calls it: ``HAR file``."""

    def recognises(self, head: bytes, name: str) -> bool:
        """Return whether a file has this structure, by its first bytes (at most ``SNIFFED``) and its name."""
        ...

    def read(self, source: SourceFile, notes: ImportNotes) -> Iterator[Found]:
        """Yield what the file contains, in order; never raises on its contents."""
        ...

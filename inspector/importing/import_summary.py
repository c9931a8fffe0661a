"""ImportSummary: what an import found, in words and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from inspector.core.event import Direction

MOST_SEQS = 1000
"""Numbers of elided events that are listed."""
SHOWN_KINDS = 3


@dataclass(slots=True)
class ImportSummary:
    """What an import of one file found."""

    file: str
    """The file, as the user named it."""
    structure: str = ""
    """Name of the importer that read it."""
    client: int = 0
    server: int = 0
    """Number of events of each side."""
    inferred: int = 0
    """Number of events whose direction follows from their type."""
    sessions: int = 1
    elided: int = 0
    """Number of events from which something was cut before they were logged."""
    elided_seqs: list[int] = field(default_factory=list)
    """Their numbers in the recording, at most ``MOST_SEQS``."""
    lost: int = 0
    """Number of events that were recognised, but cannot be read."""
    lost_lines: tuple[int, ...] = ()
    """Lines of the first of them."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Messages that do not belong to the session, by kind."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Secrets that were taken out, by what they are."""
    time_kind: str = "none"
    """``absolute``, ``relative`` (to a start that is not known) or ``none``."""
    time_key: str = ""
    """Key of the times; ``""`` for the head of the line."""
    time_form: str = ""
    """How they are written: ``epoch ms``."""
    untimed: int = 0
    """Number of events without a time."""
    unread_times: int = 0
    """Number of times that cannot be read, or that do not fit the others."""
    backwards: int = 0
    """Number of times earlier than one before."""

    @property
    def events(self) -> int:
        """Return the number of events that were imported."""
        return self.client + self.server

    def count(self, direction: Direction, *, is_inferred: bool) -> None:
        """Count an event."""
        if direction is Direction.CLIENT:
            self.client += 1
        else:
            self.server += 1
        self.inferred += is_inferred

    def elide(self, seq: int) -> None:
        """Count an event from which something was cut."""
        self.elided += 1
        if len(self.elided_seqs) < MOST_SEQS:
            self.elided_seqs.append(seq)

    @property
    def words(self) -> str:
        """Return the summary in one line."""
        return ", ".join(self._parts())

    def _parts(self) -> list[str]:
        seen = self.events + self.lost
        of = f" of {seen:,}" if self.lost else ""
        parts = [f"{self.events:,}{of} {'events' if seen != 1 else 'event'}"]
        parts.append(_counted(self.sessions, "session"))
        parts.append(self._time_words())
        if self.time_kind != "none" and self.untimed:
            parts.append(f"{_counted(self.untimed, 'event')} without a time")
        if self.unread_times:
            parts.append(f"{_counted(self.unread_times, 'time')} ignored")
        if self.backwards:
            parts.append(f"times run backwards {_counted(self.backwards, 'time')}")
        if self.inferred:
            number = "all" if self.inferred == self.events > 1 else f"{self.inferred:,}"
            parts.append(f"direction inferred for {number}")
        if self.elided:
            parts.append(f"{_counted(self.elided, 'payload')} elided")
        if self.lost:
            first = f", first on line {self.lost_lines[0]:,}" if self.lost_lines[0] else ""
            parts.append(f"{self.lost:,} cannot be read{first}")
        parts += [f"{_counted(count, what)} dropped" for what, count in self.dropped.items()]
        told = [each for each in self.skipped if not each.startswith(("objects ", "JSON "))]
        parts += [f"skipped {self.skipped[each]:,} {each}" for each in told[:SHOWN_KINDS]]
        return parts

    def _time_words(self) -> str:
        if self.time_kind == "none":
            return "no times"
        where = f"from `{self.time_key}`" if self.time_key else "at the head of the lines"
        return f"times {where} ({self.time_form})"

    def json(self) -> dict[str, Any]:
        """Return the summary for programs."""
        return {
            "file": self.file,
            "structure": self.structure,
            "seen": self.events + self.lost,
            "events": self.events,
            "client": self.client,
            "server": self.server,
            "inferred": self.inferred,
            "sessions": self.sessions,
            "elided": self.elided,
            "elided_seqs": self.elided_seqs,
            "lost": self.lost,
            "lost_lines": list(self.lost_lines),
            "times": {
                "kind": self.time_kind,
                "key": self.time_key or None,
                "form": self.time_form or None,
                "untimed": self.untimed,
                "ignored": self.unread_times,
                "backwards": self.backwards,
            },
            "dropped": self.dropped,
            "skipped": self.skipped,
        }


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"

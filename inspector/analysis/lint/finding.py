"""Finding: what one rule reports about one session, in words, with the events that prove it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from inspector.core.error_attribution import Confidence


class Severity(StrEnum):
    """How bad a finding is, worst first."""

    ERROR = "error"
    """Something that the app wanted did not happen."""
    WARNING = "warning"
    """It works worse than it could, or will soon fail."""
    NOTE = "note"
    """Worth knowing; nothing need be changed."""
    HARMLESS = "harmless"
    """Looks like a fault, but is harmless."""

    @property
    def rank(self) -> int:
        """Return 0 for the worst."""
        return _RANKS[self]


SIGNS: Mapping[Severity, str] = {
    Severity.ERROR: "✗",
    Severity.WARNING: "⚠",
    Severity.NOTE: "•",
    Severity.HARMLESS: "·",
}
"""One character for each severity, so that it does not depend on colour."""
ALARMING = (Severity.ERROR, Severity.WARNING)
"""The severities that are shown where there is room for the worst only."""
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
_CONFIDENCE_RANKS = {confidence: rank for rank, confidence in enumerate(Confidence)}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule reports."""

    rule: str
    """The id of the rule."""
    severity: Severity
    """How bad it is."""
    seqs: tuple[int, ...]
    """The events that prove it, the decisive one first."""
    text: str
    """What happened here, in one line, with the numbers of this session."""
    fix: str = ""
    """What to change, as code for this session's dialect; ``""`` if nothing need be changed."""
    confidence: Confidence = Confidence.CERTAIN
    """How certain it is."""

    @property
    def rank(self) -> tuple[int, int]:
        """Return a key that sorts the worst and most certain findings first."""
        return self.severity.rank, _CONFIDENCE_RANKS[self.confidence]

"""The header of a live session: connection, model, time, counts, and where it is recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from inspector.analysis.lint.finding import ALARMING, SIGNS, Finding
from inspector.analysis.sanitize import sanitized
from inspector.analysis.totals import low_limits
from inspector.core.state import SessionState
from inspector.engine.record import Connection, SessionRecord
from inspector.engine.rules import Rule
from inspector.engine.session_cost import SessionCost
from inspector.engine.session_findings import SessionFindings
from inspector.recording.writer import RecordingFile
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import HeaderPart

_WORDS = {
    Connection.IDLE: "idle",
    Connection.CONNECTING: "connecting",
    Connection.LIVE: "live",
    Connection.CLOSED: "closed",
    Connection.REFUSED: "refused",
}


def session_header(
    engine: SessionRecord,
    glyphs: Glyphs,
    now_us: int,
    ticks: int,
    cost: SessionCost,
    findings: SessionFindings,
) -> tuple[HeaderPart, ...]:
    """Return connection, model, dialect, errors, source, time, count, recording and tokens.

    Args:
        engine: the session.
        glyphs: characters that the terminal can show.
        now_us: session time in microseconds.
        cost: of the session by now.
        findings: of the session by now.
        ticks: the workspace's tick count, which turns the spinner.
    """
    dot = glyphs.dot if engine.connection is Connection.LIVE else glyphs.ring
    if engine.connection is Connection.CONNECTING:
        dot = glyphs.spinner[ticks % len(glyphs.spinner)]
    model = engine.state.session.model or engine.source.model
    minutes, seconds = divmod(now_us / 1e6, 60)
    errors = findings.faults(engine.state)
    tokens = engine.state.usage.responses.total
    count = len(engine.log)
    return (
        HeaderPart(f"{dot} {_WORDS[engine.connection]}"),
        HeaderPart(sanitized(model) or "no model", rank=2, shortest=10),
        HeaderPart(engine.state.dialect.called.short, rank=3),
        HeaderPart(f"! {errors} error{'s' * (errors != 1)}" if errors else ""),
        findings_part(findings.findings),
        HeaderPart(engine.source.kind, rank=4),
        HeaderPart(f"{int(minutes):02d}:{seconds:04.1f}"),
        HeaderPart(f"{count:,} event{'s' * (count != 1)}"),
        *cost_parts(cost),
        _where(engine.recording, glyphs),
        HeaderPart(f"{tokens:,} tok" if tokens else "", rank=6),
        HeaderPart(limits_left(engine.state), rank=4),
    )


def cost_parts(cost: SessionCost) -> tuple[HeaderPart, HeaderPart]:
    """Return how full the context is, and the money: nothing while neither is known."""
    return HeaderPart(cost.context_text, rank=4), HeaderPart(cost.text, rank=1)


def findings_part(findings: Sequence[Finding]) -> HeaderPart:
    """Return how many errors and warnings the rules have found; nothing without any."""
    counts = Counter(finding.severity for finding in findings)
    words = (f"{SIGNS[one]} {counts[one]:,}" for one in ALARMING if counts[one])
    return HeaderPart("  ".join(words), rank=1)


def now_us_of(engine: SessionRecord) -> int:
    """Return the session time in microseconds; after the end, that of the last event."""
    if engine.connection in (Connection.LIVE, Connection.CONNECTING):
        return engine.now_ns // 1000
    return engine.log.end_us or 0


def folder_of(engine: SessionRecord) -> Path | None:
    """Return the folder of a session's recording; None if nothing is recorded."""
    path = engine.recording.path
    return None if path is None else path.parent


def recording_stem_of(engine: SessionRecord) -> str:
    """Return the name of a session's recording without its suffix, or ``"session"`` if nothing is recorded."""
    path = engine.recording.path
    return path.stem if path is not None else "session"


def rules_part(
    rules: Sequence[Rule], hits: Sequence[int], is_exhausted: Callable[[int], bool]
) -> HeaderPart:
    """Return a proxy's active rules with the number of times that each was applied."""
    if not rules:
        return HeaderPart("")
    words = (
        f"{sanitized(rule.label)} ×{count:,}{' spent' * is_exhausted(index)}"
        for index, (rule, count) in enumerate(zip(rules, hits, strict=True))
    )
    return HeaderPart(f"rules {len(rules)}: {', '.join(words)}", rank=1, shortest=8)


def limits_left(state: SessionState) -> str:
    """Return the rate limits that are nearly used up; ``""`` if none is."""
    return sanitized(", ".join(low_limits(state)))


def _where(recording: RecordingFile, glyphs: Glyphs) -> HeaderPart:
    """Return the file that the session is recorded to, or why it is not recorded."""
    if recording.failure or recording.path is None:
        lost = f"NOT RECORDED: {recording.failure or 'in memory only'}"
        return HeaderPart(f"{glyphs.ring} {lost}", rank=1, shortest=14)
    return HeaderPart(f"{glyphs.record} {sanitized(recording.path.name)}", rank=3, shortest=12)

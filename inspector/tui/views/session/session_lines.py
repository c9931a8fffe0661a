"""The lines of the session view."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from types import MappingProxyType
from typing import Any

from inspector.analysis.meaning import meaning
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import moment_text
from inspector.analysis.totals import Losses, Tally, sounded, used
from inspector.core.dialect_evidence import DialectFold
from inspector.core.read import text_at
from inspector.core.state import SessionState
from inspector.tui.common.text_page import PageLine


def session_lines(
    state: SessionState, width: int, losses: Losses = MappingProxyType({})
) -> list[PageLine]:
    """Return the session in effect, one line per field with its meaning, then usage and the state of the audio.

    Args:
        state: the session's state.
        width: width of a line in cells.
        losses: counts of audio that this program did not send or play.
    """
    tallies = {
        "usage": list(used(state)),
        "audio": list(sounded(state, losses)),
    }
    session = state.session
    dialect = state.dialect
    if not session.config:
        if dialect.is_foreign:
            words = "  This is not a session of the Realtime API."
        else:
            words = "  The server sends it (session.created) when the connection opens."
        return [_remark("  No session yet."), _remark(words), *_dialect_lines(dialect)]
    accepted = f"{session.updates} update{'s' * (session.updates != 1)} accepted"
    confirmed = (
        f"  confirmed at {moment_text(session.confirmed_t_ns, session.confirmed_seq)}   {accepted}"
    )
    lines = [_remark(confirmed, session.confirmed_seq - 1), *_dialect_lines(dialect)]
    refused = state.causes.refused_update
    if refused is not None:
        words = f"  ✗ the server {refused.confidence.adverb}rejected the whole update: "
        param, message = text_at(refused.error, "param"), text_at(refused.error, "message")
        lines.append(
            PageLine(
                ((f"{words}{sanitized(param)}  {sanitized(message)}", "error"),), refused.seq - 1
            )
        )
    for tally in chain.from_iterable(tallies.values()):
        if tally.is_trouble:
            words = sanitized(f"  ~ {tally.name}: {tally.words}")
            lines.append(PageLine(((words, "warning"),), tally.seq - 1))
    lines.append(PageLine((("", "base"),)))
    for name, value in session.config.items():
        lines += _field_lines((name,), value, width)
    return [*lines, *_tally_lines(tallies)]


def _tally_lines(tallies: Mapping[str, list[Tally]]) -> Iterator[PageLine]:
    for title, group in tallies.items():
        if group:
            yield PageLine((("", "base"),))
            yield PageLine(((f"  {title}", "head"),))
        for tally in group:
            label, tone = f"    {tally.name}", "warning" if tally.is_trouble else "base"
            yield PageLine(
                ((f"{sanitized(label):<30}", "dim"), (sanitized(tally.words), tone)), tally.seq - 1
            )


def _dialect_lines(dialect: DialectFold) -> Iterator[PageLine]:
    """Yield the dialect or protocol and the evidence for it; the line links to that event."""
    found = dialect.evidence
    if found.name:
        words = f"  dialect {dialect.called.title}: {sanitized(found.proof)}"
        yield _remark(words, found.seq - 1)


def _remark(words: str, row: int = -1) -> PageLine:
    return PageLine(((words, "dim"),), row)


def _field_lines(path: tuple[str, ...], value: Any, width: int) -> Iterator[PageLine]:
    label = f"  {'  ' * (len(path) - 1)}{path[-1].replace('_', ' ')}"
    note = meaning("session.updated", ("session", *path))
    # A hostile server may nest without end.
    if isinstance(value, Mapping) and value and len(path) < 6:
        yield PageLine(((f"{label:<30}", "dim"), (note, "dim")))
        for name, member in value.items():
            yield from _field_lines((*path, str(name)), member, width)
        return
    text = sanitized(_clock_time(value) if path[-1] == "expires_at" else _shown(value))
    rest = width - 32
    room = max(12, rest - max(44, rest // 2))  # the longest meaning takes about eighty columns
    wrapped = textwrap.wrap(text, max(20, width - 34)) or [""]
    if len(wrapped) == 1 and len(text) <= room:
        yield PageLine(((f"{label:<30}", "dim"), (f"{text:<{room}}", "base"), (f"  {note}", "dim")))
        return
    # Twelve lines are enough to recognise instructions; the detail shows all of them.
    for number, line in enumerate(wrapped[:12]):
        yield PageLine(((f"{label if not number else '':<30}", "dim"), (line, "base")))


def _clock_time(value: Any) -> str:
    """Return a Unix time with the time of day in UTC before it."""
    if isinstance(value, bool) or not isinstance(value, int):
        return _shown(value)
    try:
        moment = datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):  # any number may come from the wire
        return _shown(value)
    return f"{moment:%H:%M:%S} UTC  {value}"


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        names = [
            text_at(entry, "name") or text_at(entry, "server_label")
            if isinstance(entry, dict)
            else str(entry)
            for entry in value
        ]
        return (
            f"{len(value)}: {', '.join(names)}"
            if value and isinstance(value[0], dict)
            else ", ".join(names) or "none"
        )
    return str(value)

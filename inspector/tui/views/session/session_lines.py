"""The session as lines of a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
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
    """Return the effective session, a field a line, with what it means; then what it used, and how its sound fared.

    Args:
        state: of the session.
        width: cells of a line.
        losses: what the inspector itself did not send or play.
    """
    tallies = {
        "used so far": list(used(state)),
        "sound so far": list(sounded(state, losses)),
    }
    session = state.session
    dialect = state.dialect
    if not session.config:
        if dialect.is_foreign:
            words = "  This is no session of the Realtime API."
        else:
            words = (
                "  The server describes it with session.created as soon as the connection is open."
            )
        return [_remark("  No session yet."), _remark(words), *_dialect_lines(dialect)]
    accepted = f"{session.updates} update{'s' * (session.updates != 1)} accepted"
    confirmed = (
        f"  confirmed at {moment_text(session.confirmed_t_ns, session.confirmed_seq)}   {accepted}"
    )
    lines = [_remark(confirmed, session.confirmed_seq - 1), *_dialect_lines(dialect)]
    refused = state.causes.refused_update
    if refused is not None:
        words = f"  ✗ an update was {refused.confidence.adverb}refused whole: "
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
    """Yield which dialect or protocol this is and what shows it; the line leads to that event."""
    found = dialect.evidence
    if found.name:
        words = f"  dialect {dialect.called.title}: {sanitized(found.proof)}"
        yield _remark(words, found.seq - 1)


def _remark(words: str, row: int = -1) -> PageLine:
    return PageLine(((words, "dim"),), row)


def _field_lines(path: tuple[str, ...], value: Any, width: int) -> Iterator[PageLine]:
    label = f"  {'  ' * (len(path) - 1)}{path[-1].replace('_', ' ')}"
    note = meaning("session.updated", ("session", *path))
    if isinstance(value, Mapping) and value and len(path) < 6:
        yield PageLine(((f"{label:<30}", "dim"), (note, "dim")))
        for name, member in value.items():
            yield from _field_lines((*path, str(name)), member, width)
        return
    text = sanitized(_shown(value))
    rest = width - 32
    room = max(12, rest - max(44, rest // 2))  # the longest meaning takes some eighty columns
    wrapped = textwrap.wrap(text, max(20, width - 34)) or [""]
    if len(wrapped) == 1 and len(text) <= room:
        yield PageLine(((f"{label:<30}", "dim"), (f"{text:<{room}}", "base"), (f"  {note}", "dim")))
        return
    for number, line in enumerate(wrapped[:12]):
        yield PageLine(((f"{label if not number else '':<30}", "dim"), (line, "base")))


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
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

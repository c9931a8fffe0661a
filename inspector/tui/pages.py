"""The session as lines of a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from inspector.analysis.inert import inert
from inspector.analysis.meaning import meaning
from inspector.analysis.totals import Losses, Tally, sounded, used
from inspector.core.read import text_at
from inspector.core.state import SessionState
from inspector.tui.widgets.text_page import PageLine


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
    if not session.config:
        return [
            PageLine((("  No session yet.", "dim"),)),
            PageLine(
                (
                    (
                        "  The server describes it with session.created as soon as the connection is open.",
                        "dim",
                    ),
                )
            ),
        ]
    lines = [
        PageLine(
            (
                (
                    f"  confirmed at {session.confirmed_t_ns / 1e9:.3f} s   {session.updates} update{'s' * (session.updates != 1)} accepted",
                    "dim",
                ),
            ),
            session.confirmed_seq - 1,
        )
    ]
    if session.rejected_seq:
        message = inert(text_at(session.rejection, "message"))
        param = text_at(session.rejection, "param")
        lines.append(
            PageLine(
                ((f"  ✗ the last update was refused whole: {param}  {message}", "error"),),
                session.rejected_seq - 1,
            )
        )
    for tally in chain.from_iterable(tallies.values()):
        if tally.is_trouble:
            words = inert(f"  ~ {tally.name}: {tally.words}")
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
                ((f"{inert(label):<30}", "dim"), (inert(tally.words), tone)), tally.seq - 1
            )


def _field_lines(path: tuple[str, ...], value: Any, width: int) -> Iterator[PageLine]:
    label = f"  {'  ' * (len(path) - 1)}{path[-1].replace('_', ' ')}"
    note = meaning("session.updated", ("session", *path))
    if isinstance(value, Mapping) and value and len(path) < 6:
        yield PageLine(((f"{label:<30}", "dim"), (note, "dim")))
        for name, member in value.items():
            yield from _field_lines((*path, str(name)), member, width)
        return
    text = inert(_shown(value))
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

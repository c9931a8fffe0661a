"""Pages of the session form: the last update beside the session in effect, and the history of updates."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inspector.analysis.form.history import Outcome, Update, differences
from inspector.analysis.form.values import ABSENT, at, is_same, leaves
from inspector.analysis.summary import moment_text
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.text_page import PageLine
from inspector.tui.form.texts import shown

_PATH_COLUMNS = 42
_STYLES = {
    Outcome.PENDING: "dim",
    Outcome.CONFIRMED: "server",
    Outcome.REJECTED: "error",
    Outcome.LOST: "warning",
}


def diff_lines(
    updates: Sequence[Update], session: Mapping[str, Any], width: int, glyphs: Glyphs
) -> list[PageLine]:
    """Return the members of the last update, one per line, beside the values in effect."""
    if not updates:
        return [PageLine((("  No update was sent in this session.", "dim"),))]
    last = updates[-1]
    lines = [
        PageLine((("  sent vs. in effect", "head"),)),
        PageLine((("  ", "base"), *_outcome_text(last)), last.seq - 1),
        PageLine((("", "base"),)),
    ]
    room = max(12, (width - _PATH_COLUMNS - 8) // 2)
    lines.append(PageLine(((f"    {'':<{_PATH_COLUMNS}}{'sent':<{room}}  in effect", "dim"),)))
    for difference in differences(last.session, session):
        sign = glyphs.good if difference.is_same else glyphs.bad
        path = ".".join(difference.path)
        if len(path) > _PATH_COLUMNS - 2:
            path = "…" + path[-(_PATH_COLUMNS - 3) :]
        there = "not in the server's session"
        if difference.effective is not ABSENT:
            there = shown(difference.effective, limit=room)
        words = f"{shown(difference.sent, limit=room):<{room}}  {there}"
        style = "base" if difference.is_same else "warning"
        lines.append(PageLine(((f"  {sign} {path:<{_PATH_COLUMNS}}{words}", style),)))
    return lines


def history_lines(updates: Sequence[Update], width: int) -> list[PageLine]:
    """Return every update with its outcome, newest first; lines link to the events."""
    if not updates:
        return [PageLine((("  No update was sent in this session.", "dim"),))]
    lines = [PageLine((("  session updates, newest first", "head"),))]
    for update in reversed(updates):
        lines.append(PageLine((("", "base"),)))
        lines += _update_lines(update, width)
    return lines


def _update_lines(update: Update, width: int) -> Iterator[PageLine]:
    yield PageLine((("  ", "base"), *_outcome_text(update)), update.seq - 1)
    members = [(path, value) for path, value in leaves(update.session) if path != ("type",)]
    changed = [pair for pair in members if not is_same(at(update.before, pair[0]), pair[1])]
    for path, value in changed:
        yield PageLine(((f"      {'.'.join(path)} = {shown(value)}", "base"),), update.seq - 1)
    rest = len(members) - len(changed)
    if rest or not members:
        words = f"and {rest} unchanged" if changed else "no change"
        yield PageLine(((f"      {words}", "dim"),), update.seq - 1)
    if update.message:
        for line in textwrap.wrap(update.message, max(20, width - 8)):
            yield PageLine(((f"      {line}", "error"),), update.answer_seq - 1)


def _outcome_text(update: Update) -> tuple[tuple[str, str], ...]:
    answered = (
        f" at {moment_text(update.answer_t_ns, update.answer_seq)}" if update.answer_seq else ""
    )
    when = "" if update.t_ns is None else f"{update.t_ns / 1e9:9.3f} s  "
    sent = f"{when}seq {update.seq:,}  by {update.origin}  "
    return (sent, "base"), (
        f"{update.confidence.adverb}{update.outcome}{answered}",
        _STYLES[update.outcome],
    )

"""Pages of the session form: what was sent beside what is in force, and the history of updates."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from inspector.analysis.form.history import Outcome, Update, differences
from inspector.analysis.form.values import ABSENT, leaves
from inspector.tui.glyphs import Glyphs
from inspector.tui.widgets.form_texts import shown
from inspector.tui.widgets.text_page import PageLine

_STYLES = {
    Outcome.PENDING: "dim",
    Outcome.CONFIRMED: "server",
    Outcome.REJECTED: "error",
    Outcome.LOST: "warning",
}


def diff_lines(
    updates: Sequence[Update], session: object, width: int, glyphs: Glyphs
) -> list[PageLine]:
    """Return the last update, a member a line, beside what is in force now."""
    if not updates:
        return [PageLine((("  No update was sent in this session.", "dim"),))]
    last = updates[-1]
    lines = [
        PageLine((("  sent against in force", "head"),)),
        PageLine((("  ", "base"), *_standing(last)), last.seq - 1),
        PageLine((("", "base"),)),
    ]
    found = differences(last.session, session if isinstance(session, dict) else {})
    room = max(12, (width - 46) // 2)
    lines.append(PageLine(((f"    {'':<36}{'sent':<{room}}  in force", "dim"),)))
    for difference in found:
        sign = glyphs.good if difference.is_same else glyphs.bad
        path = ".".join(difference.path)
        sent, there = (
            shown(difference.sent, limit=room),
            shown(difference.effective, limit=room)
            if difference.effective is not ABSENT
            else "not shown by the server",
        )
        style = "base" if difference.is_same else "warning"
        lines.append(PageLine(((f"  {sign} {path:<36.36}", style), (f"{sent:<{room}}  {there}", style))))  # fmt: skip
    return lines


def history_lines(updates: Sequence[Update], width: int) -> list[PageLine]:
    """Return every update, newest first, with what became of it; lines lead to the events."""
    if not updates:
        return [PageLine((("  No update was sent in this session.", "dim"),))]
    lines = [PageLine((("  updates of the session, newest first", "head"),))]
    for update in reversed(updates):
        lines.append(PageLine((("", "base"),)))
        lines += _update_lines(update, width)
    return lines


def _update_lines(update: Update, width: int) -> Iterator[PageLine]:
    yield PageLine((("  ", "base"), *_standing(update)), update.seq - 1)
    names = [
        f"{'.'.join(path)} = {shown(value)}"
        for path, value in leaves(update.session)
        if path != ("type",)
    ]
    for name in names or ["nothing but its type"]:
        yield PageLine(((f"      {name}", "dim"),), update.seq - 1)
    if update.message:
        for line in textwrap.wrap(update.message, max(20, width - 8)):
            yield PageLine(((f"      {line}", "error"),), update.answer_seq - 1)


def _standing(update: Update) -> tuple[tuple[str, str], ...]:
    answered = f" at {update.answer_t_ns / 1e9:.3f} s" if update.answer_seq else ""
    sent = f"{update.t_ns / 1e9:9.3f} s  seq {update.seq:,}  by {update.origin}  "
    return (sent, "base"), (f"{update.outcome}{answered}", _STYLES[update.outcome])

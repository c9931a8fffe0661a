"""What the session form says above and below its fields."""

from __future__ import annotations

from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import moment_text
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.form.model import FormSession


def form_header(session: FormSession) -> str:
    """Return what the form is about, when that was confirmed, and how much is edited."""
    fold, draft = session.state.session, session.draft
    reading = ", read only as of the cursor" if session.is_read_only else ""
    parts = [f" {draft.shape.title}{reading}", sanitized(fold.model)]
    if fold.config:
        parts.append(f"confirmed {moment_text(fold.confirmed_t_ns, fold.confirmed_seq)}")
    edited = session.count_edited()
    if edited and not session.is_read_only:
        parts.append(f"{edited} edited")
    return "   ".join(part for part in parts if part)


def form_hint(session: FormSession, glyphs: Glyphs, key: Key) -> str:
    """Return what is wrong, or what to do; ``key`` names keys."""
    refused = session.draft.unblamed()
    if refused:
        return f" {glyphs.bad} the last update was refused whole: {sanitized(refused)}"
    if not session.state.session.config:
        return " no session yet: the server describes it as soon as the connection is open"
    back = f"{key('form.back')} back"
    if session.is_read_only:
        diff, history = key("form.diff"), key("form.history")
        return f" ↑↓ fields   {diff} sent against in force   {history} history   {back}"
    return f" ↑↓ fields   ←→ or enter: other values   shift+↑↓ steps   {back}"

"""The header and the hint line of the session form."""

from __future__ import annotations

from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import moment_text
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.form.model import FormSession


def form_header(session: FormSession) -> str:
    """Return the kind of session, the time of its last confirmation, and the number of edits."""
    fold, draft = session.state.session, session.draft
    title = draft.shape.title
    if session.is_read_only:
        title = f"Session as of event {session.end():,} (read only) · {title}"
    parts = [f" {title}", sanitized(fold.model)]
    if fold.config:
        parts.append(f"confirmed {moment_text(fold.confirmed_t_ns, fold.confirmed_seq)}")
    edited = session.count_edited()
    if edited and not session.is_read_only:
        parts.append(f"{edited} edited")
    return "   ".join(part for part in parts if part)


def form_hint(session: FormSession, glyphs: Glyphs, key: Key) -> str:
    """Return an error that belongs to no field, else the keys; ``key`` returns key names."""
    rejected = session.draft.general_rejection()
    if rejected:
        return f" {glyphs.bad} the server rejected the whole update: {sanitized(rejected)}"
    if not session.state.session.config:
        return " no session yet: the server sends it when the connection opens"
    back = f"{key('form.back')} back"
    if session.is_read_only:
        diff, history = key("form.diff"), key("form.history")
        return f" ↑↓ field   {diff} sent vs. in effect   {history} history   {back}"
    return f" ↑↓ field   ←→ or enter other values   shift+↑↓ step   {back}"

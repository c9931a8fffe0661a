"""Text export: the conversation as a transcript, with control characters from the wire escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inspector.analysis.conversation_entry import Entry, Paragraph, Tone
from inspector.analysis.dialogue import entry, places
from inspector.analysis.sanitize import sanitized
from inspector.core.event import Event
from inspector.core.state import SessionState, ends_of_sessions

_INDENT = "    "


def transcript(events: Iterable[Event]) -> Iterator[str]:
    """Yield the lines of a transcript; each session in the recording is a part of its own."""
    parts = 0
    state = SessionState()
    for state in ends_of_sessions(events):
        if _has_words(state):
            yield from _part(state, parts)
            parts += 1
    if not parts:
        yield from _part(state, parts)


def _has_words(state: SessionState) -> bool:
    return bool(state.conversation.order or state.transcripts.utterances)


def _part(state: SessionState, number: int) -> Iterator[str]:
    if number:
        yield "────"
        yield ""
    model = sanitized(state.session.model)
    if model:
        yield f"model {model}"
        yield ""
    found = places(state)
    if not found and state.dialect.is_foreign:
        yield f"(no conversation: {state.dialect.called.title})"
    elif not found:
        yield "(the conversation is empty)"
    for place in found:
        yield from _entry_lines(entry(state, place))
        yield ""


def _entry_lines(entry: Entry) -> Iterator[str]:
    minutes, seconds = divmod((entry.t_ns or 0) / 1e9, 60)
    when = "" if entry.t_ns is None else f"[{int(minutes):02d}:{seconds:06.3f}] "
    facts = "  ".join(sanitized(fact.text) for fact in entry.facts)
    head = f"{when}{sanitized(entry.who)}"
    yield f"{head}  ({facts})" if facts else head
    for paragraph in entry.paragraphs:
        for line in _words(paragraph, entry.cut_words).splitlines():
            yield f"{_INDENT}{sanitized(line)}"
    for column in entry.columns:
        first, *others = column.text.splitlines() or [""]
        yield f"{_INDENT}{column.title}: {sanitized(first)}"
        for line in others:
            yield f"{_INDENT}{sanitized(line)}"


def _words(paragraph: Paragraph, cut_words: str) -> str:
    """Return a paragraph with its interrupted words in brackets, because plain text has no strikethrough."""
    is_cut = len(paragraph) > 1
    return "".join(
        f"[{cut_words}: {words.text}]" if is_cut and words.tone is Tone.STRUCK else words.text
        for words in paragraph
    )

"""The conversation and the session as lines of a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from inspector.analysis.inert import inert
from inspector.analysis.meaning import meaning
from inspector.analysis.summary import duration_text, size_text
from inspector.core.conversation import ContentPart, Item
from inspector.core.read import text_at
from inspector.core.state import SessionState
from inspector.tui.widgets.text_page import PageLine, Span

MAX_ITEMS = 2_000
"""Items on the page, the newest; more cannot be read and would be made anew on every change."""
_LABEL = 12


def conversation_lines(state: SessionState, width: int) -> list[PageLine]:
    """Return the conversation in server order, newest last."""
    conversation = state.conversation
    lines: list[PageLine] = []
    left_out = len(conversation.order) - MAX_ITEMS
    if left_out > 0:
        lines.append(PageLine(((f"  {left_out:,} earlier items are not shown here", "dim"),)))
    for item_id in conversation.order[-MAX_ITEMS:]:
        lines += _item_lines(conversation.items[item_id], state, width)
    for response_id in state.responses.active:
        lines.append(PageLine(((f"  … {response_id[:16]} in progress", "dim"),)))
    if not lines:
        lines.append(PageLine((("  The conversation is empty.", "dim"),)))
        lines.append(
            PageLine((("  Press s to send a message, then c to have it answered.", "dim"),))
        )
    return lines


def _item_lines(item: Item, state: SessionState, width: int) -> Iterator[PageLine]:
    target = item.first_seq - 1
    who, style = _who(item)
    facts = [
        fact
        for fact in (
            item.status if item.status != "completed" else "",
            item.phase,
            *_audio_facts(item, state),
        )
        if fact
    ]
    if item.is_deleted:
        facts.insert(0, "deleted")
        style = "dim"
    if item.is_mismatched:
        facts.append("deltas and done differ")
    head: tuple[Span, ...] = (
        (f"{item.t_ns / 1e9:9.3f}  ", "dim"),
        (f"{who:<{_LABEL}}", style),
        ("  ".join(facts), "warning" if item.status in ("incomplete", "failed") else "dim"),
    )
    words = list(_words(item, state))
    if len(words) == 1 and not facts:
        head = (head[0], head[1])
    yield PageLine(head, target, item.id)
    indent = " " * (11 + 2)
    for text, kind in words:
        shown = "struck" if item.is_deleted else kind
        for line in textwrap.wrap(inert(text), max(20, width - len(indent) - 2)) or [""]:
            yield PageLine(((indent, "base"), (line, shown)), target, item.id)
    yield from _response_lines(item, state)
    yield PageLine((("", "base"),), target, item.id)


def _who(item: Item) -> tuple[str, str]:
    if item.type == "message":
        role = item.role or "message"
        return role, "client" if role == "user" else "server" if role == "assistant" else "dim"
    return item.type.replace("function_call_output", "output").replace(
        "function_call", "call"
    ), "head"


def _audio_facts(item: Item, state: SessionState) -> list[str]:
    facts = []
    output = state.output_audio.items.get(item.id)
    sent = state.input_audio.committed.get(item.id, 0)
    if output is not None:
        facts.append(duration_text(output.received_ms))
    elif sent:
        facts.append(duration_text(state.session.input_format.ms(sent)))
    if item.truncated_ms is not None:
        facts.append(f"cut at {item.truncated_ms:,} ms")
    return facts


def _words(item: Item, state: SessionState) -> Iterator[Span]:
    if item.type in ("function_call", "mcp_call"):
        yield f"{item.name}({item.arguments.strip()})", "base"
        output_id = state.conversation.outputs.get(item.call_id)
        if output_id is None and item.status == "completed":
            yield "no output yet", "warning"
    elif item.type == "function_call_output":
        yield item.output, "base"
    for part in item.parts:
        yield from _part_words(part, item)


def _part_words(part: ContentPart, item: Item) -> Iterator[Span]:
    if part.error:
        yield part.error, "error"
    elif part.text:
        yield (
            part.text,
            "struck" if item.truncated_ms is not None and part.kind == "audio" else "base",
        )
    elif part.kind == "input_audio":
        yield "(audio, no transcript)", "dim"
    elif part.audio_bytes:
        yield f"(audio, {size_text(part.audio_bytes)})", "dim"


def _response_lines(item: Item, state: SessionState) -> Iterator[PageLine]:
    response = state.responses.all.get(item.response_id)
    if (
        response is None
        or response.status in ("completed", "in_progress")
        or item.id != (response.item_ids or ("",))[-1]
    ):
        return
    style = "error" if response.status == "failed" else "warning"
    words = f"response {response.status}" + (
        f": {inert(response.reason)}" if response.reason else ""
    )
    yield PageLine(((" " * 13, "base"), (words, style)), response.done_seq - 1)


def session_lines(state: SessionState, width: int) -> list[PageLine]:
    """Return the effective session, a field a line, with what it means."""
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
                    f"  confirmed at {session.confirmed_t_ns / 1e9:.3f} s   {session.updates} updates accepted",
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
    lines.append(PageLine((("", "base"),)))
    for name, value in session.config.items():
        lines += _field_lines((name,), value, width)
    return lines


def _field_lines(path: tuple[str, ...], value: Any, width: int) -> Iterator[PageLine]:
    label = f"  {'  ' * (len(path) - 1)}{path[-1].replace('_', ' ')}"
    note = meaning("session.updated", ("session", *path))
    if isinstance(value, Mapping) and value and len(path) < 6:
        yield PageLine(((f"{label:<30}", "dim"), (note, "dim")))
        for name, member in value.items():
            yield from _field_lines((*path, str(name)), member, width)
        return
    text = inert(_shown(value))
    room = max(12, width - 32 - 44)
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

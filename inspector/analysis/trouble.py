"""The complete error that an event reports: the server's message or a close reason, and the next step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from inspector.analysis.sanitize import sanitized
from inspector.core.event import Event
from inspector.core.log import CLEAN_CLOSES
from inspector.core.read import Body, int_at, object_at, text_at
from inspector.core.responses import reason_of


def trouble_of(event: Event) -> list[str]:
    """Return the error as paragraphs without control characters, the most important first; empty without an error."""
    read = _READERS.get(event.type)
    words = read(event.body) if read is not None and event.body is not None else ()
    return [sanitized(paragraph) for paragraph in words if paragraph]


def _error(body: Body) -> tuple[str, ...]:
    error = object_at(body, "error")
    code, param = text_at(error, "code") or text_at(error, "type"), text_at(error, "param")
    return text_at(error, "message"), "  ".join(word for word in (code, param) if word)


def _response(body: Body) -> tuple[str, ...]:
    response = object_at(body, "response")
    status = text_at(response, "status")
    if status not in ("cancelled", "failed", "incomplete"):
        return ()
    return (": ".join(word for word in (status, reason_of(response)) if word),)


def _closed(body: Body) -> tuple[str, ...]:
    code, next_step = int_at(body, "code"), text_at(body, "next_step")
    if code in CLEAN_CLOSES and not next_step:
        return ()
    words = (str(code) if code else "", text_at(body, "reason"), text_at(body, "meaning"))
    return "  ".join(word for word in words if word), next_step


def _message(body: Body) -> tuple[str, ...]:
    return text_at(body, "message"), text_at(body, "next_step")


_READERS: Mapping[str, Callable[[Body], tuple[str, ...]]] = {
    "error": _error,
    "response.done": _response,
    "conversation.item.input_audio_transcription.failed": _error,
    "mcp_list_tools.failed": _error,
    "response.mcp_call.failed": _error,
    "inspector.closed": _closed,
    "inspector.connect_failed": _message,
    "inspector.send_failed": _message,
    "inspector.recorder_failed": _message,
}
"""By type of the event."""

"""Forms in which an event is copied: for a file, for a shell, and for a program that should send it again."""

from __future__ import annotations

import keyword
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from inspector.core.event import Direction, Event
from inspector.recording.format import render

OPENAI_URL = "wss://api.openai.com/v1/realtime?model=gpt-realtime"
"""Where a command sends an event if the session's own URL is unknown."""


def copied(event: Event, form: str, url: str = "") -> str:
    """Return an event in one of ``COPY_FORMS``.

    Args:
        event: the event.
        form: the form's name.
        url: URL of the event's session; another than of a WebSocket (the simulator's, ``""``) is replaced by OpenAI's.

    Raises:
        ValueError: the form does not exist, or the event is not one that a client sends.
    """
    if form not in COPY_FORMS:
        raise ValueError(f"unknown form {form!r}; choose one of {', '.join(COPY_FORMS)}")
    return COPY_FORMS[form](event, url)


def _as_json(event: Event, _: str) -> str:
    """Return the event as indented JSON; a frame that is not JSON is returned unchanged."""
    if event.body is None:
        return event.data.decode("utf-8", "replace")
    return orjson.dumps(event.body, option=orjson.OPT_INDENT_2).decode()


def _as_line(event: Event, _: str) -> str:
    """Return the event as its line of a recording, with time and direction."""
    return render(event).decode("utf-8", "replace").rstrip("\n")


def _as_python(event: Event, _: str) -> str:
    """Return the call of the ``openai`` SDK (``AsyncRealtimeConnection``) that sends the event."""
    body = _sendable(event)
    members = {name: value for name, value in body.items() if name != "type"}
    path = _SDK_CALLS.get(event.type)
    if path is None or not all(
        name.isidentifier() and not keyword.iskeyword(name) for name in members
    ):
        return f"await connection.send({body!r})"
    arguments = ", ".join(f"{name}={value!r}" for name, value in members.items())
    return f"await connection.{path}({arguments})"


def _as_websocat(event: Event, url: str) -> str:
    """Return the shell command that sends the event with ``websocat`` in a new session; the key is in a variable."""
    frame = orjson.dumps(_sendable(event)).decode()
    target = url if url.startswith(("ws://", "wss://")) else OPENAI_URL
    return (
        f"echo {shlex.quote(frame)} | "
        f'websocat -n -H="Authorization: Bearer $OPENAI_API_KEY" {shlex.quote(target)}'
    )


def _sendable(event: Event) -> Mapping[str, Any]:
    if event.direction is not Direction.CLIENT or event.body is None:
        raise ValueError("only an event of the client can be sent again")
    return event.body


_SDK_CALLS: Mapping[str, str] = {
    "session.update": "session.update",
    "input_audio_buffer.append": "input_audio_buffer.append",
    "input_audio_buffer.commit": "input_audio_buffer.commit",
    "input_audio_buffer.clear": "input_audio_buffer.clear",
    "output_audio_buffer.clear": "output_audio_buffer.clear",
    "conversation.item.create": "conversation.item.create",
    "conversation.item.delete": "conversation.item.delete",
    "conversation.item.retrieve": "conversation.item.retrieve",
    "conversation.item.truncate": "conversation.item.truncate",
    "response.create": "response.create",
    "response.cancel": "response.cancel",
}
"""Methods of ``openai.resources.realtime.realtime.AsyncRealtimeConnection`` by the type of event that they send."""

COPY_FORMS: Mapping[str, Callable[[Event, str], str]] = {
    "json": _as_json,
    "line": _as_line,
    "python": _as_python,
    "websocat": _as_websocat,
}
"""Forms by the name that the user writes."""

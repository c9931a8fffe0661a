"""One-line summaries of events, sanitized for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from inspector.analysis.sanitize import sanitized
from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.core.event import Event
from inspector.core.groups import audio_bytes_of
from inspector.core.read import Body, int_at, object_at, objects_at, text_at
from inspector.core.responses import reason_of
from inspector.core.riff import oddity_of

MAX_CHARS = 300
"""Limit of a summary: wider than any pane."""


def short_id(value: str) -> str:
    """Return the beginning of an id: its prefix and enough characters to distinguish it."""
    return value if len(value) <= 13 else f"{value[:12]}…"


def size_text(size: int) -> str:
    """Return a byte count with its unit: ``12 KB``."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.0f} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def duration_text(ms: float) -> str:
    """Return a duration with its unit: ``80 ms``, ``4.10 s``."""
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.2f} s"


def moment_text(t_ns: int | None, seq: int) -> str:
    """Return an event's session time in seconds, or its number, as in the panes, if the time is unknown."""
    return f"#{seq:,}" if t_ns is None else f"{t_ns / 1e9:.3f} s"


def quoted(text: str, limit: int = 160) -> str:
    """Return a text in typographic quotes, cut to ``limit`` characters."""
    return f"“{text[:limit]}…”" if len(text) > limit else f"“{text}”"


def summary(event: Event, audio: AudioFormat = PCM16_24K) -> str:
    """Return a one-line summary of an event.

    Args:
        event: the event.
        audio: the format of its audio, if it contains any.
    """
    if event.problem is not None:
        shown = event.data[:120]
        text = shown.decode("utf-8", "replace") if event.is_text else shown.hex(" ")
        return sanitized(f"{event.problem.message}  {text}")[:MAX_CHARS]
    body = event.body or {}
    # Audio is most of a recording's bytes, so its length is computed from the base64 and nothing is decoded.
    size = audio_bytes_of(event)
    odd = oddity_of(event)
    if size or odd:
        length = f"{duration_text(audio.ms(size))}  {size_text(size)}" if size else ""
        return _joined(length, odd)
    # Unknown types are summarized by their members, so that new events of the API need no release of this program.
    read = _READERS.get(event.type) or (_by_shape(body) if event.type else _untyped)
    return sanitized(read(body)[:MAX_CHARS])


def untyped_name(event: Event) -> str:
    """Return a name for an event without a type: its first key in braces, which other protocols use as the type."""
    first = next(iter(event.body or {}), "")
    return f"{{{sanitized(first)}}}" if first else "(no type)"


def _joined(*words: str) -> str:
    return "  ".join(word for word in words if word)


def _by_shape(body: Body) -> Callable[[Body], str]:
    if isinstance(body.get("item"), dict):
        return _item
    if isinstance(body.get("error"), dict):
        return _error
    return _plain


def _plain(body: Body) -> str:
    words = []
    for key in (
        "name",
        "transcript",
        "text",
        "delta",
        "arguments",
        "audio_end_ms",
        "audio_start_ms",
        "item_id",
        "response_id",
    ):
        value = body.get(key)
        if isinstance(value, str) and value:
            words.append(short_id(value) if key.endswith("_id") else quoted(value))
        elif isinstance(value, int) and key.endswith("_ms"):
            words.append(f"{value:,} ms")
    return _joined(*words[:3])


def _untyped(body: Body) -> str:
    """Return a summary of another protocol's frame: the keys of its first member, then its other members."""
    inner = next(iter(body.values()), None)
    keys = list(inner) if isinstance(inner, dict) else []
    return _joined(_by_shape(body)(body) or ", ".join(keys), ", ".join(list(body)[1:]))


def _session(body: Body) -> str:
    session = object_at(body, "session")
    # The GA member first, then its place in the beta API; likewise for turn detection below.
    modalities = session.get("output_modalities", session.get("modalities"))
    names = "+".join(str(name) for name in modalities) if isinstance(modalities, list) else ""
    audio_input = object_at(object_at(session, "audio"), "input")
    # null is push-to-talk; "" marks an absent member, about which nothing is known.
    detection = audio_input.get("turn_detection", session.get("turn_detection", ""))
    listening = (
        text_at(detection, "type")
        if isinstance(detection, dict)
        else ""
        if detection == ""
        else "push-to-talk"
    )
    tools = session.get("tools")
    count = (
        f"{len(tools)} tool{'s' * (len(tools) != 1)}" if isinstance(tools, list) and tools else ""
    )
    return _joined(text_at(session, "model"), names, listening, count)


def _update(body: Body) -> str:
    session = object_at(body, "session")
    names = [name for name in session if name != "type"]
    return _joined(f"{len(names)} field{'s' * (len(names) != 1)}", ", ".join(names))


def _item(body: Body) -> str:
    item = object_at(body, "item")
    kind = text_at(item, "type")
    if kind == "function_call":
        return _joined(
            f"{text_at(item, 'name')}({text_at(item, 'arguments')})", _unusual_status(item)
        )
    if kind == "function_call_output":
        return _joined("function output", quoted(text_at(item, "output")))
    text = " ".join(_part(part) for part in objects_at(item, "content"))
    who = text_at(item, "role") or kind
    return _joined(
        who,
        text,
        text_at(item, "phase"),
        _unusual_status(item),
        "" if text else short_id(text_at(item, "id")),
    )


def _unusual_status(item: Body) -> str:
    # The event's type already implies the usual ones.
    status = text_at(item, "status")
    return "" if status in ("completed", "in_progress") else status


def _part(part: Body) -> str:
    words = text_at(part, "text") or text_at(part, "transcript")
    if words:
        return quoted(words)
    kind = text_at(part, "type").removeprefix("input_").removeprefix("output_")
    return kind if kind in ("audio", "image") else ""


_SHORT_OF = ("cancelled", "failed", "incomplete")
"""Statuses of responses whose answer is not complete."""


def _response(body: Body) -> str:
    response = object_at(body, "response")
    usage = object_at(response, "usage") or object_at(body, "usage")  # xAI's is beside the response
    total = int_at(usage, "total_tokens")
    status = text_at(response, "status")
    is_apart = "conversation_id" in response and response["conversation_id"] is None
    return _joined(
        f"✗ {status}" if status in _SHORT_OF else "" if status == "in_progress" else status,
        reason_of(response) if status != "completed" else "",
        f"{total:,} tok" if total else "",
        "out-of-band" if is_apart else "",
        short_id(text_at(response, "id")),
    )


def _request(body: Body) -> str:
    options = object_at(body, "response")
    return _joined(
        "out-of-band" if options.get("conversation") == "none" else "",
        ", ".join(name for name in options if name != "conversation"),
    )


def _error(body: Body) -> str:
    error = object_at(body, "error")
    return _joined(
        text_at(error, "code") or text_at(error, "type"),
        text_at(error, "param"),
        text_at(error, "message"),
    )


def _part_event(body: Body) -> str:
    part = object_at(body, "part")
    return _joined(
        text_at(part, "type"),
        _part(part) if text_at(part, "transcript") or text_at(part, "text") else "",
    )


def _limits(body: Body) -> str:
    return _joined(
        *(
            f"{int_at(limit, 'remaining'):,} of {int_at(limit, 'limit'):,} {text_at(limit, 'name')}"
            for limit in objects_at(body, "rate_limits")
        )
    )


def _truncate(body: Body) -> str:
    return _joined(f"{int_at(body, 'audio_end_ms'):,} ms", short_id(text_at(body, "item_id")))


def _call(body: Body) -> str:
    return f"{text_at(body, 'name')}({text_at(body, 'arguments')})"


_CLOSERS = ("client", "server", "inspector")
"""Who may close a session; a network only loses one."""


def _closed(body: Body) -> str:
    code, meaning, by = body.get("code"), text_at(body, "meaning"), text_at(body, "by")
    return _joined(
        str(code) if isinstance(code, int) else "",
        text_at(body, "reason"),
        meaning,
        f"by the {by}" if by in _CLOSERS and by not in meaning else "",
    )


def _opened(body: Body) -> str:
    return _joined(str(int_at(body, "status", 101)), text_at(body, "url"))


def _heard(body: Body) -> str:
    heard, received = int_at(body, "audio_ms"), int_at(body, "received_ms")
    return _joined(
        f"{heard:,} of {received:,} ms" if received else f"{heard:,} ms",
        text_at(body, "reason"),
        short_id(text_at(body, "item_id")),
    )


def _message(body: Body) -> str:
    return _joined(text_at(body, "name"), text_at(body, "message"), text_at(body, "text"))


INTERVENTIONS = ("inspector.altered", "inspector.injected")
"""Types of local events about frames that the proxy changed or added."""
_DONE = {
    "drop": "dropped",
    "delay": "delayed",
    "replace": "replaced",
    "edit": "edited",
    "duplicate": "duplicated",
    "answer": "answered",
}
"""First word of a change to its past participle."""


def intervention_name(body: Body) -> str:
    """Return what the proxy did to a frame, and the rule or person behind it: ``dropped (rule 1)``."""
    what = text_at(body, "change").partition(" ")[0]
    by = sanitized(text_at(body, "by"))
    name = _DONE.get(what, sanitized(what)) if what else "injected"
    return f"{name} ({by})" if by else name


def intervention_words(body: Body) -> str:
    """Return the details of an intervention and the type of its frame."""
    how = text_at(body, "change").partition(" ")[2]
    return sanitized(_joined(how, text_at(body, "event_type") or "(no type)"))


def is_drop(event: Event) -> bool:
    """Return whether a local event reports that a frame was not forwarded."""
    if event.type != "inspector.altered" or event.body is None:
        return False
    return text_at(event.body, "change") in ("drop", "answer")


def _intervention(body: Body) -> str:
    return _joined(intervention_name(body), intervention_words(body), _receiver(body))


def _receiver(body: Body) -> str:
    """Return the side that a frame goes to, in words."""
    to = text_at(body, "to") or {"client": "api", "server": "app"}.get(text_at(body, "direction"))
    return f"to the {'API' if to == 'api' else to}" if to else ""


def _proxied(body: Body) -> str:
    """Return a summary of a local event about a frame in the proxy."""
    return _joined(
        _receiver(body),
        text_at(body, "event_type"),
        text_at(body, "filter"),
        text_at(body, "why"),
        text_at(body, "message"),
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "session.created": _session,
    "session.updated": _session,
    "session.update": _update,
    "transcription_session.update": _update,
    "response.create": _request,
    "response.created": _response,
    "response.done": _response,
    "response.content_part.added": _part_event,
    "response.content_part.done": _part_event,
    "response.function_call_arguments.done": _call,
    "rate_limits.updated": _limits,
    "conversation.item.truncate": _truncate,
    "conversation.item.truncated": _truncate,
    "error": _error,
    "inspector.opened": _opened,
    "inspector.closed": _closed,
    "inspector.connect_failed": _message,
    "inspector.send_failed": _message,
    "inspector.recorder_failed": _message,
    "inspector.recorder_resumed": _message,
    "inspector.fold_failed": _message,
    "inspector.held": _proxied,
    "inspector.released": _proxied,
    "inspector.altered": _intervention,
    "inspector.injected": _intervention,
    "inspector.degraded": _proxied,
    "inspector.undelivered": _proxied,
    "inspector.rule_failed": _message,
    "inspector.note": _message,
    "inspector.playing": _heard,
    "inspector.played": _heard,
    "inspector.sound": _message,
    "inspector.mark": _message,
    "inspector.fault": _message,
}

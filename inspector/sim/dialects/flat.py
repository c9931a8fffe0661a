"""Translation between the GA API and the beta's shape: a flat session, older event names, items with an ``object``.

Azure's preview, Qwen and others still use this shape. Names are translated by tables, values by the functions below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inspector.analysis.validate import not_supported
from inspector.sim.refusals import ApiRefusal
from inspector.sim.server_outbox import Json
from inspector.spec.beta_names import GA_FIELDS, GA_FORMATS
from inspector.spec.events import EVENT_TYPES

SERVER_NAMES: Mapping[str, str] = {
    **{
        row.ga[0]: name
        for name, row in EVENT_TYPES.items()
        if row.ga and row.direction == "server" and not name.startswith("transcription_session")
    },
    "conversation.item.added": "conversation.item.created",
    "conversation.item.done": "",
    "rate_limits.updated": "",
}
"""GA server event to its beta name; ``""`` for an event that the beta does not send at that point."""
TRANSCRIPTION = "conversation.item.input_audio_transcription"
"""Prefix of the types of its events."""
PATHS: Mapping[str, tuple[str, ...]] = {
    name: tuple(path.split(".")) for name, path in GA_FIELDS.items() if name != "temperature"
}
"""Field of the flat session to its path in a GA session."""
RESPONSE_PATHS = {**PATHS, "max_output_tokens": ("max_output_tokens",)}
_GA_ONLY = ("type", "audio", "output_modalities", "truncation", "reasoning")
_FORMAT_NAMES = {value["type"]: name for name, value in GA_FORMATS.items()}
_PARTS = {"output_text": "text", "output_audio": "audio"}
_GA_PARTS = {beta: ga for ga, beta in _PARTS.items()}
_COMBINATIONS = (["audio", "text"], ["text"])


def nested(flat: Mapping[str, Any], root: str, *, own: Sequence[str]) -> tuple[Json, Json]:
    """Return a flat session or response translated to GA, and the members that only the dialect has.

    Args:
        flat: the flat object from the client.
        root: ``session`` or ``response``, for error paths.
        own: members that the dialect has beyond GA.

    Raises:
        ApiRefusal: a member exists only in GA, or a value is not valid in the beta.
    """
    ga: Json = {}
    extra: Json = {}
    for name, value in flat.items():
        if name in own:
            extra[name] = value
            continue
        if name in _GA_ONLY or (root == "session" and name == "max_output_tokens"):
            raise ApiRefusal(
                "unknown_parameter", f"Unknown parameter: '{root}.{name}'.", f"{root}.{name}"
            )
        path = (RESPONSE_PATHS if root == "response" else PATHS).get(name, (name,))
        _put(ga, path, _ga_value(name, value, f"{root}.{name}"))
    return ga, extra


def flattened(session: Mapping[str, Any]) -> Json:
    """Return a GA session with the beta's flat names."""
    found: Json = {
        "id": session["id"],
        "object": session.get("object", "realtime.session"),
        "expires_at": session["expires_at"],
    }
    for name in ("model", "instructions", "tools", "tool_choice", "tracing", "include"):
        if name in session:
            found[name] = session[name]
    for name, path in PATHS.items():
        value: Any = session
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        # The beta sends null for absent input settings but omits absent output settings, as a transcription session has.
        if value is not None or path[:2] == ("audio", "input"):
            found[name] = beta_value(name, value)
    return found


def beta_value(name: str, value: Any) -> Any:
    """Return a GA value translated to the beta."""
    if name.endswith("_format") and isinstance(value, Mapping):
        return _FORMAT_NAMES.get(str(value.get("type")), "pcm16")
    if name == "modalities":
        return ["text"] if value == ["text"] else ["audio", "text"]
    if name == "turn_detection" and value is not None:
        return {key: entry for key, entry in value.items() if key != "idle_timeout_ms"}
    return value


def ga_item(item: Any) -> Any:
    """Return a client's item with GA's part types."""
    if not isinstance(item, dict) or not isinstance(item.get("content"), list):
        return item
    return {**item, "content": [_renamed(part, _GA_PARTS) for part in item["content"]]}


def beta_item(item: Mapping[str, Any]) -> Json:
    """Return an item translated to the beta: with an ``object``, without a ``phase``."""
    found: Json = {"id": item.get("id"), "object": "realtime.item"}
    found |= {key: value for key, value in item.items() if key not in ("id", "phase")}
    if isinstance(item.get("content"), list):
        found["content"] = [_renamed(part, _PARTS) for part in item["content"]]
    return found


def with_beta_paths(refusal: ApiRefusal) -> ApiRefusal:
    """Return a refusal with the paths of the flat session in its message and ``param``."""
    param, message = refusal.param, refusal.message
    for name, path in PATHS.items():
        for root in ("session", "response"):
            ga, flat = f"{root}.{'.'.join(path)}", f"{root}.{name}"
            message = message.replace(f"'{ga}", f"'{flat}")
            if param is not None and param.startswith(ga):
                param = flat + param.removeprefix(ga)
    return ApiRefusal(refusal.code, message, param, refusal.type, refusal.late_ms)


def _put(target: Json, path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        target = target.setdefault(key, {})
    target[path[-1]] = value


def _ga_value(name: str, value: Any, path: str) -> Any:
    if name.endswith("_format"):
        if not isinstance(value, str) or value not in GA_FORMATS:
            raise ApiRefusal("invalid_value", not_supported(value, tuple(GA_FORMATS)), path)
        return dict(GA_FORMATS[value])
    if name == "modalities":
        names = sorted(value) if isinstance(value, list) and _are_texts(value) else value
        if names not in _COMBINATIONS:
            message = f"Invalid modalities: {value}. Supported combinations are: ['text'] and ['audio', 'text']."
            raise ApiRefusal("invalid_value", message, path)
        return ["text"] if names == ["text"] else ["audio"]
    return value


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _renamed(part: Any, names: Mapping[str, str]) -> Any:
    name = names.get(str(part.get("type"))) if isinstance(part, dict) else None
    return part if name is None else {**part, "type": name}

"""The checks of client events beyond the schema: values that the SDK types as plain strings, and limits from its comments.

These checks look at the event alone; what depends on the session's state is checked where that state is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from inspector.analysis.validate import check, not_supported
from inspector.sim.refusals import (
    ApiRefusal,
    bad_image,
    invalid_modalities,
    mcp_duplicate_label,
    mcp_either_or,
    missing,
    too_long,
    wrong_type,
)

Validate = Callable[[Mapping[str, Any]], ApiRefusal | None]
"""Returns why a client event is refused; None if it is valid."""

VOICES = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)
MAX_EVENT_ID, MAX_METADATA_KEY, MAX_METADATA_VALUE, MAX_METADATA_PAIRS = 512, 64, 512, 16
_MAY_BE_NULL = ("event_id", "previous_item_id", "response", "response_id")


def validate(event: Mapping[str, Any]) -> ApiRefusal | None:
    """Return why an event is refused, by the schema and then by the checks here; None if it is valid.

    Null is treated like an absent member wherever clients that work with the real server send it.
    """
    event = _without_nulls(event)
    problem = next(iter(check(event)), None)
    if problem is not None:
        return ApiRefusal(problem.code, problem.message, problem.param)
    return next(_refusals(event), None)  # like the server, report the first problem only


def _without_nulls(event: Mapping[str, Any]) -> Mapping[str, Any]:
    if None in event.values():
        event = {k: v for k, v in event.items() if v is not None or k not in _MAY_BE_NULL}
    response = event.get("response")
    if not isinstance(response, dict) or None not in response.values():
        return event
    kept = {name: value for name, value in response.items() if value is not None}
    return {**event, "response": kept}


def _refusals(event: Mapping[str, Any]) -> Iterator[ApiRefusal]:
    given = event.get("event_id")
    if isinstance(given, str) and len(given) > MAX_EVENT_ID:
        yield too_long("event_id", MAX_EVENT_ID, len(given))
    for root in ("session", "response"):
        body = event.get(root)
        if isinstance(body, dict):
            yield from _modalities(body, root)
            yield from _voice(body, root)
            yield from _tools(body, root)
            yield from _metadata(body, root)
            for index, item in enumerate(body.get("input") or ()):
                yield from _images(item, f"{root}.input[{index}]")
    if isinstance(event.get("item"), dict):
        yield from _images(event["item"], "item")
    response = event.get("response")
    conversation = response.get("conversation") if isinstance(response, dict) else None
    if conversation not in (None, "auto", "none"):
        message = not_supported(conversation, ("auto", "none"))
        yield ApiRefusal("invalid_value", message, "response.conversation")


def _modalities(body: Mapping[str, Any], root: str) -> Iterator[ApiRefusal]:
    chosen = body.get("output_modalities")
    if isinstance(chosen, list) and chosen not in (["text"], ["audio"]):
        yield invalid_modalities(chosen, f"{root}.output_modalities")


def _voice(body: Mapping[str, Any], root: str) -> Iterator[ApiRefusal]:
    audio = body.get("audio")
    output = audio.get("output") if isinstance(audio, dict) else None
    voice = output.get("voice") if isinstance(output, dict) else None
    if isinstance(voice, str) and voice not in VOICES:
        path = f"{root}.audio.output.voice"
        yield ApiRefusal("invalid_value", not_supported(voice, VOICES), path)


def _tools(body: Mapping[str, Any], root: str) -> Iterator[ApiRefusal]:
    tools = body.get("tools")
    if not isinstance(tools, list):
        return
    for index, tool in enumerate(tools):
        if tool["type"] == "function" and not tool["name"]:
            yield missing(f"{root}.tools[{index}].name")
    yield from _mcp_servers(tools, root)


def _mcp_servers(tools: list[Any], root: str) -> Iterator[ApiRefusal]:
    labels: set[str] = set()
    for index, tool in enumerate(tools):
        if tool.get("type") != "mcp":
            continue
        path = f"{root}.tools[{index}]"
        if tool["server_label"] in labels:
            yield mcp_duplicate_label(f"{path}.server_label", tool["server_label"])
        labels.add(tool["server_label"])
        if tool.get("server_url") and tool.get("connector_id"):
            yield mcp_either_or(f"{path}.server_url", "server_url", "connector_id")
        headers = tool.get("headers") or {}
        if tool.get("authorization") and any(name.lower() == "authorization" for name in headers):
            yield mcp_either_or(f"{path}.authorization", "authorization", "headers.Authorization")


def _images(item: Mapping[str, Any], root: str) -> Iterator[ApiRefusal]:
    content = item.get("content")
    for index, part in enumerate(content if isinstance(content, list) else ()):
        image = part.get("image_url") if part["type"] == "input_image" else None
        if image is not None and not image.startswith("data:image/"):
            yield bad_image(f"{root}.content[{index}].image_url")


def _metadata(body: Mapping[str, Any], root: str) -> Iterator[ApiRefusal]:
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return
    path = f"{root}.metadata"
    if len(metadata) > MAX_METADATA_PAIRS:
        yield ApiRefusal(
            "object_above_max_properties",
            f"Invalid '{path}': too many properties. Expected an object with at most "
            f"{MAX_METADATA_PAIRS} properties, but got an object with {len(metadata)} properties instead.",
            path,
        )
    for key, value in metadata.items():
        if not isinstance(value, str):
            yield wrong_type(f"{path}.{key}", "a string", value)
        elif len(value) > MAX_METADATA_VALUE:
            yield too_long(f"{path}.{key}", MAX_METADATA_VALUE, len(value))
        elif len(key) > MAX_METADATA_KEY:
            yield too_long(path, MAX_METADATA_KEY, len(key))

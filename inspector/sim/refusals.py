"""The error events of the server, with its exact wording as seen in recorded sessions and public bug reports.

Each function returns the error for the situation that its docstring names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class ApiRefusal(Exception):
    """A client event that is refused: sent as an ``error`` event, without any effect on the session."""

    code: str | None
    message: str
    param: str | None = None
    type: str = "invalid_request_error"
    late_ms: int = 0
    """Extra delay before the server sends it, in milliseconds."""


def commit_empty(have_ms: float) -> ApiRefusal:
    """A commit of less than 100 ms."""
    return ApiRefusal(
        "input_audio_buffer_commit_empty",
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
        f"but buffer only has {have_ms:.2f}ms of audio.",
        late_ms=800,  # recorded: the real server takes this long, and clients send more meanwhile
    )


def response_active(response_id: str) -> ApiRefusal:
    """A second response in the default conversation."""
    return ApiRefusal(
        "conversation_already_has_active_response",
        f"Conversation already has an active response in progress: {response_id}. "
        "Wait until the response is finished before creating a new one.",
    )


def cancel_not_active() -> ApiRefusal:
    """A cancel without an active response."""
    return ApiRefusal("response_cancel_not_active", "Cancellation failed: no active response found")


def truncate_too_long(have_ms: int, wanted_ms: int) -> ApiRefusal:
    """A truncation beyond the end of the audio."""
    message = f"Audio content of {have_ms}ms is already shorter than {wanted_ms}ms"
    return ApiRefusal("invalid_value", message, "audio_end_ms")


def truncate_not_audio() -> ApiRefusal:
    """A truncation of an item that is not model audio."""
    return ApiRefusal(None, "Only model output audio messages can be truncated")


def no_such_item(action: str, item_id: str) -> ApiRefusal:
    """A truncate, delete or retrieve of an item that does not exist."""
    messages = {
        "truncate": f"Item with item_id not found: {item_id}",
        "delete": f"Error deleting item: the item with id '{item_id}' does not exist.",
        "retrieve": f"Error retrieving item: the item with id '{item_id}' does not exist.",
    }
    return ApiRefusal(f"item_{action}_invalid_item_id", messages[action])


def no_such_previous(item_id: str) -> ApiRefusal:
    """An item placed after one that does not exist."""
    return ApiRefusal(
        "item_create_invalid_previous_item_id",
        f"Error creating item: the previous item with id '{item_id}' does not exist.",
        "previous_item_id",
    )


def duplicate_item(item_id: str) -> ApiRefusal:
    """An item with an id that already exists."""
    return ApiRefusal(
        "item_create_duplicate_item_id",
        f"Error creating item: an item with id '{item_id}' already exists.",
    )


def voice_locked() -> ApiRefusal:
    """A change of voice after the assistant has spoken."""
    return ApiRefusal(
        "cannot_update_voice", "Cannot update a conversation's voice if assistant audio is present."
    )


def no_turn_detection(model: str) -> ApiRefusal:
    """Turn detection in a transcription session whose model does not support it."""
    return ApiRefusal(
        "invalid_value",
        f"Turn detection is not supported for transcription model '{model}'.",
        "session.audio.input.turn_detection",
    )


def model_locked() -> ApiRefusal:
    """A change of model."""
    return ApiRefusal("invalid_value", "The model of a session cannot be changed.", "session.model")


def tracing_locked() -> ApiRefusal:
    """A change of tracing after it was enabled."""
    return ApiRefusal(
        "invalid_value",
        "Once tracing is enabled for a session, the configuration cannot be modified.",
        "session.tracing",
    )


def wrong_session_kind(kind: str) -> ApiRefusal:
    """An update of the other kind of session."""
    return ApiRefusal(
        "invalid_parameter",
        f"Passing a {kind} session update event to a {'realtime' if kind != 'realtime' else 'transcription'} "
        "session is not allowed.",
        "session.type",
    )


def tool_call_unknown(call_id: str) -> ApiRefusal:
    """A function output for an unknown call."""
    return ApiRefusal(
        "invalid_tool_call_id",
        f"Tool call ID '{call_id}' not found in conversation.",
    )


def bad_audio(param: str = "audio") -> ApiRefusal:
    """Audio that is not base64."""
    return ApiRefusal(
        "invalid_value",
        "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got an invalid value.",
        param,
    )


def append_too_large() -> ApiRefusal:
    """An append above 15 MiB."""
    return ApiRefusal(
        "invalid_value", "Invalid 'audio': at most 15728640 bytes can be appended at once.", "audio"
    )


def no_such_reference(index: int, item_id: str) -> ApiRefusal:
    """A response whose input names an item that does not exist."""
    return ApiRefusal(
        "invalid_value", f"Item with item_id not found: {item_id}", f"response.input[{index}].id"
    )


def mcp_server_unknown(index: int, label: str) -> ApiRefusal:
    """An MCP server without an address that was not declared before."""
    return ApiRefusal(
        "missing_required_parameter",
        f"MCP server '{label}' is not known: one of 'server_url', 'connector_id' or 'tunnel_id' is required.",
        f"session.tools[{index}].server_url",
    )


def mcp_duplicate_label(path: str, label: str) -> ApiRefusal:
    """Two MCP servers with the same label."""
    return ApiRefusal("invalid_value", f"Duplicate MCP server_label found: '{label}'.", path)


def mcp_either_or(path: str, one: str, other: str) -> ApiRefusal:
    """Two mutually exclusive members of an MCP server."""
    message = f"Only one of '{one}' and '{other}' can be given for an MCP server."
    return ApiRefusal("mutually_exclusive_parameters", message, path)


def approval_unknown(request_id: str) -> ApiRefusal:
    """An answer to an approval request that does not exist or was already answered."""
    message = f"No pending approval request with id '{request_id}' found."
    return ApiRefusal("invalid_value", message, "item.approval_request_id")


def context_full(have: int, limit: int) -> ApiRefusal:
    """A response whose input exceeds the context window while truncation is disabled."""
    return ApiRefusal(
        "context_length_exceeded",
        f"The conversation has {have} input tokens, which exceeds the limit of {limit}; truncation is disabled.",
    )


def bad_image(path: str) -> ApiRefusal:
    """An image URL that is not a data URI."""
    message = (
        f"Invalid '{path}'. Expected a base64-encoded data URI with an image MIME type "
        "(e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got another value."
    )
    return ApiRefusal("invalid_value", message, path)


def no_responses() -> ApiRefusal:
    """A response in a transcription session."""
    return ApiRefusal("invalid_event", "A transcription session does not create responses.", "type")


def not_in_session(name: str) -> ApiRefusal:
    """An event of another kind of session."""
    wanted = "translation" if name.startswith("session.") else "realtime"
    message = f"'{name}' is only valid in a {wanted} session."
    return ApiRefusal("invalid_event", message, "type")


def not_supported_here(name: str) -> ApiRefusal:
    """An event that this provider does not support."""
    return ApiRefusal("invalid_value", f"'{name}' is not supported.", "type")


def too_many_responses(limit: int) -> ApiRefusal:
    """Too many parallel responses; a limit of the simulator, not of the API."""
    return ApiRefusal(
        "rate_limit_exceeded", f"At most {limit} responses can be in progress at once.", "type"
    )


def missing(path: str) -> ApiRefusal:
    """A missing required member."""
    return ApiRefusal("missing_required_parameter", f"Missing required parameter: '{path}'.", path)


def wrong_type(path: str, expected: str, value: object) -> ApiRefusal:
    """A value of the wrong JSON type."""
    kinds = {bool: "a boolean", int: "an integer", float: "a number", list: "an array"}
    got = "null" if value is None else kinds.get(type(value), "an object")
    return ApiRefusal(
        "invalid_type",
        f"Invalid type for '{path}': expected {expected}, but got {got} instead.",
        path,
    )


def too_long(path: str, limit: int, length: int) -> ApiRefusal:
    """A string that exceeds its maximum length."""
    return ApiRefusal(
        "string_above_max_length",
        f"Invalid '{path}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        path,
    )


def invalid_modalities(chosen: list[object], path: str) -> ApiRefusal:
    """Any output modalities other than exactly one."""
    return ApiRefusal(
        "invalid_value",
        f"Invalid modalities: {chosen}. Supported combinations are: ['text'] and ['audio'].",
        path,
    )


def not_json() -> ApiRefusal:
    """A frame that is not a JSON object."""
    return ApiRefusal(
        "invalid_json",
        "Invalid event: failed to parse JSON value. Check that the event is valid JSON.",
    )


def too_deep() -> ApiRefusal:
    """An event that is nested too deeply."""
    return ApiRefusal("invalid_json", "Invalid event: the JSON value is nested too deeply.")


def binary_frame() -> ApiRefusal:
    """A binary frame."""
    message = "Expected a text WebSocket message; binary frames are not supported."
    return ApiRefusal("invalid_event", message)


def no_type() -> ApiRefusal:
    """An object without a type."""
    return ApiRefusal("invalid_event", "The 'type' field is missing.", "type")

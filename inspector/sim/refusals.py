"""The errors that the server raises, word for word. Source: recorded sessions and reports, protocol reference 3.14."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class Refusal(Exception):
    """A client event that is refused; becomes an ``error`` event and changes nothing."""

    code: str | None
    message: str
    param: str | None = None
    type: str = "invalid_request_error"
    late_ms: int = 0
    """How much later than usual the server says it."""


def commit_empty(have_ms: float) -> Refusal:
    """A commit of less than 100 ms."""
    return Refusal(
        "input_audio_buffer_commit_empty",
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
        f"but buffer only has {have_ms:.2f}ms of audio.",
        late_ms=800,
    )


def response_active(response_id: str) -> Refusal:
    """A second response in the default conversation."""
    return Refusal(
        "conversation_already_has_active_response",
        f"Conversation already has an active response in progress: {response_id}. "
        "Wait until the response is finished before creating a new one.",
    )


def cancel_not_active() -> Refusal:
    """A cancel with nothing to cancel."""
    return Refusal("response_cancel_not_active", "Cancellation failed: no active response found")


def truncate_too_long(have_ms: int, wanted_ms: int) -> Refusal:
    """A truncation past the end of the audio."""
    message = f"Audio content of {have_ms}ms is already shorter than {wanted_ms}ms"
    return Refusal("invalid_value", message, "audio_end_ms")


def truncate_not_audio() -> Refusal:
    """A truncation of something that is not the model's audio."""
    return Refusal(None, "Only model output audio messages can be truncated")


def no_such_item(action: str, item_id: str) -> Refusal:
    """A truncate, delete or retrieve of an item that does not exist."""
    messages = {
        "truncate": f"Item with item_id not found: {item_id}",
        "delete": f"Error deleting item: the item with id '{item_id}' does not exist.",
        "retrieve": f"Error retrieving item: the item with id '{item_id}' does not exist.",
    }
    return Refusal(f"item_{action}_invalid_item_id", messages[action])


def no_such_previous(item_id: str) -> Refusal:
    """An item placed after one that does not exist."""
    return Refusal(
        "item_create_invalid_previous_item_id",
        f"Error creating item: the previous item with id '{item_id}' does not exist.",
        "previous_item_id",
    )


def duplicate_item(item_id: str) -> Refusal:
    """An item with an id that is taken."""
    return Refusal(
        "item_create_duplicate_item_id",
        f"Error creating item: an item with id '{item_id}' already exists.",
    )


def voice_locked() -> Refusal:
    """A change of voice after the assistant has spoken."""
    return Refusal(
        "cannot_update_voice", "Cannot update a conversation's voice if assistant audio is present."
    )


def model_locked() -> Refusal:
    """A change of model."""
    return Refusal("invalid_value", "The model of a session cannot be changed.", "session.model")


def tracing_locked() -> Refusal:
    """A change of tracing once it is on."""
    return Refusal(
        "invalid_value",
        "Once tracing is enabled for a session, the configuration cannot be modified.",
        "session.tracing",
    )


def wrong_session_kind(kind: str) -> Refusal:
    """An update of the other kind of session."""
    return Refusal(
        "invalid_parameter",
        f"Passing a {kind} session update event to a {'realtime' if kind != 'realtime' else 'transcription'} "
        "session is not allowed.",
        "session.type",
    )


def tool_call_unknown(call_id: str) -> Refusal:
    """A function output for a call that was never made."""
    return Refusal(
        "invalid_tool_call_id",
        f"Tool call ID '{call_id}' not found in conversation.",
    )


def bad_audio(param: str = "audio") -> Refusal:
    """Audio that is not base64."""
    return Refusal(
        "invalid_value",
        "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got an invalid value.",
        param,
    )


def append_too_large() -> Refusal:
    """An append above 15 MiB."""
    return Refusal(
        "invalid_value", "Invalid 'audio': at most 15728640 bytes can be appended at once.", "audio"
    )


def no_such_reference(index: int, item_id: str) -> Refusal:
    """A response whose input names an item that does not exist."""
    return Refusal(
        "invalid_value", f"Item with item_id not found: {item_id}", f"response.input[{index}].id"
    )


def no_responses() -> Refusal:
    """A response in a transcription session."""
    return Refusal("invalid_event", "A transcription session does not create responses.", "type")


def translation_only(kind: str) -> Refusal:
    """An event of translation sessions in another session."""
    return Refusal("invalid_event", f"'{kind}' is only valid in a translation session.", "type")


def too_many_responses(limit: int) -> Refusal:
    """More responses at once than this server makes; a limit of the simulator's own."""
    return Refusal(
        "rate_limit_exceeded", f"At most {limit} responses can be in progress at once.", "type"
    )


def missing(path: str) -> Refusal:
    """A member that must be there."""
    return Refusal("missing_required_parameter", f"Missing required parameter: '{path}'.", path)


def wrong_type(path: str, expected: str, value: object) -> Refusal:
    """A value of another JSON type."""
    kinds = {bool: "a boolean", int: "an integer", float: "a number", list: "an array"}
    got = "null" if value is None else kinds.get(type(value), "an object")
    return Refusal(
        "invalid_type",
        f"Invalid type for '{path}': expected {expected}, but got {got} instead.",
        path,
    )


def too_long(path: str, limit: int, length: int) -> Refusal:
    """A string above its maximum length."""
    return Refusal(
        "string_above_max_length",
        f"Invalid '{path}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        path,
    )


def invalid_modalities(chosen: list[object], path: str) -> Refusal:
    """Both modalities at once, or none."""
    return Refusal(
        "invalid_value",
        f"Invalid modalities: {chosen}. Supported combinations are: ['text'] and ['audio'].",
        path,
    )


def not_json() -> Refusal:
    """A frame that is no JSON object."""
    return Refusal(
        "invalid_json",
        "Invalid event: failed to parse JSON value. Check that the event is valid JSON.",
    )


def too_deep() -> Refusal:
    """An event that no client means."""
    return Refusal("invalid_json", "Invalid event: the JSON value is nested too deeply.")


def binary_frame() -> Refusal:
    """A binary frame."""
    message = "Expected a text WebSocket message; binary frames are not supported."
    return Refusal("invalid_event", message)


def no_type() -> Refusal:
    """An object without a type."""
    return Refusal("invalid_event", "The 'type' field is missing.", "type")


GOING_AWAY = 1001


@dataclass(frozen=True, slots=True)
class Fatal:
    """A refusal that closes the connection: an ``error`` event and a close in the same instant."""

    refusal: Refusal
    close_code: int

    @property
    def reason(self) -> str:
        """Return the close reason: ``type.code``, the type alone, or the message of an expiry."""
        if self.close_code == GOING_AWAY:
            return self.refusal.message
        return self.refusal.type + (f".{self.refusal.code}" if self.refusal.code else "")


def bad_key(key: str) -> Fatal:
    """A key that is not accepted."""
    shown = f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}" if len(key) > 12 else "***"
    message = (
        f"Incorrect API key provided: {shown}. You can find your API key at "
        "https://platform.openai.com/account/api-keys."
    )
    return Fatal(Refusal("invalid_api_key", message), 3000)


def no_auth() -> Fatal:
    """No key at all."""
    return Fatal(Refusal(None, "Missing bearer or basic authentication in header"), 3000)


def bad_model(model: str) -> Fatal:
    """A model that is not served here."""
    return Fatal(
        Refusal("invalid_model", f'Model "{model}" is not supported in realtime mode.'), 4000
    )


def no_model() -> Fatal:
    """No model in the URL."""
    message = (
        "You must provide a model parameter, for example "
        "wss://api.openai.com/v1/realtime?model=gpt-realtime-1.5"
    )
    return Fatal(Refusal("missing_model", message), 4000)


def beta_shape() -> Fatal:
    """The beta header."""
    message = (
        "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."
    )
    return Fatal(Refusal("beta_api_shape_disabled", message), 4000)


def expired() -> Fatal:
    """Sixty minutes are over."""
    return Fatal(
        Refusal("session_expired", "Your session hit the maximum duration of 60 minutes."),
        GOING_AWAY,
    )

"""Refused events: an ``error`` event in the server's wording that echoes the ``event_id`` and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim_driver import (
    COMMIT,
    SimDriver,
    create,
    error,
    only,
    update,
    user,
)

Body = dict[str, Any]


def audio_input(**members: Any) -> Body:
    return update(audio={"input": members})


def item(**members: Any) -> Body:
    return {"type": "conversation.item.create", "item": members}


def on_item(action: str, **members: Any) -> Body:
    return {"type": f"conversation.item.{action}", "item_id": "X", **members}


SUPPORTED = (
    "'session.update', 'session.close', 'input_audio_buffer.append', 'session.input_audio_buffer.append', "
    "'input_audio_buffer.commit', 'input_audio_buffer.clear', 'conversation.item.create', "
    "'conversation.item.truncate', 'conversation.item.delete', 'conversation.item.retrieve', 'response.create', "
    "and 'response.cancel'"
)
CUT = {"content_index": 0, "audio_end_ms": 10}
NESTED = {"type": "function", "function": {"name": "f"}}
TABLE: list[tuple[Body, str | None, str, str | None]] = [
    (
        COMMIT,
        "input_audio_buffer_commit_empty",
        (
            "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
            "but buffer only has 0.00ms of audio."
        ),
        None,
    ),
    (
        {"type": "response.cancel"},
        "response_cancel_not_active",
        "Cancellation failed: no active response found",
        None,
    ),
    (
        {"type": "response.cancel", "response_id": "resp_X"},
        "response_cancel_not_active",
        "Cancellation failed: no active response found",
        None,
    ),
    (
        on_item("truncate", **CUT),
        "item_truncate_invalid_item_id",
        "Item with item_id not found: X",
        None,
    ),
    (
        on_item("delete"),
        "item_delete_invalid_item_id",
        "Error deleting item: the item with id 'X' does not exist.",
        None,
    ),
    (
        on_item("retrieve"),
        "item_retrieve_invalid_item_id",
        "Error retrieving item: the item with id 'X' does not exist.",
        None,
    ),
    (
        update(modalities=["text"]),
        "unknown_parameter",
        "Unknown parameter: 'session.modalities'.",
        "session.modalities",
    ),
    (
        {"type": "session.update", "session": {"instructions": "x"}},
        "missing_required_parameter",
        "Missing required parameter: 'session.type'.",
        "session.type",
    ),
    (
        update(tool_choice="always"),
        "invalid_value",
        "Invalid value: 'always'. Supported values are: 'none', 'auto', and 'required'.",
        "session.tool_choice",
    ),
    (
        audio_input(format="pcm16"),
        "invalid_type",
        "Invalid type for 'session.audio.input.format': expected an object, but got a string instead.",
        "session.audio.input.format",
    ),
    (
        audio_input(format={"type": "audio/pcm", "rate": 16000}),
        "integer_below_min_value",
        (
            "Invalid 'session.audio.input.format.rate': integer below minimum value. Expected a value >= 24000, "
            "but got 16000 instead."
        ),
        "session.audio.input.format.rate",
    ),
    (
        item(type="message", role="assistant", content=[{"type": "output_audio", "audio": "AA=="}]),
        "missing_required_parameter",
        "Missing required parameter: 'item.content[0].text'.",
        "item.content[0].text",
    ),
    (
        item(type="message", role="user", content=[{}]),
        "missing_required_parameter",
        "Missing required parameter: 'item.content[0].type'.",
        "item.content[0].type",
    ),
    (
        item(type="function_call_output", call_id="call_X", output="1"),
        "invalid_tool_call_id",
        "Tool call ID 'call_X' not found in conversation.",
        None,
    ),
    (
        {**user("a"), "previous_item_id": "X"},
        "item_create_invalid_previous_item_id",
        "Error creating item: the previous item with id 'X' does not exist.",
        "previous_item_id",
    ),
    (
        {"type": "nope"},
        "invalid_value",
        f"Invalid value: 'nope'. Supported values are: {SUPPORTED}.",
        "type",
    ),
    (
        {"type": "output_audio_buffer.clear"},
        "invalid_value",
        f"Invalid value: 'output_audio_buffer.clear'. Supported values are: {SUPPORTED}.",
        "type",
    ),
    (
        {"type": "session.close"},
        "invalid_event",
        "'session.close' is only valid in a translation session.",
        "type",
    ),
    ({"no": "type"}, "invalid_event", "The 'type' field is missing.", "type"),
    (
        {"type": "input_audio_buffer.append", "audio": "not base64"},
        "invalid_value",
        "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got an invalid value.",
        "audio",
    ),
    (
        update(output_modalities=["text", "audio"]),
        "invalid_value",
        "Invalid modalities: ['text', 'audio']. Supported combinations are: ['text'] and ['audio'].",
        "session.output_modalities",
    ),
    (
        update(audio={"output": {"voice": "bob"}}),
        "invalid_value",
        (
            "Invalid value: 'bob'. Supported values are: 'alloy', 'ash', 'ballad', 'coral', 'echo', 'sage', 'shimmer', "
            "'verse', 'marin', and 'cedar'."
        ),
        "session.audio.output.voice",
    ),
    (
        update(tools=[NESTED]),
        "unknown_parameter",
        "Unknown parameter: 'session.tools[0].function'.",
        "session.tools[0].function",
    ),
    (
        update(tools=[{"type": "function"}]),
        "missing_required_parameter",
        "Missing required parameter: 'session.tools[0].name'.",
        "session.tools[0].name",
    ),
    (
        update(model="gpt-realtime-mini"),
        "invalid_value",
        "The model of a session cannot be changed.",
        "session.model",
    ),
    (
        create(conversation="other"),
        "invalid_value",
        "Invalid value: 'other'. Supported values are: 'auto' and 'none'.",
        "response.conversation",
    ),
    (
        create(metadata={"a": 1}),
        "invalid_type",
        "Invalid type for 'response.metadata.a': expected a string, but got an integer instead.",
        "response.metadata.a",
    ),
    (
        create(metadata={"a": "x" * 513}),
        "string_above_max_length",
        (
            "Invalid 'response.metadata.a': string too long. Expected a string with maximum length 512, "
            "but got a string with length 513 instead."
        ),
        "response.metadata.a",
    ),
    (
        create(input=[{"type": "item_reference", "id": "X"}]),
        "invalid_value",
        "Item with item_id not found: X",
        "response.input[0].id",
    ),
]


@pytest.mark.parametrize(("event", "code", "message", "param"), TABLE)
def test_a_refusal_has_the_servers_words(
    event: Body, code: str | None, message: str, param: str | None
) -> None:
    driver = SimDriver()
    (created,) = driver.run()
    (refused,) = driver.ask({**event, "event_id": "mine"})

    assert refused["error"] == {
        "type": "invalid_request_error",
        "code": code,
        "message": message,
        "param": param,
        "event_id": "mine",
    }
    assert list(refused) == ["type", "event_id", "error"]
    updated = only(driver.ask(update()), "session.updated")
    assert updated["session"] == created["session"]
    assert not driver.session.is_closed


@pytest.mark.parametrize(
    ("data", "is_text", "code", "message"),
    [
        (b"{", True, "invalid_json", "Invalid event: failed to parse JSON value."),
        (b"[]", True, "invalid_json", "Invalid event: failed to parse JSON value."),
        (b"\xff\xfe", True, "invalid_json", "Invalid event: failed to parse JSON value."),
        (
            b'{"type":' + b"[" * 200 + b"]" * 200 + b"}",
            True,
            "invalid_json",
            "Invalid event: the JSON value is nested too deeply.",
        ),
        (
            b"\x00\x01",
            False,
            "invalid_event",
            "Expected a text WebSocket message; binary frames are not supported.",
        ),
    ],
)
def test_a_frame_that_is_no_event_is_refused(
    data: bytes, is_text: bool, code: str, message: str
) -> None:
    driver = SimDriver()
    driver.run()
    driver.send(data, is_text=is_text)
    refused = error(driver.run())

    assert refused["code"] == code
    assert refused["message"].startswith(message)
    assert (refused["param"], refused["event_id"]) == (None, None)

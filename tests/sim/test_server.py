"""The simulator says what recorded servers say, in their order and words."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from inspector.sim.respond import pieces_of
from inspector.sim.settings import SimSettings
from tests.sim_driver import CREATE, TEXT_SESSION, SimDriver, types, user
from tests.support import corpus_dir

TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "Look up the weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
TEXT_TURN = [
    "conversation.item.added",
    "conversation.item.done",
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


def append(ms: int, level: int = 0, rate: int = 24_000) -> dict[str, Any]:
    sample = level.to_bytes(2, "little", signed=True) + (-level).to_bytes(2, "little", signed=True)
    data = sample * (rate * ms // 2000)
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(data).decode()}


def spoken(driver: SimDriver, text: str = "Count to twelve") -> dict[str, Any]:
    """Let the server speak, and return the finished item."""
    done = [event for event in driver.ask(user(text), CREATE) if event["type"] == "response.done"]
    item: dict[str, Any] = done[0]["response"]["output"][0]
    return item


def test_a_session_begins_with_its_whole_configuration() -> None:
    events = SimDriver().run()

    assert types(events) == ["session.created"]
    assert list(events[0]) == ["type", "event_id", "session"]


@pytest.mark.skipif(corpus_dir() is None, reason="no recorded sessions beside the checkout")
def test_the_session_object_has_the_keys_of_the_real_one_in_its_order() -> None:
    corpus = corpus_dir()
    assert corpus is not None
    recorded = orjson.loads((corpus / "openai-tool-call-round.jsonl").read_bytes().split(b"\n")[0])

    session = SimDriver().run()[0]["session"]

    assert list(session) == list(recorded["event"]["session"])
    assert list(session["audio"]["input"]) == list(recorded["event"]["session"]["audio"]["input"])


@pytest.mark.parametrize(
    ("model", "voice", "silence"),
    [("gpt-realtime", "alloy", 200), ("gpt-realtime-2.1-mini", "marin", 500)],
)
def test_defaults_are_those_of_the_model(model: str, voice: str, silence: int) -> None:
    audio = SimDriver(query={"model": model}).run()[0]["session"]["audio"]

    assert audio["output"]["voice"] == voice
    assert audio["input"]["turn_detection"]["silence_duration_ms"] == silence


def test_a_text_turn_has_the_recorded_order() -> None:
    driver = SimDriver()
    driver.ask(TEXT_SESSION)

    events = driver.ask(user("Hello"), CREATE)

    assert types(events) == TEXT_TURN
    deltas = "".join(
        event["delta"] for event in events if event["type"] == "response.output_text.delta"
    )
    assert deltas == next(
        event["text"] for event in events if event["type"] == "response.output_text.done"
    )
    assert all("obfuscation" in event for event in events if event["type"].endswith("text.delta"))
    assert all("object" not in event["item"] for event in events if "item" in event)


def test_a_spoken_turn_sends_words_before_sound_and_ends_in_the_recorded_order() -> None:
    driver = SimDriver()
    events = driver.ask(user("Count to five"), CREATE)

    names = types(events)
    first = {name: names.index(name) for name in names}
    assert first["response.output_audio_transcript.delta"] < first["response.output_audio.delta"]
    assert names[-7:] == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    words = "".join(
        event["delta"]
        for event in events
        if event["type"] == "response.output_audio_transcript.delta"
    )
    assert words == "1, 2, 3, 4, 5."


def test_a_manual_audio_turn_needs_commit_and_create() -> None:
    driver = SimDriver()
    driver.ask(
        {
            "type": "session.update",
            "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}},
        }
    )

    assert types(driver.ask(append(500), {"type": "input_audio_buffer.commit"})) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert "response.output_audio.delta" in types(driver.ask(CREATE))


def test_speech_and_silence_make_a_turn_under_server_vad() -> None:
    driver = SimDriver()
    driver.run()
    events = driver.ask(append(200), append(600, 6000), append(800))

    names = types(events)
    assert names[:6] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    assert len({event["item_id"] for event in events[:3]}) == 1


def test_a_function_call_goes_round() -> None:
    driver = SimDriver()
    driver.ask(
        {
            "type": "session.update",
            "session": {"type": "realtime", "output_modalities": ["text"], "tools": [TOOL]},
        }
    )

    events = driver.ask(user("What is the weather in Paris?"), CREATE)

    done = next(
        event for event in events if event["type"] == "response.function_call_arguments.done"
    )
    assert (done["name"], orjson.loads(done["arguments"])) == ("get_weather", {"city": "Paris"})
    assert types(events)[2:] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    item = {"type": "function_call_output", "call_id": done["call_id"], "output": "sunny"}
    answer = driver.ask({"type": "conversation.item.create", "item": item}, CREATE)
    assert answer[-2]["response"]["output"][0]["content"][0]["text"] == "sunny"


def test_a_cancelled_response_ends_as_cancelled_with_an_incomplete_item() -> None:
    driver = SimDriver()
    driver.run()
    for event in (user("Count to twelve"), CREATE):
        driver.send(event)
    driver.run(0.8)
    events = driver.ask({"type": "response.cancel"})

    done = next(event["response"] for event in events if event["type"] == "response.done")
    assert (done["status"], done["status_details"]) == (
        "cancelled",
        {"type": "cancelled", "reason": "client_cancelled"},
    )
    assert done["output"][0]["status"] == "incomplete"


def test_an_out_of_band_response_leaves_the_conversation_alone() -> None:
    driver = SimDriver()
    driver.run()
    options = {
        "conversation": "none",
        "output_modalities": ["text"],
        "metadata": {"topic": "x"},
        "input": [],
    }
    events = driver.ask({"type": "response.create", "response": options})

    assert not [event for event in events if event["type"].startswith("conversation.")]
    done = next(event["response"] for event in events if event["type"] == "response.done")
    assert (done["conversation_id"], done["metadata"]) == (None, {"topic": "x"})


def test_truncation_drops_the_transcript_and_knows_the_length() -> None:
    driver = SimDriver()
    item = spoken(driver)
    cut = {
        "type": "conversation.item.truncate",
        "item_id": item["id"],
        "content_index": 0,
        "audio_end_ms": 500,
    }

    assert types(driver.ask(cut)) == ["conversation.item.truncated"]
    error = driver.ask({**cut, "audio_end_ms": 9250})[0]["error"]
    assert (error["code"], error["message"]) == (
        "invalid_value",
        "Audio content of 500ms is already shorter than 9250ms",
    )
    retrieved = driver.ask({"type": "conversation.item.retrieve", "item_id": item["id"]})[0]["item"]
    assert len(base64.b64decode(retrieved["content"][0]["audio"])) == 500 * 48
    assert retrieved["content"][0]["transcript"] == ""


def test_items_go_where_they_are_put_and_can_be_deleted() -> None:
    driver = SimDriver()
    driver.run()
    driver.ask({**user("b"), "item": {**user("b")["item"], "id": "b"}})
    first = driver.ask(
        {**user("a"), "previous_item_id": "root", "item": {**user("a")["item"], "id": "a"}}
    )[0]
    middle = driver.ask(
        {**user("m"), "previous_item_id": "a", "item": {**user("m")["item"], "id": "m"}}
    )[0]

    assert (first["previous_item_id"], middle["previous_item_id"]) == (None, "a")
    assert types(driver.ask({"type": "conversation.item.delete", "item_id": "m"})) == [
        "conversation.item.deleted"
    ]


COMMIT_EMPTY = (
    "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
    "but buffer only has 0.00ms of audio."
)
REFUSED: list[tuple[dict[str, Any] | bytes, str | None, str, str | None]] = [
    (
        {"type": "input_audio_buffer.commit"},
        "input_audio_buffer_commit_empty",
        COMMIT_EMPTY,
        None,
    ),
    (
        {"type": "response.cancel"},
        "response_cancel_not_active",
        "Cancellation failed: no active response found",
        None,
    ),
    (
        {
            "type": "conversation.item.truncate",
            "item_id": "X",
            "content_index": 0,
            "audio_end_ms": 1,
        },
        "item_truncate_invalid_item_id",
        "Item with item_id not found: X",
        None,
    ),
    (
        {"type": "conversation.item.delete", "item_id": "X"},
        "item_delete_invalid_item_id",
        "Error deleting item: the item with id 'X' does not exist.",
        None,
    ),
    (
        {"type": "session.update", "session": {"type": "realtime", "modalities": ["text"]}},
        "unknown_parameter",
        "Unknown parameter: 'session.modalities'.",
        "session.modalities",
    ),
    (
        {"type": "session.update", "session": {}},
        "missing_required_parameter",
        "Missing required parameter: 'session.type'.",
        "session.type",
    ),
    (
        {
            "type": "session.update",
            "session": {"type": "realtime", "audio": {"input": {"format": "pcm16"}}},
        },
        "invalid_type",
        "Invalid type for 'session.audio.input.format': expected an object, but got a string instead.",
        "session.audio.input.format",
    ),
    (
        {
            "type": "conversation.item.create",
            "item": {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_audio", "audio": ""}],
            },
        },
        "missing_required_parameter",
        "Missing required parameter: 'item.content[0].text'.",
        "item.content[0].text",
    ),
    (b"{", "invalid_json", "Invalid event: failed to parse JSON value.", None),
    (b'{"a":1}', "invalid_event", "The 'type' field is missing.", "type"),
    (
        {"type": "nope"},
        "invalid_value",
        "Invalid value: 'nope'. Supported values are: 'session.update', ",
        "type",
    ),
]


@pytest.mark.parametrize(
    ("event", "code", "message", "param"), REFUSED, ids=[str(row[1]) for row in REFUSED]
)
def test_a_refusal_has_the_servers_words_and_changes_nothing(
    event: dict[str, Any] | bytes, code: str | None, message: str, param: str | None
) -> None:
    driver = SimDriver()
    driver.run()
    if isinstance(event, dict):
        event = {**event, "event_id": "mine"}
    driver.send(event)
    (refused,) = driver.run()

    error = refused["error"]
    assert refused["type"] == "error"
    assert (error["code"], error["param"], error["event_id"]) == (
        code,
        param,
        "mine" if isinstance(event, dict) else None,
    )
    assert error["message"].startswith(message)
    assert not driver.session.is_closed


def test_binary_frames_are_refused() -> None:
    driver = SimDriver()
    driver.run()
    driver.send(b"\x00", is_text=False)

    assert driver.run()[0]["error"]["code"] == "invalid_event"


def test_a_second_response_is_refused_while_one_is_active() -> None:
    driver = SimDriver()
    driver.run()
    for event in (user("Count to twelve"), CREATE, CREATE):
        driver.send(event)

    errors = [event["error"] for event in driver.run() if event["type"] == "error"]

    assert [error["code"] for error in errors] == ["conversation_already_has_active_response"]


def test_the_voice_is_locked_once_the_assistant_has_spoken() -> None:
    driver = SimDriver()
    spoken(driver)
    change = {
        "type": "session.update",
        "session": {"type": "realtime", "audio": {"output": {"voice": "marin"}}},
    }

    assert driver.ask(change)[0]["error"]["code"] == "cannot_update_voice"


@pytest.mark.parametrize(
    ("query", "headers", "settings_", "code", "reason"),
    [
        (
            {"model": "gpt-realtime"},
            {"authorization": "Bearer sk-bad"},
            None,
            3000,
            "invalid_request_error.invalid_api_key",
        ),
        (
            {"model": "gpt-realtime"},
            {},
            SimSettings(require_key=True),
            3000,
            "invalid_request_error",
        ),
        ({}, {}, None, 4000, "invalid_request_error.missing_model"),
        ({"model": "gpt-nope"}, {}, None, 4000, "invalid_request_error.invalid_model"),
        (
            {"model": "gpt-realtime"},
            {"openai-beta": "realtime=v1"},
            None,
            4000,
            "invalid_request_error.beta_api_shape_disabled",
        ),
    ],
)
def test_a_connection_is_refused_by_an_error_and_a_close(
    query: dict[str, str],
    headers: dict[str, str],
    settings_: SimSettings | None,
    code: int,
    reason: str,
) -> None:
    driver = SimDriver(query=query, headers=headers, settings=settings_)
    events = driver.run()

    assert types(events) == ["error"]
    assert driver.close is not None
    assert (driver.close.code, driver.close.reason) == (code, reason)


def test_a_session_ends_after_sixty_minutes() -> None:
    driver = SimDriver()
    events = driver.run(4000)

    assert events[-1]["error"]["code"] == "session_expired"
    assert driver.close is not None
    assert driver.close.code == 1001


@pytest.mark.parametrize(("kind", "bytes_per_ms"), [("audio/pcmu", 8), ("audio/pcma", 8)])
def test_telephone_formats_are_spoken(kind: str, bytes_per_ms: int) -> None:
    driver = SimDriver()
    output = {"output": {"format": {"type": kind}}}
    driver.ask({"type": "session.update", "session": {"type": "realtime", "audio": output}})
    events = driver.ask(user("Count to five"), CREATE)

    size = sum(
        len(base64.b64decode(event["delta"]))
        for event in events
        if event["type"] == "response.output_audio.delta"
    )
    usage = events[-2]["response"]["usage"]["output_token_details"]
    assert usage["audio_tokens"] == pytest.approx(size / bytes_per_ms / 50, abs=2)


def test_every_event_is_one_that_the_sdk_knows() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    driver = SimDriver(query={"model": "gpt-realtime-2.1"})
    driver.ask({"type": "session.update", "session": {"type": "realtime", "tools": [TOOL]}})
    driver.ask(append(300, 6000), append(900))
    spoken(driver)
    driver.ask(user("What is the weather in Rome?"), CREATE)
    driver.ask({"type": "nope"}, {"type": "input_audio_buffer.clear"})

    for event in driver.events:
        adapter.validate_python(event)
    assert len({event["event_id"] for event in driver.events}) == len(driver.events)


def test_the_same_seed_makes_the_same_session() -> None:
    assert SimDriver().ask(user("Hello"), CREATE) == SimDriver().ask(user("Hello"), CREATE)


@pytest.mark.parametrize(
    ("told", "asked", "answer"),
    [
        ("My name is Alice.", "What is my name?", "Your name is Alice."),
        ("My favorite color is teal.", "What's my favorite color?", "Your favorite color is teal."),
        ("Hi", "Say banana", "banana"),
        ("Hi", "Count to three", "1, 2, 3."),
        ("Hi", "What is 2 + 3?", "2 + 3 is 5."),
    ],
)
def test_the_brain_remembers_and_obeys(told: str, asked: str, answer: str) -> None:
    driver = SimDriver()
    driver.ask(TEXT_SESSION)
    events = driver.ask(user(told), user(asked), CREATE)

    assert events[-2]["response"]["output"][0]["content"][0]["text"] == answer


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60), st.sampled_from([orjson.dumps(CREATE), b"[]", b'{"type":3}'])
        ),
        max_size=6,
    )
)
@settings(max_examples=60, deadline=None)
def test_no_bytes_break_it(frames: list[bytes]) -> None:
    driver = SimDriver()
    driver.run()
    for frame in frames:
        driver.send(frame)
        driver.send(frame, is_text=False)
    driver.run()

    assert not driver.session.is_closed


@given(st.text(max_size=200))
def test_pieces_add_up_to_the_text(text: str) -> None:
    assert "".join(pieces_of(text)) == text

"""Refusals that depend on what happened before."""

from __future__ import annotations

import base64
from typing import Any

from tests.sim_driver import (
    COMMIT,
    CREATE,
    PUSH_TO_TALK,
    WEATHER,
    SimDriver,
    append,
    buzz,
    error,
    of_type,
    only,
    types,
    update,
    user,
)

CUT = {"content_index": 0, "audio_end_ms": 10}


def on_item(action: str, **members: Any) -> dict[str, Any]:
    return {"type": f"conversation.item.{action}", "item_id": "X", **members}


def test_an_empty_commit_is_refused_late() -> None:
    driver = SimDriver()
    driver.run()
    start_ms = driver.now_ns / 1e6
    driver.ask(COMMIT)

    assert 800 <= driver.times_ms[-1] - start_ms <= 1000


def test_a_commit_tells_how_much_there_was() -> None:
    driver = SimDriver()
    driver.ask(PUSH_TO_TALK)

    assert (
        "buffer only has 99.00ms of audio" in error(driver.ask(append(buzz(99)), COMMIT))["message"]
    )


def test_a_second_response_is_refused_by_the_name_of_the_first() -> None:
    driver = SimDriver()
    driver.run()
    events = driver.ask(user("Count to twelve"), CREATE, {**CREATE, "event_id": "second"})

    active = only(events, "response.created")["response"]["id"]
    assert error(events) == {
        "type": "invalid_request_error",
        "code": "conversation_already_has_active_response",
        "message": f"Conversation already has an active response in progress: {active}. "
        "Wait until the response is finished before creating a new one.",
        "param": None,
        "event_id": "second",
    }


def test_a_cancel_before_the_response_is_announced_does_nothing() -> None:
    driver = SimDriver()
    driver.run()
    events = driver.ask(user("Hello"), CREATE, {"type": "response.cancel"})

    assert error(events)["code"] == "response_cancel_not_active"
    assert only(events, "response.done")["response"]["status"] == "completed"


def test_truncation_past_the_end_leaves_the_item_as_it_is() -> None:
    driver = SimDriver()
    driver.run()
    spoken = only(driver.ask(user("Say one two"), CREATE), "response.done")
    item_id = spoken["response"]["output"][0]["id"]
    sound = of_type(driver.events, "response.output_audio.delta")
    length_ms = sum(len(base64.b64decode(event["delta"])) for event in sound) // 48
    refused = error(
        driver.ask(on_item("truncate", **{**CUT, "item_id": item_id, "audio_end_ms": 57340}))
    )

    assert refused["message"] == f"Audio content of {length_ms}ms is already shorter than 57340ms"
    assert (refused["code"], refused["param"]) == ("invalid_value", "audio_end_ms")
    kept = driver.ask({"type": "conversation.item.retrieve", "item_id": item_id})[0]["item"]
    assert kept["content"][0]["transcript"] == "one two"


def test_only_the_models_sound_can_be_truncated() -> None:
    driver = SimDriver()
    driver.run()
    driver.ask(user("a", "X"))
    refused = error(driver.ask(on_item("truncate", **CUT)))

    assert (refused["code"], refused["message"]) == (
        None,
        "Only model output audio messages can be truncated",
    )


def test_an_id_is_taken_once() -> None:
    driver = SimDriver()
    driver.run()
    driver.ask(user("a", "X"))

    assert error(driver.ask(user("b", "X")))["code"] == "item_create_duplicate_item_id"


def test_the_voice_is_locked_once_the_assistant_has_spoken() -> None:
    driver = SimDriver()
    driver.ask(update(audio={"output": {"voice": "cedar"}}))
    driver.ask(user("Hello"), CREATE)
    other = update(audio={"output": {"voice": "marin"}}, instructions="lost")

    assert error(driver.ask(other))["message"] == (
        "Cannot update a conversation's voice if assistant audio is present."
    )
    same = update(audio={"output": {"voice": "cedar"}})
    assert only(driver.ask(same), "session.updated")["session"]["instructions"] != "lost"


def test_tracing_is_locked_once_it_is_on() -> None:
    driver = SimDriver()
    driver.ask(update(tracing="auto"))

    assert error(driver.ask(update(tracing=None)))["param"] == "session.tracing"


def test_the_kind_of_a_session_is_fixed() -> None:
    driver = SimDriver()
    driver.run()
    refused = error(driver.ask({"type": "session.update", "session": {"type": "transcription"}}))

    assert refused["message"] == (
        "Passing a transcription session update event to a realtime session is not allowed."
    )


def test_a_transcription_session_makes_no_responses() -> None:
    driver = SimDriver(query={"intent": "transcription"})
    driver.run()

    assert types(driver.ask(CREATE)) == ["error"]


def test_an_append_has_a_limit() -> None:
    driver = SimDriver()
    driver.ask(PUSH_TO_TALK)
    full = bytes(15 << 20)

    assert driver.ask(append(full)) == []
    assert error(driver.ask(append(full + b"\0")))["param"] == "audio"


def test_a_refused_event_does_not_stop_a_tool_session() -> None:
    driver = SimDriver()
    driver.ask(update(tools=[WEATHER]))
    driver.ask({"type": "nope"})

    events = driver.ask(user("weather in Rome please"), CREATE)
    assert only(events, "response.done")["response"]["output"][0]["type"] == "function_call"

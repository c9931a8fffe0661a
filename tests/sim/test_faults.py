"""Faults: each has its documented effect, at the requested time."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.errors import UsageError
from inspector.sim.faults import BY_NAME, FAULT_NAMES, Phase, RaisedFault, parse_fault
from tests.sim_driver import (
    COMMIT,
    CREATE,
    PUSH_TO_TALK,
    TEXT_SESSION,
    WEATHER,
    SimDriver,
    answer,
    append,
    buzz,
    of_type,
    only,
    types,
    update,
    user,
)

TRANSCRIPTION = "conversation.item.input_audio_transcription"


def faulty(*texts: str) -> SimDriver:
    driver = SimDriver(faults=[parse_fault(text) for text in texts])
    driver.ask(TEXT_SESSION)
    return driver


def done(events: list[dict[str, Any]]) -> dict[str, Any]:
    response: dict[str, Any] = only(events, "response.done")["response"]
    return response


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("failed-quota", "insufficient_quota"),
        ("failed-rate-limit", "rate_limit_exceeded"),
        ("failed-server-error", None),
    ],
)
def test_a_response_fails_once(name: str, code: str | None) -> None:
    driver = faulty(name)
    response = done(driver.ask(user("hello"), CREATE))

    assert response["status"] == "failed"
    assert response["status_details"]["type"] == "failed"
    assert response["status_details"]["error"]["code"] == code
    assert response["output"] == []
    assert done(driver.ask(CREATE))["status"] == "completed"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("incomplete-max-tokens", "max_output_tokens"), ("content-filter", "content_filter")],
)
def test_a_response_ends_in_its_middle(name: str, reason: str) -> None:
    events = faulty(name).ask(user("Count to ten"), CREATE)

    assert done(events)["status"] == "incomplete"
    assert done(events)["status_details"] == {"type": "incomplete", "reason": reason}
    assert done(events)["output"][0]["status"] == "incomplete"
    assert answer(events) == "1, 2, 3, 4, 5,"


def test_a_fault_waits_for_its_turn() -> None:
    driver = faulty("failed-quota@2")

    assert done(driver.ask(user("hello"), CREATE))["status"] == "completed"
    assert done(driver.ask(CREATE))["status"] == "failed"
    assert done(driver.ask(CREATE))["status"] == "completed"


def test_a_call_is_made_twice() -> None:
    driver = faulty("duplicate-call")
    driver.ask(update(output_modalities=["text"], tools=[WEATHER]))
    first, second = done(driver.ask(user("What is the weather in Oslo?"), CREATE))["output"]

    assert first["arguments"] == second["arguments"]
    assert first["call_id"] != second["call_id"]


@pytest.mark.parametrize(
    ("name", "code", "close"),
    [
        ("bad-key", "invalid_api_key", 3000),
        ("bad-model", "invalid_model", 4000),
        ("no-model", "missing_model", 4000),
        ("beta-header", "beta_api_shape_disabled", 4000),
    ],
)
def test_a_connection_is_refused(name: str, code: str, close: int) -> None:
    driver = SimDriver(faults=[RaisedFault(name)])
    (event,) = driver.run()

    assert event["error"]["code"] == code
    assert driver.close is not None
    assert driver.close.code == close
    assert driver.close.reason == f"invalid_request_error.{code}"


@pytest.mark.parametrize(
    ("name", "close"), [("dropped", 1006), ("closed-1011", 1011), ("expiry", 1001)]
)
def test_the_socket_closes_in_the_middle_of_an_answer(name: str, close: int) -> None:
    driver = faulty(f"{name}@1")
    events = driver.ask(user("Tell me a long story"), CREATE)

    assert "response.output_text.delta" in types(events)
    assert "response.done" not in types(events)
    assert driver.close is not None
    assert driver.close.code == close
    assert (types(events)[-1] == "error") == (name == "expiry")


def test_a_stalled_server_says_nothing_more() -> None:
    driver = faulty("stalled@1")
    events = driver.ask(user("Tell me a long story"), CREATE)

    assert "response.done" not in types(events)
    assert driver.ask(CREATE) == []
    assert driver.close is None


def test_a_slow_server_takes_its_time() -> None:
    quick, slow = faulty(), faulty()
    slow.raise_fault("slow")
    for driver in (quick, slow):
        driver.ask(user("Count to ten"), CREATE)

    took_ms = [driver.times_ms[-1] - driver.times_ms[2] for driver in (slow, quick)]
    assert took_ms[0] > 7 * took_ms[1]


def test_a_garbled_frame_is_no_json() -> None:
    driver = SimDriver()
    driver.run()
    driver.raise_fault("garbled-frame")
    driver.run()

    assert len(driver.garbled) == 1
    assert driver.ask(user("hi"))


def test_limits_run_low() -> None:
    driver = faulty()
    driver.raise_fault("rate-limits-low")
    (limit,) = only(driver.run(), "rate_limits.updated")["rate_limits"]

    assert limit["remaining"] < limit["limit"] / 100
    assert limit["reset_seconds"] > 50


def test_a_running_response_breaks_off_when_it_fails_now() -> None:
    driver = faulty()
    for event in (user("Tell me a long story"), CREATE):
        driver.send(event)
    driver.run_to("response.output_text.delta")
    driver.raise_fault("failed-server-error")
    events = driver.run()

    assert done(events)["status"] == "failed"
    assert done(events)["output"][0]["status"] == "incomplete"
    assert types(events)[-2:] == ["response.done", "rate_limits.updated"]


def spoken(driver: SimDriver) -> list[dict[str, Any]]:
    return driver.ask(append(buzz(500)), COMMIT, CREATE)


def transcribing(*texts: str) -> SimDriver:
    driver = SimDriver(faults=[parse_fault(text) for text in texts])
    driver.ask(PUSH_TO_TALK, update(audio={"input": {"transcription": {"model": "whisper-1"}}}))
    return driver


def test_a_transcription_fails_and_the_answer_comes() -> None:
    events = spoken(transcribing("transcription-failed"))

    assert only(events, f"{TRANSCRIPTION}.failed")["error"]["type"] == "server_error"
    assert done(events)["status"] == "completed"


def test_a_late_transcription_comes_after_the_next_one() -> None:
    driver = transcribing("transcription-late@1")
    for event in (append(buzz(500)), COMMIT, CREATE):
        driver.send(event)
    driver.run_to("response.created")
    driver.ask(append(buzz(700)), COMMIT)
    completed = [event["item_id"] for event in of_type(driver.events, f"{TRANSCRIPTION}.completed")]
    committed = [
        event["item_id"] for event in of_type(driver.events, "input_audio_buffer.committed")
    ]

    assert completed == committed[::-1]


def test_deltas_come_after_speech_started() -> None:
    driver = SimDriver(faults=[parse_fault("late-deltas")])
    driver.ask(user("Tell me a long story"))
    driver.send(CREATE)
    driver.run_to("response.output_audio.delta")
    names = types(driver.stream(buzz(1500)))

    after = names[names.index("input_audio_buffer.speech_started") :]
    assert after.index("response.output_audio.delta") < after.index("response.done")
    ended = only(driver.events, "response.done")["response"]
    assert ended["status_details"]["reason"] == "turn_detected"


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_every_fault_can_be_raised_at_any_time(name: str) -> None:
    for moment in range(4):
        driver = SimDriver()
        if moment > 0:
            driver.run()
        if moment > 1:
            driver.send(user("Count to ten"))
            driver.send(CREATE)
            driver.run_to("response.output_audio.delta" if moment == 3 else "response.created")
        driver.raise_fault(name)
        driver.run()
        driver.raise_fault(name)
        driver.ask(CREATE)


def test_what_cannot_be_read_is_refused() -> None:
    for text in ("", "nope", "slow@", "slow@0", "slow@x", "slow@-1", "slow@²"):
        with pytest.raises(UsageError):
            parse_fault(text)

    assert parse_fault("slow@3") == RaisedFault("slow", 3)
    assert {fault.phase for fault in BY_NAME.values()} == set(Phase)

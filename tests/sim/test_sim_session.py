"""Updates of the effective session."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.sim.effective_session import DEFAULT_INSTRUCTIONS
from tests.sim_driver import WEATHER, SimDriver, error, only, update


def updated(driver: SimDriver, **change: Any) -> dict[str, Any]:
    session: dict[str, Any] = only(driver.ask(update(**change)), "session.updated")["session"]
    return session


def turn_detection(session: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = session["audio"]["input"]["turn_detection"]
    return found


def test_only_what_is_named_changes() -> None:
    driver = SimDriver()
    (created,) = driver.run()
    session = updated(driver, instructions="Be brief.", max_output_tokens=100)

    expected = {**created["session"], "instructions": "Be brief.", "max_output_tokens": 100}
    assert session == expected
    assert list(session) == list(created["session"])


def test_nested_objects_merge() -> None:
    driver = SimDriver(query={"model": "gpt-realtime-2.1"})
    driver.run()
    change = {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}
    session = updated(driver, audio=change)

    assert turn_detection(session) == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": 5000,
        "create_response": True,
        "interrupt_response": True,
    }
    louder = {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.8}}}
    assert turn_detection(updated(driver, audio=louder))["idle_timeout_ms"] == 5000


def test_another_kind_of_turn_detection_starts_from_its_defaults() -> None:
    driver = SimDriver()
    driver.run()
    session = updated(driver, audio={"input": {"turn_detection": {"type": "semantic_vad"}}})

    assert turn_detection(session) == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }
    back = updated(driver, audio={"input": {"turn_detection": {"type": "server_vad"}}})
    assert turn_detection(back)["silence_duration_ms"] == 200


def test_transcription_is_echoed_with_what_it_left_out() -> None:
    driver = SimDriver()
    driver.run()
    asked = {"model": "gpt-live-transcribe", "delay": "low"}
    session = updated(driver, audio={"input": {"transcription": asked}})

    assert session["audio"]["input"]["transcription"] == {
        "model": "gpt-live-transcribe",
        "language": None,
        "prompt": None,
    }


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_telephone_formats_have_no_rate(kind: str) -> None:
    driver = SimDriver()
    driver.run()
    session = updated(driver, audio={"input": {"format": {"type": kind}}})

    assert session["audio"]["input"]["format"] == {"type": kind}
    back = updated(driver, audio={"input": {"format": {"type": "audio/pcm"}}})
    assert back["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}


def test_what_can_be_cleared_is_cleared() -> None:
    driver = SimDriver()
    driver.run()
    updated(
        driver,
        instructions="x",
        tools=[WEATHER],
        audio={"input": {"noise_reduction": {"type": "near_field"}}},
    )
    cleared = {"input": {"noise_reduction": None, "turn_detection": None, "transcription": None}}
    session = updated(driver, instructions="", tools=[], audio=cleared)

    # A recording: after "" the server's own text is in force again.
    assert (session["instructions"], session["tools"]) == (DEFAULT_INSTRUCTIONS, [])
    assert session["audio"]["input"]["noise_reduction"] is None
    assert session["audio"]["input"]["turn_detection"] is None


def test_tools_come_back_in_the_servers_key_order() -> None:
    driver = SimDriver()
    driver.run()
    backwards = dict(reversed(WEATHER.items()))
    session = updated(driver, tools=[backwards])

    assert list(session["tools"][0]) == ["type", "name", "description", "parameters"]


def test_a_refused_update_is_refused_whole() -> None:
    driver = SimDriver()
    (created,) = driver.run()
    bad = update(instructions="lost", tools=[WEATHER], audio={"output": {"voice": "bob"}})

    assert error(driver.ask(bad))["code"] == "invalid_value"
    assert updated(driver) == created["session"]

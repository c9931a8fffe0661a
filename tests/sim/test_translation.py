"""Translation sessions: their own events, and no others."""

from __future__ import annotations

from itertools import pairwise

from tests.sim_driver import CREATE, Body, SimDriver, append, buzz, error, of_type, types


def translating(**audio: Body) -> SimDriver:
    driver = SimDriver(path="/v1/realtime/translations", query={"model": "gpt-realtime-translate"})
    driver.run()
    if audio:
        driver.ask({"type": "session.update", "session": {"audio": audio}})
    return driver


def said(data: bytes) -> Body:
    return {**append(data), "type": "session.input_audio_buffer.append"}


def test_it_begins_with_a_session_of_its_own() -> None:
    (created,) = translating().events

    assert created["type"] == "session.created"
    assert created["session"]["type"] == "translation"
    assert list(created["session"]) == ["id", "type", "model", "audio", "expires_at"]


def test_an_update_needs_no_type() -> None:
    driver = translating(output={"language": "es"})

    assert driver.events[-1]["type"] == "session.updated"
    assert driver.events[-1]["session"]["audio"]["output"]["language"] == "es"


def test_speech_comes_back_in_another_language() -> None:
    driver = translating(
        output={"language": "es"}, input={"transcription": {"model": "gpt-realtime-whisper"}}
    )
    events = driver.ask(said(buzz(900)), said(buzz(600, 0)))

    assert types(events) == [
        "session.input_transcript.delta",
        "session.output_transcript.delta",
        "session.output_audio.delta",
    ]
    words = "".join(e["delta"] for e in of_type(events, "session.output_transcript.delta"))
    assert words.startswith(" [es] ")
    frames = of_type(events, "session.output_audio.delta")
    assert {frame["sample_rate"] for frame in frames} == {24_000}
    steps = {after["elapsed_ms"] - frame["elapsed_ms"] for frame, after in pairwise(frames)}
    assert steps == {200}


def test_what_was_heard_is_said_only_where_it_is_asked_for() -> None:
    events = translating().ask(said(buzz(900)), said(buzz(600, 0)))

    assert not of_type(events, "session.input_transcript.delta")
    assert of_type(events, "session.output_audio.delta")


def test_closing_finishes_what_was_heard() -> None:
    driver = translating()
    events = driver.ask(said(buzz(900)), {"type": "session.close"})

    assert types(events)[-2:] == ["session.output_audio.delta", "session.closed"]
    assert driver.close is not None
    assert driver.close.code == 1000


def test_events_of_other_sessions_are_refused() -> None:
    assert error(translating().ask(CREATE))["code"] == "invalid_event"
    assert error(translating().ask(append(b"")))["code"] == "invalid_event"


def test_another_model_does_not_translate() -> None:
    driver = SimDriver(path="/v1/realtime/translations")

    assert types(driver.run()) == ["error"]

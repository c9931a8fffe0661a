"""The user's audio: buffering, turn detection, items and transcription."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
import pytest

from inspector.audio.pcm import pcm16_to_alaw, pcm16_to_ulaw, samples_of
from inspector.sim import conversation_items
from inspector.sim.server import Seams
from inspector.sim.speech_recognizer import Failure, Transcript
from tests.sim_driver import (
    COMMIT,
    PUSH_TO_TALK,
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

TRANSCRIPTION = "conversation.item.input_audio_transcription"


class Understanding:
    """A recognizer that always returns the same transcript."""

    def __init__(self, transcription: Transcript) -> None:
        self._transcription = transcription
        self.heard: list[tuple[int, int]] = []

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript:
        self.heard.append((len(pcm16), rate_hz))
        return self._transcription


def retrieved(driver: SimDriver, item_id: str) -> bytes:
    item = driver.ask({"type": "conversation.item.retrieve", "item_id": item_id})[0]["item"]
    return base64.b64decode(item["content"][0]["audio"])


def transcribing(model: str = "gpt-realtime-whisper", **members: Any) -> dict[str, Any]:
    return update(audio={"input": {"transcription": {"model": model}, **members}})


def test_speech_is_found_where_it_is() -> None:
    driver = SimDriver()
    driver.ask(
        update(
            audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}
        )
    )
    events = driver.stream(buzz(1000, 0) + buzz(1500) + buzz(500, 0))

    start = only(events, "input_audio_buffer.speech_started")["audio_start_ms"]
    stop = only(events, "input_audio_buffer.speech_stopped")["audio_end_ms"]
    assert start == pytest.approx(1000 - 300, abs=33)
    assert stop == pytest.approx(2500 + 200, abs=64)
    assert "response.created" not in types(driver.run())
    item_id = only(events, "input_audio_buffer.committed")["item_id"]
    assert len(retrieved(driver, item_id)) == (stop - start) * 48


def test_two_turns_share_no_audio() -> None:
    driver = SimDriver()
    driver.ask(
        update(
            audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}
        )
    )
    events = driver.stream((buzz(600) + buzz(250, 0)) * 2 + buzz(300, 0))

    starts = [
        event["audio_start_ms"] for event in of_type(events, "input_audio_buffer.speech_started")
    ]
    stops = [
        event["audio_end_ms"] for event in of_type(events, "input_audio_buffer.speech_stopped")
    ]
    assert len(starts) == len(stops) == 2
    assert starts[1] >= stops[0]


def test_a_click_and_a_hum_are_no_speech() -> None:
    driver = SimDriver()
    driver.run()

    assert driver.stream(buzz(500, 0) + buzz(40) + buzz(500, 0) + buzz(1000, 40)) == []


def test_a_higher_threshold_needs_louder_speech() -> None:
    driver = SimDriver()
    deaf = {"turn_detection": {"type": "server_vad", "threshold": 0.9}}
    driver.ask(update(audio={"input": deaf}))

    assert driver.stream(buzz(1000, 500)) == []
    assert types(driver.stream(buzz(500, 9000))) == ["input_audio_buffer.speech_started"]


@pytest.mark.parametrize("threshold", [0.0, 0.1, 1.0])
def test_speech_ends_at_any_threshold(threshold: float) -> None:
    driver = SimDriver()
    detection = {"type": "server_vad", "threshold": threshold, "create_response": False}
    driver.ask(update(audio={"input": {"turn_detection": detection}}))

    assert types(driver.stream(buzz(500, 0) + buzz(500, 20_000) + buzz(500, 0)))[:2] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
    ]


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_telephone_audio_is_heard(kind: str) -> None:
    driver = SimDriver()
    driver.ask(update(audio={"input": {"format": {"type": kind}}}))
    samples = samples_of(buzz(300, 0, 8000) + buzz(800, 6000, 8000) + buzz(500, 0, 8000))
    encode = pcm16_to_ulaw if kind == "audio/pcmu" else pcm16_to_alaw
    events = driver.stream(encode(samples), bytes_per_ms=8)

    assert types(events)[:3] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
    ]


def test_without_interruption_the_second_answer_is_refused() -> None:
    driver = SimDriver()
    driver.ask(
        update(
            audio={"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}}
        )
    )
    driver.send(user("Count to twenty"))
    driver.send({"type": "response.create"})
    driver.run_to("response.output_audio.delta")
    driver.send(append(buzz(500) + buzz(400, 0)))
    events = driver.run()

    assert error(events)["code"] == "conversation_already_has_active_response"
    assert only(events, "response.done")["response"]["status"] == "completed"


def test_odd_bytes_are_joined_across_appends() -> None:
    driver = SimDriver()
    driver.ask(PUSH_TO_TALK)
    pcm = buzz(200)
    driver.ask(append(pcm[:4801]), append(pcm[4801:]))
    item_id = driver.ask(COMMIT)[0]["item_id"]

    assert retrieved(driver, item_id) == pcm


def test_clearing_forgets_audio_and_speech_but_not_time() -> None:
    driver = SimDriver()
    driver.run()
    driver.ask(append(buzz(1000)))
    driver.ask({"type": "input_audio_buffer.clear"})
    events = driver.ask(append(buzz(1000)))

    assert only(events, "input_audio_buffer.speech_started")["audio_start_ms"] == 1000
    driver.ask({"type": "input_audio_buffer.clear"})
    assert error(driver.ask(COMMIT))["code"] == "input_audio_buffer_commit_empty"


@pytest.mark.parametrize(
    ("model", "deltas", "usage"),
    [
        ("whisper-1", 1, {"type": "duration", "seconds": 2}),
        ("gpt-realtime-whisper", 11, {"type": "duration", "seconds": 2}),
        (
            "gpt-4o-mini-transcribe",
            11,
            {
                "type": "tokens",
                "total_tokens": 27,
                "input_tokens": 16,
                "input_token_details": {"text_tokens": 0, "audio_tokens": 16},
                "output_tokens": 11,
            },
        ),
    ],
)
def test_the_default_ear_says_that_it_is_simulated(
    model: str, deltas: int, usage: dict[str, Any]
) -> None:
    driver = SimDriver()
    driver.ask(transcribing(model, turn_detection=None))
    events = driver.ask(append(buzz(1600)), COMMIT)

    completed = only(events, f"{TRANSCRIPTION}.completed")
    assert completed["transcript"] == "(simulated transcript of 1.6 s of audio)"
    assert completed["usage"] == usage
    parts = of_type(events, f"{TRANSCRIPTION}.delta")
    assert "".join(part["delta"] for part in parts).lstrip() == completed["transcript"]
    assert len(parts) == deltas
    assert list(parts[0])[2:] == ["item_id", "content_index", "delta", "obfuscation"]


def test_silence_has_an_empty_transcript_and_no_delta() -> None:
    driver = SimDriver()
    driver.ask(transcribing(turn_detection=None))
    events = driver.ask(append(bytes(48_000)), COMMIT)

    assert types(events)[-2:] == ["conversation.item.done", f"{TRANSCRIPTION}.completed"]
    assert events[-1]["usage"] == {"type": "duration", "seconds": 0}


def test_without_transcription_the_transcript_stays_null() -> None:
    driver = SimDriver()
    driver.ask(PUSH_TO_TALK)
    events = driver.ask(append(buzz(200)), COMMIT)

    assert events[-1]["item"]["content"] == [{"type": "input_audio", "transcript": None}]
    assert "audio" not in events[-1]["item"]["content"][0]


def test_what_the_ear_understands_is_what_is_answered() -> None:
    recognizer = Understanding(Transcript("Count to three.", words="Count to three."))
    driver = SimDriver(seams=Seams(recognizer=recognizer))
    driver.ask(update(output_modalities=["text"], audio={"input": {"turn_detection": None}}))
    events = driver.ask(append(buzz(500)), COMMIT, {"type": "response.create"})

    assert only(events, "response.output_text.done")["text"] == "1, 2, 3."
    assert recognizer.heard == [(24_000, 24_000)]


def test_a_failed_transcription_stops_nothing() -> None:
    failure = Failure("server_error", "DeploymentNotFound", "Input transcription failed.")
    driver = SimDriver(seams=Seams(recognizer=Understanding(Transcript("", failure=failure))))
    driver.ask(transcribing())
    events = driver.stream(buzz(600) + buzz(400, 0)) + driver.run()

    assert only(events, f"{TRANSCRIPTION}.failed")["error"] == {
        "type": "server_error",
        "code": "DeploymentNotFound",
        "message": "Input transcription failed.",
        "param": None,
    }
    assert only(events, "response.done")["response"]["status"] == "completed"


def test_a_transcription_session_transcribes_and_does_not_answer() -> None:
    driver = SimDriver(query={"intent": "transcription"})
    session = {
        "type": "transcription",
        "audio": {"input": {"transcription": {"model": "whisper-1"}}},
    }
    driver.ask({"type": "session.update", "session": session})
    events = driver.stream(buzz(600) + buzz(400, 0)) + driver.run()

    assert types(events) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        f"{TRANSCRIPTION}.delta",
        f"{TRANSCRIPTION}.completed",
    ]


def test_the_simulators_own_voice_is_heard_as_speech() -> None:
    speaker = SimDriver()
    speaker.run()
    speaker.ask(user("Say this is what I sound like, more or less."), {"type": "response.create"})
    deltas = of_type(speaker.events, "response.output_audio.delta")
    pcm = b"".join(base64.b64decode(event["delta"]) for event in deltas)
    driver = SimDriver()
    driver.ask(
        update(
            audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 500}}}
        )
    )
    events = driver.stream(buzz(300, 0) + pcm + buzz(700, 0))

    (start,) = of_type(events, "input_audio_buffer.speech_started")
    (stop,) = of_type(events, "input_audio_buffer.speech_stopped")
    assert stop["audio_end_ms"] - start["audio_start_ms"] == pytest.approx(
        len(pcm) / 48 + 500, abs=700
    )


def test_old_audio_is_forgotten_before_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_items, "MAX_KEPT_AUDIO_BYTES", 100_000)
    driver = SimDriver()
    driver.ask(PUSH_TO_TALK)
    ids = [driver.ask(append(buzz(1000)), COMMIT)[0]["item_id"] for _ in range(4)]

    assert [len(retrieved(driver, item_id)) for item_id in ids] == [0, 0, 48_000, 48_000]


def test_old_items_are_forgotten_before_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_items, "MAX_ITEMS", 2)
    driver = SimDriver()
    driver.run()
    driver.ask(user("a", "a"), user("b", "b"), user("c", "c"))

    gone = driver.ask({"type": "conversation.item.retrieve", "item_id": "a"})
    assert error(gone)["code"] == "item_retrieve_invalid_item_id"
    kept = driver.ask({"type": "conversation.item.retrieve", "item_id": "b"})
    assert kept[0]["type"] == "conversation.item.retrieved"


def test_loudness_is_measured_in_windows() -> None:
    from inspector.sim.vad import LoudnessDetector

    time = np.arange(768 * 3) / 24_000
    wave = (0.0045 * 32768 * math.sqrt(2) * np.sin(2 * np.pi * 250 * time)).astype("<i2")
    wave[:768] = 0

    quiet, even, _ = LoudnessDetector().probabilities(wave.tobytes(), 24_000)
    assert quiet == 0.0
    assert even == pytest.approx(0.5, abs=0.02)

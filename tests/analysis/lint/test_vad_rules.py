"""Rules about turn detection, each with a session that triggers it and a near miss."""

from __future__ import annotations

import numpy as np

from inspector.analysis.lint.finding import Severity
from inspector.analysis.lint.vad_rules import VadNever, VadOpenForever
from tests.linted import SERVER_VAD, began, findings_of, later, said
from tests.linted_sound import appends, committed, in_order, spoken, started, voice
from tests.support import client


def test_speech_after_which_nothing_is_appended_stays_open() -> None:
    events = [*began(SERVER_VAD), *appends(voice(1000), start_ms=100), started(500), later(6000)]
    [found] = findings_of(VadOpenForever, in_order(events))

    assert found.severity is Severity.ERROR
    assert found.text.startswith("speech has been open for 5.5 s (#")
    assert "no audio was appended in the last 4.9 s" in found.text


def test_a_recording_without_appends_does_not_tell_why_speech_is_open() -> None:
    events = [*began(SERVER_VAD), client("response.create"), started(500), later(9000)]
    assert findings_of(VadOpenForever, events) == []


def test_speech_that_goes_on_or_was_committed_is_not_open_for_ever() -> None:
    goes_on = in_order(began(SERVER_VAD), appends(voice(9000), start_ms=100), [started(500)])
    ends = [started(500), committed(1200), later(9000)]
    ended = in_order(began(SERVER_VAD), appends(voice(1000), start_ms=100), ends)
    assert findings_of(VadOpenForever, goes_on) == []
    assert findings_of(VadOpenForever, ended) == []


def test_speech_whose_audio_comes_too_slowly_is_open_for_longer() -> None:
    slow = appends(voice(2000), start_ms=100, every_ms=90)
    [found] = findings_of(VadOpenForever, in_order(began(SERVER_VAD), slow, [started(1000)]))

    assert "in which only 1.8 s of audio came" in found.text


def test_steady_noise_keeps_speech_open() -> None:
    noise = (np.random.default_rng(1).standard_normal(24_000 * 20) * 2000).astype("<i2").tobytes()
    steady = appends(noise, size=4800, start_ms=100, every_ms=100)
    [found] = findings_of(VadOpenForever, in_order(began(SERVER_VAD), steady, [started(500)]))

    assert "steady noise keeps the turn open" in found.text
    assert '"threshold": 0.7' in found.fix


def test_a_silent_microphone_is_reported() -> None:
    events = [*began(SERVER_VAD), *appends(bytes(48_000 * 6), size=4800)]
    [found] = findings_of(VadNever, events)

    assert found.severity is Severity.WARNING
    assert found.text == (
        "6.0 s of audio were appended, nothing but zeros: the microphone is silent or muted"
    )


def test_a_muted_microphone_beside_texts_is_only_a_note() -> None:
    events = [*began(SERVER_VAD), *said(), *appends(bytes(48_000 * 6), size=4800)]
    [found] = findings_of(VadNever, events)

    assert found.severity is Severity.NOTE


def test_what_is_as_loud_as_speech_and_not_heard_is_reported() -> None:
    events = [*began(SERVER_VAD), *appends(voice(8000), size=4800), *spoken(9000, 100)]
    [found] = findings_of(VadNever, events)

    assert "and server_vad heard no speech in it" in found.text


def test_a_few_seconds_of_silence_are_no_fault() -> None:
    assert findings_of(VadNever, [*began(SERVER_VAD), *appends(bytes(48_000 * 4), size=1920)]) == []
    five = [*began(SERVER_VAD), *appends(bytes(48_000 * 5), size=1920)]
    assert len(findings_of(VadNever, five)) == 1


def test_speech_that_is_heard_and_a_quiet_room_are_no_fault() -> None:
    room = (np.random.default_rng(1).standard_normal(24_000 * 8) * 60).astype("<i2").tobytes()
    heard = in_order(began(SERVER_VAD), appends(voice(8000), size=4800), [started(500)])
    assert findings_of(VadNever, heard) == []
    assert findings_of(VadNever, [*began(SERVER_VAD), *appends(room, size=4800)]) == []

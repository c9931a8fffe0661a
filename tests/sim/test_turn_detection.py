"""Turn detection: every setting of both kinds has its effect."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.sim.completeness import Completeness, completeness_of, is_held
from inspector.sim.server import Seams
from inspector.sim.speech_recognizer import Transcript
from inspector.sim.voice import BabblingVoice
from tests.sim_driver import CREATE, SimDriver, buzz, of_type, only, types, update, user

HZ = 24_000


class Saying:
    """A recognizer that always returns the same sentence, optionally late."""

    def __init__(self, words: str, polls: int = 0) -> None:
        self._transcription = Transcript(words, words)
        self._polls = polls

    def hear(self, pcm16: bytes, rate_hz: int) -> Any:
        return self if self._polls else self._transcription

    def result(self) -> Transcript | None:
        self._polls -= 1
        return self._transcription if self._polls < 1 else None


def speech(text: str = "Hello there my friend, how is it going today?") -> bytes:
    sound = b"".join(BabblingVoice().speak(text, voice="alloy", rate_hz=HZ, speed=1.0))
    return sound.rstrip(b"\0") + bytes(len(sound.rstrip(b"\0")) % 2)


def detecting(kind: str = "server_vad", seams: Seams | None = None, **members: Any) -> SimDriver:
    driver = SimDriver(seams=seams)
    detection = {"type": kind, "create_response": False, **members}
    driver.ask(update(audio={"input": {"turn_detection": detection}}))
    return driver


def silence_before_stop_ms(driver: SimDriver, voice: bytes) -> int:
    """Return the length of the silence that ended the turn."""
    events = driver.stream(voice + bytes(48 * 10_000))
    stopped: int = only(events, "input_audio_buffer.speech_stopped")["audio_end_ms"]
    return stopped - len(voice) // 48


@pytest.mark.parametrize(
    ("eagerness", "ms"), [("low", 1600), ("auto", 800), ("medium", 800), ("high", 300)]
)
def test_a_finished_sentence_ends_the_turn_soon(eagerness: str, ms: int) -> None:
    driver = detecting(
        "semantic_vad", Seams(recognizer=Saying("how are you today")), eagerness=eagerness
    )

    assert silence_before_stop_ms(driver, speech()) == pytest.approx(ms, abs=150)


@pytest.mark.parametrize(("eagerness", "ms"), [("low", 8000), ("auto", 4000), ("high", 2000)])
def test_after_a_trailing_phrase_it_waits_as_long_as_eagerness_says(
    eagerness: str, ms: int
) -> None:
    driver = detecting(
        "semantic_vad", Seams(recognizer=Saying("i would like to um")), eagerness=eagerness
    )

    assert silence_before_stop_ms(driver, speech()) == pytest.approx(ms, abs=150)


def test_the_user_may_go_on_after_trailing_off() -> None:
    driver = detecting("semantic_vad", Seams(recognizer=Saying("i would like to")))
    events = driver.stream(speech() + bytes(48 * 2500) + speech() + bytes(48 * 5000))

    assert len(of_type(events, "input_audio_buffer.speech_started")) == 1
    assert len(of_type(events, "input_audio_buffer.speech_stopped")) == 1


def test_words_that_come_late_still_count_and_are_not_waited_for_forever() -> None:
    soon = detecting(
        "semantic_vad", Seams(recognizer=Saying("and then", polls=5)), eagerness="high"
    )
    never = detecting(
        "semantic_vad", Seams(recognizer=Saying("and then", polls=9999)), eagerness="high"
    )

    assert silence_before_stop_ms(soon, speech()) == pytest.approx(2000, abs=150)
    assert silence_before_stop_ms(never, speech()) == pytest.approx(1000, abs=200)


def test_without_words_a_held_sound_is_waited_for() -> None:
    um = buzz(700, level=3000)
    held = silence_before_stop_ms(detecting("semantic_vad"), speech("I want") + um)
    fallen = silence_before_stop_ms(detecting("semantic_vad"), speech())

    assert held == pytest.approx(4000, abs=150)
    assert fallen == pytest.approx(800, abs=250)


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("what is the weather in paris", Completeness.COMPLETE),
        ("I think that's it.", Completeness.COMPLETE),
        ("do you know who i am", Completeness.COMPLETE),
        ("what is it for", Completeness.COMPLETE),
        ("yes", Completeness.COMPLETE),
        ("so I was thinking about the", Completeness.TRAILING),
        ("well um", Completeness.TRAILING),
        ("I need to", Completeness.TRAILING),
        ("first, let me think", Completeness.TRAILING),
        ("my number is five...", Completeness.TRAILING),
        ("", Completeness.UNKNOWN),
    ],
)
def test_the_last_words_tell_if_a_sentence_is_over(words: str, verdict: Completeness) -> None:
    assert completeness_of(words) is verdict


def test_a_long_tone_is_not_held_speech() -> None:
    assert is_held([0.4] * 5 + [0.7] * 20)
    assert not is_held([0.7] * 20)
    assert not is_held([0.4] * 5 + [0.7] * 41)
    assert not is_held([0.8, 0.5] * 10)
    assert not is_held([])


@pytest.mark.parametrize("silence_ms", [200, 500, 1000])
def test_silence_duration_is_honoured(silence_ms: int) -> None:
    driver = detecting(silence_duration_ms=silence_ms)

    assert silence_before_stop_ms(driver, buzz(1000)) == pytest.approx(silence_ms, abs=64)


@pytest.mark.parametrize("padding_ms", [0, 300, 700])
def test_prefix_padding_is_honoured(padding_ms: int) -> None:
    driver = detecting(prefix_padding_ms=padding_ms)
    events = driver.stream(bytes(48 * 1000) + buzz(600) + bytes(48 * 600))

    start = only(events, "input_audio_buffer.speech_started")["audio_start_ms"]
    assert start == pytest.approx(1000 - padding_ms, abs=33)


@pytest.mark.parametrize(
    ("threshold", "level", "is_speech"),
    [(0.5, 600, True), (0.9, 600, False), (0.1, 30, True), (0.5, 30, False)],
)
def test_threshold_decides_what_is_loud_enough(
    threshold: float, level: int, is_speech: bool
) -> None:
    events = detecting(threshold=threshold).stream(buzz(600, level) + bytes(48 * 600))

    assert ("input_audio_buffer.speech_started" in types(events)) == is_speech


@pytest.mark.parametrize("interrupts", [True, False])
def test_speech_interrupts_only_where_it_may(interrupts: bool) -> None:
    driver = detecting(interrupt_response=interrupts)
    driver.ask(user("Tell me a long story"))
    driver.send(CREATE)
    driver.run_to("response.output_audio.delta")
    events = driver.stream(buzz(600))

    assert ("response.done" in types(events)) == interrupts


@pytest.mark.parametrize("creates", [True, False])
def test_a_turn_is_answered_only_where_it_should_be(creates: bool) -> None:
    driver = detecting(create_response=creates)
    events = driver.stream(buzz(600) + bytes(48 * 600)) + driver.run()

    assert ("response.done" in types(events)) == creates
    assert "input_audio_buffer.committed" in types(events)


@pytest.mark.parametrize("timeout_ms", [5000, 8000])
def test_the_idle_timeout_counts_from_the_end_of_the_answer(timeout_ms: int) -> None:
    driver = detecting(idle_timeout_ms=timeout_ms)
    driver.ask(user("say hello"), CREATE)
    events = driver.stream(bytes(48 * (timeout_ms + 1500)))

    span = only(events, "input_audio_buffer.timeout_triggered")
    length_ms = span["audio_end_ms"] - span["audio_start_ms"]
    assert length_ms == pytest.approx(timeout_ms, abs=200)

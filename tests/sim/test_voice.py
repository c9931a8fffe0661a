"""The default voice: length, level and spectrum like speech, and reproducible."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from inspector.audio.pcm import samples_of
from inspector.sim.voice import BabblingVoice

SENTENCE = "The quick brown fox jumps over the lazy dog."


def speak(
    text: str, *, voice: str = "alloy", rate_hz: int = 24_000, speed: float = 1.0
) -> npt.NDArray[np.float64]:
    pieces = BabblingVoice().speak(text, voice=voice, rate_hz=rate_hz, speed=speed)
    return samples_of(b"".join(pieces)).astype(np.float64)


def test_a_word_takes_about_a_third_of_a_second() -> None:
    per_word_s = len(speak(SENTENCE)) / 24_000 / len(SENTENCE.split())

    assert 0.25 <= per_word_s <= 0.45


@pytest.mark.parametrize("rate_hz", [8_000, 24_000])
def test_its_level_is_that_of_speech(rate_hz: int) -> None:
    wave = speak(SENTENCE, rate_hz=rate_hz)

    dbfs = 20 * np.log10(np.sqrt(np.mean(wave**2)) / 32768)
    assert -30 <= dbfs <= -12
    assert np.abs(wave).max() < 32767


def test_its_energy_lies_where_that_of_speech_does() -> None:
    power = np.abs(np.fft.rfft(speak(SENTENCE))) ** 2
    hz = np.fft.rfftfreq(len(speak(SENTENCE)), 1 / 24_000)

    assert power[(hz > 100) & (hz < 4000)].sum() / power.sum() > 0.9


def test_voices_differ_in_pitch_and_speeds_in_length() -> None:
    assert not np.array_equal(speak("hello", voice="echo"), speak("hello", voice="shimmer"))
    assert len(speak("hello", speed=0.5)) == pytest.approx(2 * len(speak("hello")), rel=0.01)


def test_it_is_the_same_every_time() -> None:
    assert np.array_equal(speak(SENTENCE), speak(SENTENCE))


@pytest.mark.parametrize("text", ["", "...", " — "])
def test_what_has_no_letters_has_no_sound(text: str) -> None:
    assert len(speak(text)) == 0


@pytest.mark.parametrize("text", ["42", "日本語", "naïve", "Ω", "x"])
def test_anything_with_letters_or_digits_has_a_sound(text: str) -> None:
    assert np.abs(speak(text)).max() > 1000

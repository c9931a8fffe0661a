"""G.711 against other implementations (libsndfile; ffmpeg and sox if installed) and against the limits of G.712."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from inspector.audio.pcm import Samples, decoded, encoded

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
FULL_SCALE_DBM0 = {"pcmu": 3.17, "pcma": 3.14}
"""Level of a full-scale sine, ITU-T G.711."""


def piped(command: list[str], data: bytes) -> bytes:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def libsndfile(data: bytes, law: str, *, is_encoding: bool) -> bytes:
    subtype = {"pcmu": "ULAW", "pcma": "ALAW"}[law]
    if is_encoding:
        coded = io.BytesIO()
        soundfile.write(coded, np.frombuffer(data, "<i2"), 8000, subtype, format="RAW")
        return coded.getvalue()
    raw = {"format": "RAW", "subtype": subtype, "channels": 1, "samplerate": 8000}
    samples, _ = soundfile.read(io.BytesIO(data), dtype="int16", **raw)
    return bytes(samples.astype("<i2").tobytes())


def ffmpeg(data: bytes, law: str, *, is_encoding: bool) -> bytes:
    name = {"pcmu": "mulaw", "pcma": "alaw"}[law]
    ends = ("s16le", name) if is_encoding else (name, "s16le")
    quiet = ["ffmpeg", "-v", "error"]
    return piped([*quiet, "-f", ends[0], "-ar", "8000", "-i", "-", "-f", ends[1], "-"], data)


def sox(data: bytes, law: str, *, is_encoding: bool) -> bytes:
    plain = ["-t", "raw", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16", "-"]
    coded = ["-t", "raw", "-r", "8000", "-c", "1", "-b", "8", "-e", f"{law[-1]}-law", "-"]
    ends = (plain, coded) if is_encoding else (coded, plain)
    return piped(["sox", "-D", *ends[0], *ends[1]], data)


each_reference = pytest.mark.parametrize("reference", [libsndfile, ffmpeg, sox])
each_law = pytest.mark.parametrize("law", ["pcmu", "pcma"])


@each_law
@each_reference
def test_every_code_decodes_as_in_the_reference(reference: Callable[..., bytes], law: str) -> None:
    assert decoded(EVERY_CODE, law).tobytes() == reference(EVERY_CODE, law, is_encoding=False)


@each_law
@each_reference
def test_every_sample_is_encoded_as_in_the_reference_or_adjacent(
    reference: Callable[..., bytes], law: str
) -> None:
    """Implementations differ in the side of a decision value and in rounding around 0."""
    ours = encoded(EVERY_SAMPLE, law)
    theirs = reference(EVERY_SAMPLE.tobytes(), law, is_encoding=True)
    levels = np.unique(decoded(EVERY_CODE, law))
    steps = np.searchsorted(levels, decoded(ours, law)) - np.searchsorted(
        levels, decoded(theirs, law)
    )

    assert np.abs(steps).max() <= 1
    assert np.count_nonzero(steps) < len(EVERY_SAMPLE) / 50


@each_law
@each_reference
def test_our_codes_decode_elsewhere_as_well_as_the_references(
    reference: Callable[..., bytes], law: str
) -> None:
    signal = noise_like_speech()
    ours = np.frombuffer(reference(encoded(signal, law), law, is_encoding=False), "<i2")
    coded = reference(signal.tobytes(), law, is_encoding=True)
    theirs = np.frombuffer(reference(coded, law, is_encoding=False), "<i2")

    assert snr_db(signal, ours) > snr_db(signal, theirs) - 0.3
    assert snr_db(signal, ours) > 33


@each_law
@pytest.mark.parametrize(
    ("level_dbm0", "least_db"), [(0, 33), (-10, 33), (-20, 33), (-30, 33), (-40, 27), (-45, 22)]
)
def test_a_tone_keeps_the_signal_to_distortion_ratio_of_g712(
    law: str, level_dbm0: int, least_db: int
) -> None:
    peak = 32767 * 10 ** ((level_dbm0 - FULL_SCALE_DBM0[law]) / 20)
    signal = np.rint(peak * np.sin(2 * np.pi * 1020 * np.arange(8000) / 8000)).astype(np.int16)

    assert snr_db(signal, decoded(encoded(signal, law), law)) >= least_db


def noise_like_speech() -> Samples:
    """Return noise whose level moves over 40 dB, 4 times a second."""
    chance = np.random.default_rng(7)
    swing = 10 ** (-2 * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * np.arange(16000) / 8000)))
    return np.clip(chance.normal(0, 4000, 16000) * swing, -32000, 32000).astype(np.int16)


def snr_db(signal: Samples, back: Samples) -> float:
    noise = back.astype(float) - signal
    return float(10 * np.log10(np.mean(signal.astype(float) ** 2) / np.mean(noise**2)))

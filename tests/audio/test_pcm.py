"""G.711 against values of ITU-T G.711 and its own properties."""

from __future__ import annotations

import numpy as np
import pytest

from inspector.audio.pcm import (
    alaw_to_pcm16,
    pcm16_to_alaw,
    pcm16_to_ulaw,
    samples_of,
    ulaw_to_pcm16,
)

EVERY_CODE = bytes(range(256))


@pytest.mark.parametrize(
    ("code", "value"),
    [(0x00, -32124), (0x80, 32124), (0xFF, 0), (0x7F, 0), (0xF0, 120), (0x8F, 16764)],
)
def test_ulaw_decodes_as_the_standard_says(code: int, value: int) -> None:
    assert ulaw_to_pcm16(bytes([code]))[0] == value


@pytest.mark.parametrize(
    ("code", "value"),
    [(0x2A, -32256), (0xAA, 32256), (0xD5, 8), (0x55, -8), (0x80, 5504), (0x00, -5504)],
)
def test_alaw_decodes_as_the_standard_says(code: int, value: int) -> None:
    assert alaw_to_pcm16(bytes([code]))[0] == value


def test_every_code_survives_a_round_trip() -> None:
    assert pcm16_to_alaw(alaw_to_pcm16(EVERY_CODE)) == EVERY_CODE
    # μ-law has two zeros; encoding knows one.
    again = pcm16_to_ulaw(ulaw_to_pcm16(EVERY_CODE))
    assert [code for code in range(256) if again[code] != code] == [0x7F]


@pytest.mark.parametrize("name", ["ulaw", "alaw"])
def test_speech_levels_keep_a_signal_to_noise_ratio_of_telephone_quality(name: str) -> None:
    time = np.arange(8000) / 8000
    signal = (8000 * np.sin(2 * np.pi * 1020 * time)).astype(np.int16)
    decoded = (
        ulaw_to_pcm16(pcm16_to_ulaw(signal))
        if name == "ulaw"
        else alaw_to_pcm16(pcm16_to_alaw(signal))
    )
    noise = decoded.astype(float) - signal

    assert 10 * np.log10(np.mean(signal.astype(float) ** 2) / np.mean(noise**2)) > 33


def test_a_torn_sample_is_left_out() -> None:
    assert samples_of(b"\x01\x00\x02").tolist() == [1]

"""G.711 over its whole range, against values of ITU-T G.711 (tables 1 and 2) and its own properties."""

from __future__ import annotations

import numpy as np
import pytest

from inspector.audio.pcm import (
    Samples,
    alaw_to_pcm16,
    decoded,
    encoded,
    pcm16_to_alaw,
    pcm16_to_ulaw,
    samples_of,
    ulaw_to_pcm16,
)

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


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


def samples(*values: int) -> Samples:
    return np.array(values, dtype=np.int16)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (32767, 0x80),
        (-32768, 0x00),
        (4063 << 2, 0x8F),  # the decision value between two segments, in 14 bits
        (4062 << 2, 0x90),
        (0, 0xFF),
        (-1, 0x7E),
    ],
)
def test_ulaw_codes(value: int, code: int) -> None:
    assert pcm16_to_ulaw(samples(value)) == bytes([code])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (32767, 0xAA),
        (-32768, 0x2A),
        (2048 << 3, 0xA5),
        (2047 << 3, 0xBA),
        (0, 0xD5),
        (-1, 0x55),
    ],
)
def test_alaw_codes(value: int, code: int) -> None:
    assert pcm16_to_alaw(samples(value)) == bytes([code])


@pytest.mark.parametrize("encoding", ["pcmu", "pcma"])
def test_a_sample_comes_back_within_half_a_step_of_itself(encoding: str) -> None:
    back = decoded(encoded(EVERY_SAMPLE, encoding), encoding).astype(np.int32)
    value = EVERY_SAMPLE.astype(np.int32)

    # A segment has 16 steps, so half a step is a thirty-second; a little more for the smallest values and the loudest.
    is_clipped = np.abs(value) > 32_124
    assert (np.abs(back - value) <= np.abs(value) / 32 + 16)[~is_clipped].all()
    assert (np.diff(back) >= 0).all()


def test_all_codes_are_used() -> None:
    assert len(set(pcm16_to_alaw(EVERY_SAMPLE))) == 256
    assert len(set(pcm16_to_ulaw(EVERY_SAMPLE))) == 255  # the negative zero is never made


def test_positive_and_negative_codes_mirror_each_other() -> None:
    codes = bytes(range(128))
    mirrored = bytes(code | 0x80 for code in codes)

    assert np.array_equal(ulaw_to_pcm16(codes), -ulaw_to_pcm16(mirrored))
    assert np.array_equal(alaw_to_pcm16(codes), -alaw_to_pcm16(mirrored))


def test_pcm16_is_itself() -> None:
    data = EVERY_SAMPLE.astype("<i2").tobytes()

    assert encoded(decoded(data, "pcm16"), "pcm16") == data

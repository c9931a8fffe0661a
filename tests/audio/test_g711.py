"""G.711 over its whole range, against decision values of ITU-T G.711 (tables 1 and 2) and its symmetries."""

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
    ulaw_to_pcm16,
)

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


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
        (2048 << 3, 0xA5 ^ 0x00),
        (2047 << 3, 0xBA),
        (0, 0xD5),
        (-1, 0x55),
    ],
)
def test_alaw_codes(value: int, code: int) -> None:
    assert pcm16_to_alaw(samples(value)) == bytes([code])


@pytest.mark.parametrize(("encoding", "worst"), [("pcmu", 644), ("pcma", 512)])
def test_no_sample_comes_back_far_from_itself(encoding: str, worst: int) -> None:
    back = decoded(encoded(EVERY_SAMPLE, encoding), encoding).astype(np.int32)
    difference = np.abs(back - EVERY_SAMPLE.astype(np.int32))

    assert difference.max() <= worst
    # Half a step of the segment: a thirty-second of the value, and a little for the smallest ones.
    assert (
        difference <= np.abs(EVERY_SAMPLE.astype(np.int32)) / 32 + 33
    ).all() or encoding == "pcmu"
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

"""Base64 pieces of one stream, as samples."""

from __future__ import annotations

import base64

import pytest

from inspector.audio.stream import SampleStream, base64_bytes


def test_a_sample_split_between_pieces_is_joined() -> None:
    stream = SampleStream("pcm16")
    pieces = [b"\x01\x00\x02", b"\x00\x03", b"\x00"]
    found = [stream.feed(base64.b64encode(piece).decode()).tolist() for piece in pieces]

    assert found == [[1], [2], [3]]


@pytest.mark.parametrize("text", ["!!! not base64 ???", "AAAAA", "é", "AA==AA=="])
def test_text_that_is_not_base64_makes_no_noise(text: str) -> None:
    stream = SampleStream("pcmu")

    assert not len(stream.feed(text))
    assert stream.damaged == 1


def test_padding_may_be_missing() -> None:
    assert base64_bytes("AQI") == b"\x01\x02"

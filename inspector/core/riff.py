"""What audio in an event is instead of bare samples: the beginning of a WAV file, a data URL, no text at all.

The API reads whatever comes as samples, a header too: half a millisecond of noise, and often a hint that the rest is not
in the session's format either. Source of the layout: Microsoft's RIFF specification (1991), ``WAVE`` form.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from inspector.core.event import Direction, Event
from inspector.core.groups import AUDIO_KEYS, audio_of

_RIFF = "UklGR"
"""``RIFF`` in base64, as far as its letters decide; looked at in every append, so it has to be cheap."""
_LOOKED_CHARS = 5464
"""4 KiB in base64: writers put tags before the samples, but rarely so many."""
_USUAL_BYTES = 44
_KINDS = {
    dict: "an object",
    list: "an array",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class WavHeader:
    """The header of a WAV file in front of its samples."""

    size_bytes: int
    """Up to the first sample."""
    rate_hz: int = 0
    """Of what follows; 0 where the header does not say."""
    channels: int = 0
    """Of what follows; 0 where the header does not say."""
    bits: int = 0
    """Of a sample; 0 where the header does not say."""

    def __str__(self) -> str:
        if not self.rate_hz:
            return "WAV header"
        return f"WAV header: {self.rate_hz:,} Hz, {self.bits} bit, {_channels(self.channels)}"


def wav_header(text: str) -> WavHeader | None:
    """Return the WAV header with which base64 audio begins; None where it begins with none."""
    if not text.startswith(_RIFF):
        return None
    try:
        data = binascii.a2b_base64(text[:_LOOKED_CHARS])
    except ValueError:
        return None
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    at, form = 12, (0, 0, 0)
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += 8
        if name == b"data":
            return WavHeader(at, *form)
        if name == b"fmt " and at + 16 <= len(data):
            _, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", data, at)
            form = rate_hz, channels, bits
        at += size + size % 2  # chunks are padded to even sizes
    return WavHeader(min(_USUAL_BYTES, len(data)), *form)


def oddity_of(event: Event) -> str:
    """Return what the audio of an event is instead of bare samples, in words; ``""`` where nothing is odd."""
    keys = AUDIO_KEYS.get(event.type)
    if keys is None or event.body is None:
        return ""
    text = audio_of(event)
    if not text:
        return _not_text(event.body, keys) if event.direction is Direction.CLIENT else ""
    if text.startswith("data:"):
        return "a data URL, not bare base64"
    header = wav_header(text)
    return f"begins with a {header}" if header is not None else ""


def _not_text(body: Mapping[str, object], keys: tuple[str, ...]) -> str:
    name = keys[0]
    if name not in body:
        return f"no {name}"
    kind = _KINDS.get(type(body[name]))
    return f"{name} is {kind}, not base64 text" if kind else ""


def _channels(count: int) -> str:
    return {1: "mono", 2: "stereo"}.get(count, f"{count} channels")

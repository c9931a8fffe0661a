"""Detection of audio that is not bare samples: a WAV header, a data URL, or a member that is not text.

The API plays a WAV header as if it were samples: a click of about a millisecond, and often a hint that the rest is not in the
session's format either. Source of the layout: Microsoft's RIFF specification (1991), ``WAVE`` form.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from inspector.core.event import Direction, Event
from inspector.core.groups import AUDIO_KEYS, audio_of

_RIFF = "UklGR"
"""``RIFF`` in base64, without the last character, which depends on the next byte. A prefix test is cheap enough for every append."""
_LOOKED_CHARS = 5464
"""4 KiB in base64: writers may put tags before the samples, but rarely more than that."""
_USUAL_BYTES = 44
"""Size of a header without tags: RIFF (12), fmt (24) and the head of data (8)."""
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
    """Size up to the first sample."""
    rate_hz: int = 0
    """Sample rate; 0 if unknown."""
    channels: int = 0
    """Number of channels; 0 if unknown."""
    bits: int = 0
    """Bits per sample; 0 if unknown."""

    def __str__(self) -> str:
        if not self.rate_hz:
            return "WAV header"
        return f"WAV header: {self.rate_hz:,} Hz, {self.bits} bit, {_channels(self.channels)}"


def wav_header(text: str) -> WavHeader | None:
    """Return the WAV header at the beginning of base64 audio, or None."""
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
    """Return a description of audio that is not bare samples; ``""`` if an event's audio is as it should be."""
    keys = AUDIO_KEYS.get(event.type)
    if keys is None or event.body is None:
        return ""
    text = audio_of(event)
    if not text:
        # Only a client's mistakes matter here: some servers send deltas without audio.
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

"""Audio formats by every name that the dialects give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How audio bytes are to be read; mono, little-endian, without a header. Source: the SDK's ``RealtimeAudioFormats``."""

    encoding: str
    """``pcm16``, ``pcmu`` (G.711 μ-law) or ``pcma`` (G.711 A-law)."""
    rate_hz: int
    """Samples a second."""
    bytes_per_ms: float = field(init=False, repr=False, compare=False)
    """How many bytes a millisecond takes; kept, since it is asked for with every event of sound."""

    def __post_init__(self) -> None:
        size = 2 if self.encoding == "pcm16" else 1
        object.__setattr__(self, "bytes_per_ms", self.rate_hz / 1000 * size)

    def ms(self, size_bytes: int) -> int:
        """Return how many whole milliseconds ``size_bytes`` last."""
        return int(size_bytes / self.bytes_per_ms)

    def ns(self, size_bytes: int) -> int:
        """Return how many nanoseconds ``size_bytes`` last."""
        return int(size_bytes * 1_000_000 / self.bytes_per_ms)

    def __str__(self) -> str:
        return f"{self.encoding} {self.rate_hz // 1000} kHz"


PCM16_24K = AudioFormat("pcm16", 24_000)
_G711_RATE_HZ = 8_000
_ENCODINGS = {
    "audio/pcm": "pcm16",
    "pcm16": "pcm16",
    "pcm": "pcm16",
    "pcm24": "pcm16",
    "audio/pcmu": "pcmu",
    "g711_ulaw": "pcmu",
    "audio/pcma": "pcma",
    "g711_alaw": "pcma",
}


def format_of_delta(sample_rate: object) -> AudioFormat | None:
    """Return the format of audio whose event gives a ``sample_rate`` of its own; None where that is absent or absurd."""
    if isinstance(sample_rate, bool) or not isinstance(sample_rate, int):
        return None
    return AudioFormat("pcm16", sample_rate) if 4_000 <= sample_rate <= 192_000 else None


def audio_format(value: object, rate_hz: object = None) -> AudioFormat | None:
    """Read a session's format member: an object (GA) or a bare name (beta and its kin); None where it is neither."""
    if isinstance(value, Mapping):
        members: Mapping[str, Any] = value
        rate_hz = members.get("rate", members.get("sample_rate", rate_hz))
        value = members.get("type")
    encoding = _ENCODINGS.get(value) if isinstance(value, str) else None
    if encoding is None:
        return None
    if encoding != "pcm16":
        return AudioFormat(encoding, _G711_RATE_HZ)
    usable = (
        isinstance(rate_hz, int) and not isinstance(rate_hz, bool) and 4_000 <= rate_hz <= 192_000
    )
    return AudioFormat(encoding, rate_hz if usable and isinstance(rate_hz, int) else 24_000)

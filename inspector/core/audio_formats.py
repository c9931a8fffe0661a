"""Audio formats, and the names that each dialect of the API uses for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Encoding and sample rate of audio bytes; mono, little-endian, without a header. Source: the SDK's ``RealtimeAudioFormats``."""

    encoding: str
    """``pcm16``, ``pcmu`` (G.711 μ-law) or ``pcma`` (G.711 A-law)."""
    rate_hz: int
    """Samples per second."""
    bytes_per_ms: float = field(init=False, repr=False, compare=False)
    """Size of one millisecond in bytes; stored, because every audio event needs it."""

    def __post_init__(self) -> None:
        size = 2 if self.encoding == "pcm16" else 1
        object.__setattr__(self, "bytes_per_ms", self.rate_hz / 1000 * size)

    def ms(self, size_bytes: int) -> int:
        """Return the duration of ``size_bytes`` in whole milliseconds."""
        return int(size_bytes / self.bytes_per_ms)

    def ns(self, size_bytes: int) -> int:
        """Return the duration of ``size_bytes`` in nanoseconds."""
        return int(size_bytes * 1_000_000 / self.bytes_per_ms)

    def __str__(self) -> str:
        return f"{self.encoding} {self.rate_hz // 1000} kHz"


PCM16_24K = AudioFormat("pcm16", 24_000)
"""The default of every dialect, and the only PCM rate that OpenAI accepts."""
_G711_RATE_HZ = 8_000
"""Fixed by ITU-T G.711; a rate given with it is ignored."""
_ENCODINGS = {
    "audio/pcm": "pcm16",
    "pcm16": "pcm16",
    "pcm": "pcm16",
    "pcm24": "pcm16",  # Qwen-Omni's name for 16 bit at 24 kHz
    "audio/pcmu": "pcmu",
    "g711_ulaw": "pcmu",
    "audio/pcma": "pcma",
    "g711_alaw": "pcma",
}


def format_of_delta(sample_rate: object) -> AudioFormat | None:
    """Return the format of audio whose event has its own ``sample_rate``; None if that is absent or implausible."""
    if isinstance(sample_rate, bool) or not isinstance(sample_rate, int):
        return None
    return AudioFormat("pcm16", sample_rate) if 4_000 <= sample_rate <= 192_000 else None


def audio_format(value: object, rate_hz: object = None) -> AudioFormat | None:
    """Return the format in a session's format member: an object (GA) or a bare name (beta dialects); None if it is neither."""
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

"""The settings of a simulated server."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.core.units import NS_PER_MS
from inspector.secret import Secret


@dataclass(frozen=True, slots=True)
class SimSettings:
    """Timings, limits and accepted keys; the defaults are those of a healthy server over a short network path."""

    latency_scale: float = 1.0
    """Factor for every delay; 0 answers at once."""
    audio_speed: float = 10.0
    """Seconds of audio sent per second (measured: about 10)."""
    require_key: bool = False
    """Refuse a connection without a key, as the API does."""
    accepted_key: Secret | None = None
    """The only key that is accepted, besides client secrets; None accepts any key."""
    refused_keys: tuple[str, ...] = ("bad", "invalid", "wrong", "expired")
    """Words that make a key refused, so that a test can provoke it without further set-up."""
    models: tuple[str, ...] = (
        "gpt-realtime",
        "gpt-4o-realtime",
        "gpt-4o-mini-realtime",
        "gpt-audio",
    )
    """Prefixes of the available models."""
    max_session_s: int = 3600
    """The API ends a session after 60 minutes."""
    delta_ms: int = 300
    """Length of the audio in one delta (measured: 200 to 400 ms)."""

    def delay_ns(self, ms: float) -> int:
        """Return a delay of the real server in nanoseconds, scaled by ``latency_scale``."""
        return int(ms * NS_PER_MS * self.latency_scale)

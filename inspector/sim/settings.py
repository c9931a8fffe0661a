"""What a simulated server is like: one frozen value, no globals."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.core.units import NS_PER_MS
from inspector.secret import Secret


@dataclass(frozen=True, slots=True)
class SimSettings:
    """Knobs of the simulator; the defaults are those of a nearby, healthy server."""

    latency_scale: float = 1.0
    """Multiplies every delay; 0 answers at once."""
    audio_speed: float = 10.0
    """How many seconds of audio are sent in a second (measured: about ten)."""
    require_key: bool = False
    """Refuse a connection without a key, as the API does."""
    accepted_key: Secret | None = None
    """The one key that is accepted, besides client secrets; None accepts any."""
    refused_keys: tuple[str, ...] = ("bad", "invalid", "wrong", "expired")
    """A key that contains one of these words is refused."""
    models: tuple[str, ...] = (
        "gpt-realtime",
        "gpt-4o-realtime",
        "gpt-4o-mini-realtime",
        "gpt-audio",
    )
    """Prefixes of the models that are served."""
    max_session_s: int = 3600
    """Sixty minutes, after which the API ends a session."""
    delta_ms: int = 300
    """Audio in one delta (measured: 200 to 400 ms)."""

    def delay_ns(self, ms: float) -> int:
        """Return what a delay of the real server lasts here, in nanoseconds."""
        return int(ms * NS_PER_MS * self.latency_scale)

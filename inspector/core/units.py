"""Units of time in nanoseconds. They are here and not in ``inspector.clock``, which the pure layers must not import."""

from __future__ import annotations

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_US = 1_000

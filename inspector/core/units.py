"""Units of time: how many nanoseconds each has. Here, since the pure layers know no clock."""

from __future__ import annotations

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_US = 1_000

"""Placeholder table, replaced by the full one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type."""

    name: str
    direction: str
    is_delta: bool = False
    severity: str = ""


EVENT_TYPES: Mapping[str, EventType] = {}

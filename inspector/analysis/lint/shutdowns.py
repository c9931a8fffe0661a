"""Shutdowns: what of the API ends, and when, from a dated table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The end of a model, a transcriber or a feature."""

    name: str
    """As the API names it."""
    day: date
    """The first day on which it no longer works."""
    instead: str
    """What to use."""
    source: str
    """Where it is announced."""


@cache
def shutdowns(kind: str) -> Mapping[str, Shutdown]:
    """Return the shutdowns of one kind (``model``, ``transcriber``, ``feature``) by name."""
    return MappingProxyType(
        {
            name: Shutdown(name, row["day"], row["instead"], row["source"])
            for row in _table()["shutdown"]
            if row["kind"] == kind
            for name in row["names"]
        }
    )


def table_day() -> date:
    """Return the day on which the table was last compared with its sources."""
    day: date = _table()["as_of"]
    return day


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((files("inspector.spec") / "shutdowns.toml").read_text())


def day_of(unix_seconds: int) -> date | None:
    """Return the day of a Unix time; None for 0 and for times out of range."""
    try:
        return datetime.fromtimestamp(unix_seconds, UTC).date() if unix_seconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None

"""Builders of sessions whose turns are known: loud and silent windows, and what the server detected in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inspector.analysis.server_vad import WINDOW_MS
from inspector.core.event import Event
from tests.linted_sound import append, started, stopped
from tests.sim_driver import buzz
from tests.support import at, numbered, server

RULES: Mapping[str, Any] = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 64,
    "silence_duration_ms": 192,
}
WINDOW_BYTES = WINDOW_MS * 48
SENTENCE = "....xxxxxx..xxxx......"
"""By window: a pause of two within it, and one of six behind it."""
SENTENCE_MS = len(SENTENCE) * WINDOW_MS


def created(detection: Any = RULES, **members: Any) -> Event:
    """Return the beginning of a session with a turn detection; members are those of its input."""
    audio = {"input": {"turn_detection": detection, **members}}
    return server("session.created", session={"id": "s", "type": "realtime", "audio": audio})


def sound(script: str) -> list[Event]:
    """Return appends of a window each: ``x`` is loud, everything else silence."""
    pieces = (buzz(WINDOW_MS) if one == "x" else bytes(WINDOW_BYTES) for one in script)
    return [append(piece) for piece in pieces]


def talk(sentences: int = 1, turns: int = 1) -> list[Event]:
    """Return a session of equal sentences, of which the server detected the first ones."""
    made = [at(0, created())]
    for number in range(sentences):
        begin = number * SENTENCE_MS
        made += [at(begin + WINDOW_MS * n, one) for n, one in enumerate(sound(SENTENCE), 1)]
        if number < turns:
            item_id, end = f"item_{number}", begin + SENTENCE_MS
            made.append(started(end + 1, item_id, begin + 64))
            made.append(stopped(end + 2, item_id, end))
    return numbered(made)

"""Delta groups: which events fold into one row, and what the folded row shows.

Four rules. ``part``: deltas of one type that carry the same ``item_id`` and ``content_index`` are one group, however far
apart. ``track``: deltas of one type where a session has no items are one group until nothing came for a while, whatever
comes between them, so that interleaved tracks read as utterances. ``run``: events of one type that follow each other (microphone appends; deltas without an ``item_id``), ended by
any other event of the same direction, and for the client's appends also by the server's speech and commit events, so
that a folded row never spans a turn. Errors are in a run as long as they say the same. Deltas are the server's: what calls itself one and comes from elsewhere is in a run, so
that no group is of two directions.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

from inspector.core.event import Direction, Event
from inspector.core.kinds import REPEATED, EventKind
from inspector.core.read import object_at, text_at

TRACK_PAUSE_US = 2_000_000
"""A track that was silent for so long goes on with a new row: by then another sentence has begun."""
GROUP_COLUMNS = (("head", "i"), ("last", "i"), ("count", "I"), ("audio_bytes", "q"))
"""Name and ``array`` type code of every column of the group table."""

RUN_BREAKERS = frozenset(
    {
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
    }
)
"""Server events that end a run of the client's appends."""


class DeltaGroups:
    """The group table of one log, and the groups that are still open."""

    def __init__(self) -> None:
        self.head = array("i")
        self.last = array("i")
        self.count = array("I")
        self.audio_bytes = array("q")
        self._parts: dict[tuple[str, str, int], int] = {}
        self._runs: dict[Direction, tuple[str, int]] = {}
        self._tracks: dict[str, tuple[int, int | None]] = {}
        """Type to the group of its last delta, and the last known time of one in microseconds."""

    def __len__(self) -> int:
        return len(self.head)

    def place(self, row: int, event: Event, kind: EventKind) -> int:
        """Return the group of a new row, opening one where none fits; -1 for a row that never folds."""
        is_delta = event.direction is Direction.SERVER
        key = part_key(event) if is_delta and kind.fold == "part" else None
        if key is not None and event.type in REPEATED:
            group = self._run(row, event, "\0".join(map(str, key)))
        elif key is not None:
            found = self._parts.get(key)
            group = self._parts[key] = self._open(row) if found is None else found
        elif is_delta and kind.fold == "track":
            group = self._track(row, event)
        elif kind.fold:
            group = self._run(row, event, event.type)
        else:
            self._runs.pop(event.direction, None)
            if event.type in RUN_BREAKERS:
                self._runs.pop(Direction.CLIENT, None)
            return -1
        self.last[group] = row
        self.count[group] += 1
        self.audio_bytes[group] += audio_bytes_of(event)
        return group

    def take(self, first: int, new: Mapping[str, bytes], grown: Mapping[str, bytes]) -> None:
        """Take groups over that were formed elsewhere; those that are open here end.

        Args:
            first: the number of the first of ``new``; what is here from it on is replaced.
            new: groups, by column.
            grown: columns of earlier groups that have changed; ``group`` has their numbers.
        """
        for name, code in GROUP_COLUMNS:
            column: array[int] = getattr(self, name)
            del column[first:]
            column.frombytes(new[name])
            if name in grown:
                numbers, values = array("i"), array(code)
                numbers.frombytes(grown["group"])
                values.frombytes(grown[name])
                for number, value in zip(numbers, values, strict=True):
                    column[number] = value
        self._parts.clear()
        self._runs.clear()
        self._tracks.clear()

    def _run(self, row: int, event: Event, what: str) -> int:
        """Return the group of a row whose neighbours fold with it where they are of the same ``what``."""
        run = self._runs.get(event.direction)
        if run is not None and run[0] == what:
            return run[1]
        group = self._open(row)
        self._runs[event.direction] = (what, group)
        return group

    def _track(self, row: int, event: Event) -> int:
        t_us = None if event.t_ns is None else event.t_ns // 1000
        open_group, last_us = self._tracks.get(event.type, (None, None))
        # Without times there is no telling of a pause: what follows then goes on.
        pause_us = 0 if t_us is None or last_us is None else t_us - last_us
        goes_on = open_group is not None and pause_us <= TRACK_PAUSE_US
        group = open_group if open_group is not None and goes_on else self._open(row)
        self._tracks[event.type] = group, last_us if t_us is None else t_us
        return group

    def _open(self, row: int) -> int:
        self.head.append(row)
        self.last.append(row)
        self.count.append(0)
        self.audio_bytes.append(0)
        return len(self.head) - 1


def part_key(event: Event) -> tuple[str, str, int] | None:
    """Return what identifies the content part of a delta, or what an error says; None where the event does not say."""
    body = event.body
    if body is None:
        return None
    if event.type in REPEATED:
        error = object_at(body, "error")
        words = (text_at(error, name) for name in ("type", "code", "param", "message"))
        return event.type, "\0".join(words), 0
    item_id = body.get("item_id")
    if not isinstance(item_id, str):
        return None
    index = body.get("content_index", 0)
    return event.type, item_id, index if isinstance(index, int) else 0


AUDIO_KEYS: Mapping[str, tuple[str, ...]] = {
    "input_audio_buffer.append": ("audio",),
    "session.input_audio_buffer.append": ("audio",),
    "session.input_audio.append": ("audio",),
    "response.output_audio.delta": ("delta", "audio"),
    "response.audio.delta": ("delta", "audio"),
    "session.output_audio.delta": ("delta", "audio"),
}
"""Where the base64 audio of an event stands, first match wins."""


def audio_of(event: Event) -> str:
    """Return an event's base64 audio, ``""`` where it has none."""
    keys = AUDIO_KEYS.get(event.type)
    if keys is None or event.body is None:
        return ""
    body: Mapping[str, Any] = event.body
    for key in keys:
        value = body.get(key)
        if isinstance(value, str):
            return value
    return ""


def audio_bytes_of(event: Event) -> int:
    """Return the decoded size of an event's audio in bytes, from the length of its base64 (RFC 4648)."""
    if event.audio_bytes is not None:
        return event.audio_bytes
    return base64_size(audio_of(event))


def base64_size(text: str) -> int:
    """Return how many bytes a base64 text stands for; 0 for a data URL, which is none."""
    if not text or text[4:5] == ":":
        return 0
    padding = 2 if text.endswith("==") else 1 if text.endswith("=") else 0
    return max(0, len(text) * 3 // 4 - padding)

"""Delta groups: the events that fold into one row, and the size and count that the folded row shows.

Rules (``EventKind.fold``):

- ``part``: server deltas of one type with the same ``item_id`` and ``content_index`` form one group, however far apart.
- ``track``: deltas of one type in a session without items form one group until a pause, regardless of the events between
  them, so that interleaved tracks read as utterances.
- ``run``: consecutive events of one type (microphone appends, deltas without an ``item_id``). Any other event of the same
  direction ends the run; the server's speech and commit events also end a run of the client's appends, so that a folded row
  never spans a turn.
- Errors form a run while their content is the same.

Only the server sends deltas. A delta type from another direction forms a run, so that no group mixes directions.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

from inspector.core.event import Direction, Event
from inspector.core.kinds import REPEATED, EventKind
from inspector.core.read import object_at, text_at

TRACK_PAUSE_US = 2_000_000
"""Pause that ends a group of a track; the next delta usually begins another sentence. As long as ``transcripts.PAUSE_NS``."""
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
    """The group table of one log, with the groups that may still grow."""

    def __init__(self) -> None:
        self.head = array("i")
        self.last = array("i")
        self.count = array("I")
        self.audio_bytes = array("q")
        self._parts: dict[tuple[str, str, int], int] = {}
        self._runs: dict[Direction, tuple[str, int]] = {}
        self._tracks: dict[str, tuple[int, int | None]] = {}
        """Type to the group of its last delta, and the last known time of such a delta in microseconds."""

    def __len__(self) -> int:
        return len(self.head)

    def place(self, row: int, event: Event, kind: EventKind) -> int:
        """Return the group of a new row, opening one if necessary; -1 for a row that never folds."""
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

    def load(self, first: int, new: Mapping[str, bytes], grown: Mapping[str, bytes]) -> None:
        """Take over groups formed by the bulk scanner; groups that are open here are closed.

        Args:
            first: the number of the first of ``new``; groups here from that number on are replaced.
            new: raw data by column name.
            grown: raw data of earlier groups that have changed; ``group`` holds their numbers.
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
        # The scanner tracks its open groups itself, and rows appended here later begin groups of their own.
        self._parts.clear()
        self._runs.clear()
        self._tracks.clear()

    def _run(self, row: int, event: Event, key: str) -> int:
        """Return the open run of a row's direction if it has the same ``key``, else a new run."""
        run = self._runs.get(event.direction)
        if run is not None and run[0] == key:
            return run[1]
        group = self._open(row)
        self._runs[event.direction] = (key, group)
        return group

    def _track(self, row: int, event: Event) -> int:
        t_us = None if event.t_ns is None else event.t_ns // 1000
        open_group, last_us = self._tracks.get(event.type, (None, None))
        # Without times a pause cannot be measured, so the group continues.
        pause_us = 0 if t_us is None or last_us is None else t_us - last_us
        continues = open_group is not None and pause_us <= TRACK_PAUSE_US
        group = open_group if open_group is not None and continues else self._open(row)
        self._tracks[event.type] = group, last_us if t_us is None else t_us
        return group

    def _open(self, row: int) -> int:
        self.head.append(row)
        self.last.append(row)
        self.count.append(0)
        self.audio_bytes.append(0)
        return len(self.head) - 1


def part_key(event: Event) -> tuple[str, str, int] | None:
    """Return the key of a delta's content part, or of an error's content; None if the event lacks the members for it."""
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
    index = body.get("content_index", 0)  # deltas of function arguments have none
    return event.type, item_id, index if isinstance(index, int) else 0


AUDIO_KEYS: Mapping[str, tuple[str, ...]] = {
    "input_audio_buffer.append": ("audio",),
    "session.input_audio_buffer.append": ("audio",),
    "session.input_audio.append": ("audio",),
    "response.output_audio.delta": ("delta", "audio"),
    "response.audio.delta": ("delta", "audio"),
    "session.output_audio.delta": ("delta", "audio"),
}
"""Event type to the members that may hold its base64 audio; the first match wins."""


def audio_of(event: Event) -> str:
    """Return an event's base64 audio, ``""`` if it has none."""
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
    """Return the decoded size of a base64 text in bytes; 0 for a data URL."""
    # "data:" has its colon at index 4, and base64 has no colon: cheaper than startswith for every append.
    if not text or text[4:5] == ":":
        return 0
    padding = 2 if text.endswith("==") else 1 if text.endswith("=") else 0
    return max(0, len(text) * 3 // 4 - padding)

"""Speaker: the assistant's audio on its way to the user's ear, and the record of what was heard.

It takes in events as the engine logs them, and plays on ``tick``. What began and ceased to be heard becomes
``inspector.playing`` and ``inspector.played`` in the log, so that a replay knows what the user heard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from inspector.audio.ends import SoundOutput
from inspector.audio.levels import LevelMeter
from inspector.audio.playback import Playback, PlaybackChange
from inspector.audio.stream import base64_bytes
from inspector.audio.track import Track
from inspector.core.audio_formats import AudioFormat, audio_format
from inspector.core.event import Direction, Event
from inspector.core.groups import audio_of
from inspector.core.output_audio import OUTPUT_AUDIO
from inspector.core.read import int_at, object_at, text_at
from inspector.core.state import SessionState

_DONE = ("response.output_audio.done", "response.audio.done")
TEST_ITEM = "inspector test"
TEST_NOTES_HZ, TEST_NOTE_MS, TEST_PEAK = (440, 660), 300, 8000
MOST_AT_ONCE_S = 5
"""Played in one tick after the process stood still; a longer gap is caught up in the ticks that follow."""


class Speaker:
    """Plays what the model says."""

    def __init__(self, output: SoundOutput) -> None:
        self.output = output
        self.playback = Playback(output.rate_hz)
        self.meter = LevelMeter()
        self.unreadable = 0
        """Deltas that were not base64."""
        self._changes: list[PlaybackChange] = []
        self._formats: dict[str, AudioFormat] = {}
        """What responses in progress asked for themselves."""
        self._tests = 0

    @property
    def is_idle(self) -> bool:
        """Tell whether everything that came was heard or thrown away."""
        return self.playback.is_idle and not self._changes

    @property
    def losses(self) -> dict[str, int]:
        """Return what was not played as it should, by name."""
        return {
            "underruns": self.playback.underruns,
            "dropped_bytes": self.playback.dropped_bytes,
            "unreadable_deltas": self.unreadable,
        }

    def take(self, event: Event, state: SessionState, now_ns: int) -> None:
        """Take in an event of the session, after the folds; cheap, however much audio it carries."""
        body, kind = event.body, event.type
        if body is None or event.direction is Direction.LOCAL:
            return
        if event.direction is Direction.CLIENT:
            if kind == "conversation.item.truncate":
                # Now, not once the server agrees: what is heard meanwhile it would never know of.
                self._truncate(body, now_ns)
        elif kind in OUTPUT_AUDIO:
            self._receive(event, body, state, now_ns)
        elif kind in _DONE:
            self.playback.complete(key=_key(body))
        elif kind == "response.created":
            self._note_format(object_at(body, "response"))
        elif kind == "response.done":
            self._respond(object_at(body, "response"), now_ns)
        elif kind == "conversation.item.truncated":
            self._truncate(body, now_ns)
        elif kind == "conversation.item.deleted":
            item_id = text_at(body, "item_id")
            self.cut("deleted", now_ns, lambda track: track.item_id == item_id)

    def tick(self, now_ns: int) -> None:
        """Play what is due."""
        self._play(now_ns)
        self._changes += self.playback.changes(self.output.unheard)

    def cut(
        self, reason: str, now_ns: int, which: Callable[[Track], bool] = lambda _: True
    ) -> list[PlaybackChange]:
        """Stop what plays or waits, at once; return what was heard of each item."""
        self._play(now_ns)
        self._changes += self.playback.changes(self.output.unheard)
        found = self.playback.cut(reason, which, unheard=self.output.unheard)
        if found:
            self.output.flush()
            self._changes += found
        return found

    def heard_ms(self, item_id: str) -> int | None:
        """Return how much of an item was heard; None where nothing of it was received."""
        tracks = [track for track in self.playback.tracks.values() if track.item_id == item_id]
        if not tracks:
            return None
        return sum(self.playback.heard_ms(track, self.output.unheard) for track in tracks)

    def change_output(self, output: SoundOutput) -> None:
        """Go on with another output; what the old one has not played yet is lost."""
        old, self.output = self.output, output
        old.close()
        if output.rate_hz != self.playback.rate_hz:
            self._changes += self.playback.cut("output changed", lambda _: True)
            before, self.playback = self.playback, Playback(output.rate_hz)
            self.playback.underruns = before.underruns
            self.playback.dropped_bytes = before.dropped_bytes

    def play_test(self, now_ns: int) -> None:
        """Play two notes; nothing is logged of them."""
        rate_hz = self.playback.rate_hz
        time_s = np.arange(rate_hz * TEST_NOTE_MS // 1000) / rate_hz
        fade = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) * 100)
        notes = [TEST_PEAK * fade * np.sin(2 * np.pi * hz * time_s) for hz in TEST_NOTES_HZ]
        self._tests += 1
        key = (TEST_ITEM, self._tests)
        data = np.concatenate(notes).astype("<i2").tobytes()
        self.playback.receive(key, "", data, AudioFormat("pcm16", rate_hz), now_ns)
        self.playback.complete(key=key)

    def reports(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what is to be logged since the last call: type and facts of each event, oldest first."""
        changes, self._changes = self._changes, []
        return [
            _report(change, self.output.name)
            for change in changes
            if change.track.item_id != TEST_ITEM
        ]

    def _play(self, now_ns: int) -> None:
        output = self.output
        count = min(output.wanted(now_ns), MOST_AT_ONCE_S * output.rate_hz)
        if count:
            samples = self.playback.read(count, now_ns)
            output.write(samples)
            self.meter.feed(samples, output.rate_hz, now_ns)

    def _note_format(self, response: Mapping[str, Any]) -> None:
        """Keep a response's own format, for as long as it is in progress."""
        asked = object_at(object_at(response, "audio"), "output").get("format")
        named = audio_format(asked) or audio_format(response.get("output_audio_format"))
        if named is not None and text_at(response, "id"):
            self._formats[text_at(response, "id")] = named

    def _receive(
        self, event: Event, body: Mapping[str, Any], state: SessionState, now_ns: int
    ) -> None:
        data = base64_bytes(audio_of(event))
        if data is None:
            self.unreadable += 1
            return
        self._play(now_ns)  # up to now, so that what comes now is not heard before it came
        self.playback.receive(
            _key(body), text_at(body, "response_id"), data, self._format(body, state), now_ns
        )

    def _format(self, body: Mapping[str, Any], state: SessionState) -> AudioFormat:
        """Return the format of a delta: what it says itself, else what its response asked for, else the session's."""
        if body.get("sample_rate"):
            named = audio_format(text_at(body, "format") or "pcm16", body["sample_rate"])
            if named is not None:
                return named
        return self._formats.get(text_at(body, "response_id")) or state.session.output_format

    def _respond(self, response: Mapping[str, Any], now_ns: int) -> None:
        response_id = text_at(response, "id")
        self._formats.pop(response_id, None)
        if response.get("status") == "cancelled":
            self.playback.refuse(response_id)
            self.cut("cancelled", now_ns, lambda track: track.response_id == response_id)
        else:
            self.playback.complete(response_id=response_id)

    def _truncate(self, body: Mapping[str, Any], now_ns: int) -> None:
        key, end_ms = _key(body), int_at(body, "audio_end_ms")
        track = self.playback.tracks.get(key)
        if track is None or track.is_cut:
            return
        self._play(now_ns)
        if self.playback.heard_ms(track, self.output.unheard) >= end_ms:
            self.cut("truncated", now_ns, lambda other: other is track)
        else:
            self.playback.limit(track, end_ms)


def _key(body: Mapping[str, Any]) -> tuple[str, int]:
    return text_at(body, "item_id"), int_at(body, "content_index")


def _report(change: PlaybackChange, output: str) -> tuple[str, dict[str, Any]]:
    track = change.track
    facts: dict[str, Any] = {
        "item_id": track.item_id,
        "content_index": track.content_index,
        "response_id": track.response_id,
        "audio_ms": change.heard_ms,
        "received_ms": track.received_ms,
    }
    if change.is_playing:
        return "inspector.playing", {**facts, "output": output}
    return "inspector.played", {**facts, "reason": change.reason}

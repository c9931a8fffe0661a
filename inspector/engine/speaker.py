"""The speaker: playback of the assistant's audio, and reports of what was heard.

It receives events as the engine logs them, and plays on ``tick``. The start and end of each item's playback are logged as
``inspector.playing`` and ``inspector.played``, so that a replay knows what the user heard.
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
"""Audio played in one tick after the process was suspended; the rest follows in the next ticks."""


class Speaker:
    """Play the assistant's audio."""

    def __init__(self, output: SoundOutput) -> None:
        self.output = output
        self.playback = Playback(output.rate_hz)
        self.meter = LevelMeter()
        self.unreadable = 0
        """Deltas that were not base64."""
        self._changes: list[PlaybackChange] = []
        self._formats: dict[str, AudioFormat] = {}
        """Formats of responses in progress that differ from the session's, by response id."""
        self._tests = 0

    @property
    def is_idle(self) -> bool:
        """Return True if all audio received so far was played or discarded, and reported."""
        return self.playback.is_idle and not self._changes

    @property
    def losses(self) -> dict[str, int]:
        """Return counts of audio that was not played properly, by name."""
        return {
            "underruns": self.playback.underruns,
            "dropped_bytes": self.playback.dropped_bytes,
            "unreadable_deltas": self.unreadable,
        }

    def on_event(self, event: Event, state: SessionState, now_ns: int) -> None:
        """Handle an event of the session, after the folds; audio is only queued here."""
        body, kind = event.body, event.type
        if body is None or event.direction is Direction.LOCAL:
            return
        if event.direction is Direction.CLIENT:
            if kind == "conversation.item.truncate":
                # Not on the server's confirmation: what is played until then would not be in the truncation.
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
        """Play the audio that is due."""
        self._play(now_ns)
        self._changes += self.playback.changes(self.output.unheard)

    def cut(
        self, reason: str, now_ns: int, which: Callable[[Track], bool] = lambda _: True
    ) -> list[PlaybackChange]:
        """Stop playing and queued audio at once; return how much of each item was heard."""
        self._play(now_ns)
        self._changes += self.playback.changes(self.output.unheard)
        cuts = self.playback.cut(reason, which, unheard=self.output.unheard)
        if cuts:
            self.output.flush()
            self._changes += cuts
        return cuts

    def heard_ms(self, item_id: str) -> int | None:
        """Return how much of an item was heard, in milliseconds; None if no audio of it was received."""
        tracks = [track for track in self.playback.tracks.values() if track.item_id == item_id]
        if not tracks:
            return None
        return sum(self.playback.heard_ms(track, self.output.unheard) for track in tracks)

    def change_output(self, output: SoundOutput) -> None:
        """Switch to another output, discarding what the old one has not played yet."""
        old, self.output = self.output, output
        old.close()
        if output.rate_hz != self.playback.rate_hz:  # queued audio has the old rate
            self._changes += self.playback.cut("output changed", lambda _: True)
            before, self.playback = self.playback, Playback(output.rate_hz)
            self.playback.underruns = before.underruns
            self.playback.dropped_bytes = before.dropped_bytes

    def play_test(self, now_ns: int) -> None:
        """Play two test notes, which are not logged."""
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
        """Return (type, members) of the events to log since the last call, oldest first."""
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
        """Keep the format of a response while it is in progress."""
        ga_format = object_at(object_at(response, "audio"), "output").get("format")
        audio = audio_format(ga_format) or audio_format(response.get("output_audio_format"))
        if audio is not None and text_at(response, "id"):
            self._formats[text_at(response, "id")] = audio

    def _receive(
        self, event: Event, body: Mapping[str, Any], state: SessionState, now_ns: int
    ) -> None:
        data = base64_bytes(audio_of(event))
        if data is None:
            self.unreadable += 1
            return
        self._play(now_ns)  # first up to now, or new audio would be played at an earlier time
        self.playback.receive(
            _key(body), text_at(body, "response_id"), data, self._format(body, state), now_ns
        )

    def _format(self, body: Mapping[str, Any], state: SessionState) -> AudioFormat:
        """Return the format of a delta: its own, else that of its response, else the session's."""
        if body.get("sample_rate"):  # only in translation sessions
            audio = audio_format(text_at(body, "format") or "pcm16", body["sample_rate"])
            if audio is not None:
                return audio
        return self._formats.get(text_at(body, "response_id")) or state.session.output_format

    def _respond(self, response: Mapping[str, Any], now_ns: int) -> None:
        response_id = text_at(response, "id")
        self._formats.pop(response_id, None)
        if response.get("status") == "cancelled":
            self.playback.refuse(response_id)  # late deltas of a cancelled response must not play
            self.cut("cancelled", now_ns, lambda track: track.response_id == response_id)
        else:
            self.playback.complete(response_id=response_id)

    def _truncate(self, body: Mapping[str, Any], now_ns: int) -> None:
        key, end_ms = _key(body), int_at(body, "audio_end_ms")
        track = self.playback.tracks.get(key)
        if track is None or track.is_cut:
            return
        self._play(now_ns)
        # Playback may be behind the truncation, if another client or the user chose a later end.
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

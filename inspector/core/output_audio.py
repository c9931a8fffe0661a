"""OutputAudioFold: what audio came for each item, and how much of it can have been heard.

Audio arrives about ten times faster than it plays, so "received" and "heard" differ. Where the inspector plays, its
``inspector.playing`` (begins or goes on, from ``audio_ms``) and ``inspector.played`` (ceased, at ``audio_ms``) are the truth.
Where it does not, the estimate is a player that starts with the first delta, plays in real time, one item after the
other, and stops when speech starts, the item is truncated or the response is cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass

from inspector.core.event import Event
from inspector.core.fold import owned
from inspector.core.formats import PCM16_24K, AudioFormat, audio_format
from inspector.core.groups import audio_of, base64_size
from inspector.core.read import int_at, object_at, text_at

NS_PER_MS = 1_000_000
_OF_ITEMS = ("response.output_audio.delta", "response.audio.delta")
OUTPUT_AUDIO = (*_OF_ITEMS, "session.output_audio.delta")
"""Types of the events that bring sound to be heard; that of a translation is of no item."""


@dataclass(slots=True)
class ItemAudio:
    """The audio of one assistant item."""

    item_id: str
    """The item that is heard."""
    owner: object
    """The fold that may change it; others clone it first."""
    content_index: int = 0
    """The part of the item that is audio."""
    response_id: str = ""
    """The response that the item belongs to."""
    received_bytes: int = 0
    """Decoded size of all deltas."""
    format: AudioFormat = PCM16_24K
    """Of the session when the first delta came."""
    starts_t_ns: int | None = None
    """When it starts to play: at its first delta, or when the item before it ends; None where the recording has no times."""
    is_stopped: bool = False
    """Whether playing was cut off."""
    stopped_t_ns: int | None = None
    """When it was; None where it was not, or the recording does not say."""
    played_ms: int | None = None
    """What the player itself reported last."""
    played_t_ns: int | None = None
    """When it reported; None where it did not, or the recording does not say."""
    is_playing: bool = False
    """True between its reports that it begins and that it ceased."""

    @property
    def received_ms(self) -> int:
        """Return the length of what was received."""
        return self.format.ms(self.received_bytes)

    def heard_ms(self, now_ns: int | None) -> int | None:
        """Return how much can have been heard by ``now_ns`` (session time), never more than was received.

        None where that takes a time that the recording does not have: all of it may have been heard, or nothing.
        """
        if self.played_ms is not None and not self.is_playing:
            return min(self.played_ms, self.received_ms)
        if now_ns is None:
            return None
        if self.played_ms is not None:
            if self.played_t_ns is None:
                return None
            since_ms = max(0, now_ns - self.played_t_ns) // NS_PER_MS
            return min(self.played_ms + since_ms, self.received_ms)
        until_ns = now_ns if self.stopped_t_ns is None else min(now_ns, self.stopped_t_ns)
        if self.starts_t_ns is None or (self.is_stopped and self.stopped_t_ns is None):
            return None
        return max(0, min(self.received_ms, (until_ns - self.starts_t_ns) // NS_PER_MS))


class OutputAudioFold:
    """The audio of every assistant item, oldest first."""

    name = "output_audio"

    def __init__(self) -> None:
        self.items: dict[str, ItemAudio] = {}
        self.total_bytes = 0
        self._format = PCM16_24K
        self._owner = object()

    def apply(self, event: Event) -> None:
        """Take one event in."""
        kind, body = event.type, event.body
        if body is None:
            return
        if kind in _OF_ITEMS:
            self._receive(event, base64_size(audio_of(event)))
        elif kind in ("session.created", "session.updated"):
            session = object_at(body, "session")
            nested = object_at(object_at(session, "audio"), "output").get("format")
            self._format = (
                audio_format(nested)
                or audio_format(session.get("output_audio_format"))
                or PCM16_24K
            )
        elif kind == "input_audio_buffer.speech_started":
            self._stop_all(event)
        elif kind == "conversation.item.truncated":
            self._stop(text_at(body, "item_id"), event)
        elif kind == "response.done":
            response = object_at(body, "response")
            if response.get("status") == "cancelled":
                self._stop_all(event, text_at(response, "id"))
        elif kind in ("inspector.playing", "inspector.played"):
            self._played(event)

    def copy(self) -> OutputAudioFold:
        """Return an independent copy; items are cloned when either side changes them."""
        twin = OutputAudioFold()
        twin.items, twin.total_bytes, twin._format = (
            dict(self.items),
            self.total_bytes,
            self._format,
        )
        self._owner = object()
        return twin

    def current(self, now_ns: int | None) -> ItemAudio | None:
        """Return the item that is being played, or else the one that was played last; without times the newest."""
        last = None
        for item in reversed(self.items.values()):
            if now_ns is None or item.starts_t_ns is None or item.starts_t_ns <= now_ns:
                return item
            last = item
        return last

    def _receive(self, event: Event, size: int) -> None:
        body = event.body or {}
        item_id = text_at(body, "item_id")
        if not item_id:
            return
        if item_id not in self.items:
            self.items[item_id] = ItemAudio(
                item_id,
                self._owner,
                int_at(body, "content_index"),
                text_at(body, "response_id"),
                0,
                self._format,
                self._start_ns(event),
            )
        owned(self.items, item_id, self._owner).received_bytes += size
        self.total_bytes += size

    def _start_ns(self, event: Event) -> int | None:
        """Return when an item starts to play whose first delta has come; None where the recording does not say when that was."""
        if event.t_ns is None:
            return None
        last = next(reversed(self.items.values()), None)
        if last is None:
            return event.t_ns
        busy_until_ns = last.stopped_t_ns if last.is_stopped else last.starts_t_ns
        if busy_until_ns is None:
            # What is not known to have started, or when it stopped, keeps nothing waiting.
            return event.t_ns
        if not last.is_stopped:
            busy_until_ns += last.received_ms * NS_PER_MS
        return max(event.t_ns, busy_until_ns)

    def _stop(self, item_id: str, event: Event) -> None:
        if item_id in self.items and not self.items[item_id].is_stopped:
            item = owned(self.items, item_id, self._owner)
            item.is_stopped, item.stopped_t_ns = True, event.t_ns

    def _stop_all(self, event: Event, response_id: str = "") -> None:
        """Stop what is still playing (of one response, or at all); what has played out stays as it is."""
        for item in reversed(list(self.items.values())):
            heard_ms = item.heard_ms(event.t_ns)
            # Speech stops what still plays; without times there is no telling that it does, and it is left as it is.
            # A cancelled response has not played out.
            is_over = not response_id if heard_ms is None else heard_ms >= item.received_ms > 0
            if item.is_stopped or is_over:
                break
            if not response_id or item.response_id == response_id:
                self._stop(item.item_id, event)

    def _played(self, event: Event) -> None:
        body = event.body or {}
        item_id = text_at(body, "item_id")
        if item_id in self.items:
            item = owned(self.items, item_id, self._owner)
            item.played_ms = int_at(body, "audio_ms")
            item.played_t_ns = event.t_ns
            item.is_playing = event.type == "inspector.playing"
            if item.is_playing and not item.played_ms:
                item.starts_t_ns = event.t_ns
            elif not item.is_playing and not item.is_stopped:
                item.is_stopped, item.stopped_t_ns = True, event.t_ns

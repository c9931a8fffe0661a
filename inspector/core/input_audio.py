"""InputAudioFold: the server's input buffer, as far as the events tell."""

from __future__ import annotations

from inspector.core.event import Direction, Event
from inspector.core.groups import audio_bytes_of
from inspector.core.read import int_at, text_at


class InputAudioFold:
    """How much audio was sent, what waits to be committed, and whether somebody speaks.

    Source: the SDK's ``InputAudioBuffer…`` events. Sizes are decoded bytes; ``…_ms`` are on the server's audio clock.
    """

    name = "input_audio"

    def __init__(self) -> None:
        self.appends = 0
        self.total_bytes = 0
        self.buffered_bytes = 0
        """Sent since the last commit or clear."""
        self.speech_item_id = ""
        """The item of the open speech; ``""`` while nobody speaks."""
        self.speech_started_ms = 0
        self.speech_started_t_ns: int | None = None
        """When the server said so; None where the recording does not say."""
        self.committed: dict[str, int] = {}
        """User item id to its audio in bytes, as far as we sent it: all since the commit before."""
        self.spoken_ms: dict[str, int] = {}
        """User item id to the length of its audio in ms, where the server says from when to when it reaches."""

    def apply(self, event: Event) -> None:
        """Take one event in."""
        kind = event.type
        if kind in (
            "input_audio_buffer.append",
            "session.input_audio_buffer.append",
            "session.input_audio.append",
        ):
            if event.direction is Direction.CLIENT:
                size = audio_bytes_of(event)
                self.appends += 1
                self.total_bytes += size
                self.buffered_bytes += size
        elif kind.startswith("input_audio_buffer.") and event.direction is Direction.SERVER:
            self._server(event)

    def copy(self) -> InputAudioFold:
        """Return an independent copy."""
        twin = InputAudioFold()
        twin.__dict__.update(self.__dict__)
        twin.committed = dict(self.committed)
        twin.spoken_ms = dict(self.spoken_ms)
        return twin

    def _server(self, event: Event) -> None:
        body = event.body or {}
        what = event.type.rpartition(".")[2]
        if what == "speech_started":
            self.speech_item_id = text_at(body, "item_id") or "?"
            self.speech_started_ms = int_at(body, "audio_start_ms")
            self.speech_started_t_ns = event.t_ns
        elif what == "speech_stopped":
            length_ms = int_at(body, "audio_end_ms") - self.speech_started_ms
            if self.speech_item_id == text_at(body, "item_id") and length_ms > 0:
                self.spoken_ms[self.speech_item_id] = length_ms
            self.speech_item_id = ""
        elif what == "committed":
            self.speech_item_id = ""
            self.committed[text_at(body, "item_id")] = self.buffered_bytes
            self.buffered_bytes = 0
        elif what == "cleared":
            self.buffered_bytes = 0

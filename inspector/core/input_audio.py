"""InputAudioFold: the state of the server's input audio buffer, derived from the events."""

from __future__ import annotations

from inspector.core.event import Direction, Event
from inspector.core.groups import audio_bytes_of, audio_of
from inspector.core.read import int_at, text_at
from inspector.core.refused_appends import MAX_WAITING, RefusedAppends
from inspector.core.riff import WavHeader, wav_header

APPENDS = (
    "input_audio_buffer.append",
    "session.input_audio_buffer.append",
    "session.input_audio.append",
)
"""Types of the events that carry the user's audio."""


class InputAudioFold:
    """How much audio was sent, how much is uncommitted, and whether the user is speaking.

    An append that the server rejected never reached its buffer and counts as not sent. Source: the SDK's
    ``InputAudioBuffer…`` events. Sizes are decoded bytes; ``…_ms`` are on the server's audio clock.
    """

    name = "input_audio"

    def __init__(self) -> None:
        self.appends = 0
        self.total_bytes = 0
        self.buffered_bytes = 0
        """Sent since the last commit or clear."""
        self.speech_item_id = ""
        """The item of the speech in progress; ``""`` while the user is silent."""
        self.speech_started_ms = 0
        self.speech_started_t_ns: int | None = None
        """Time of the server's event; None if the recording has no time for it."""
        self.committed: dict[str, int] = {}
        """User item id to the bytes of audio sent between its commit and the commit before."""
        self.spoken_ms: dict[str, int] = {}
        """User item id to the length of its audio in ms, if the server reported both ends of the speech."""
        self.refused = 0
        """Number of appends that the server rejected."""
        self.first_refused_seq = 0
        """The first rejected append."""
        self.wav: WavHeader | None = None
        """The header of the first append that begins like a WAV file; None if none does."""
        self.wav_appends = 0
        """Number of accepted appends that begin like a WAV file."""
        self.first_wav_seq = 0
        """The first of them."""
        self._refusals = RefusedAppends()
        self._sizes: dict[int, tuple[int, bool]] = {}
        """``seq`` of recent appends, which an error may still reject, to their size and whether they begin like a WAV file."""
        self._emptied_seq = 0
        """The last event that emptied the buffer."""
        self._last_item_id = ""
        """The item that was committed last."""

    def apply(self, event: Event) -> None:
        """Update the state with one event."""
        kind = event.type
        refused_seq = self._refusals.apply(event)
        if refused_seq:
            self._take_back(refused_seq)
        elif kind in APPENDS:
            if event.direction is Direction.CLIENT:
                self._append(event)
        elif kind.startswith("input_audio_buffer.") and event.direction is Direction.SERVER:
            self._server(event)

    def copy(self) -> InputAudioFold:
        """Return an independent copy."""
        clone = InputAudioFold()
        clone.__dict__.update(self.__dict__)
        clone.committed = dict(self.committed)
        clone.spoken_ms = dict(self.spoken_ms)
        clone._refusals = self._refusals.copy()
        clone._sizes = dict(self._sizes)
        return clone

    def _append(self, event: Event) -> None:
        size = audio_bytes_of(event)
        self.appends += 1
        self.total_bytes += size
        self.buffered_bytes += size
        if len(self._sizes) >= MAX_WAITING:
            self._sizes.pop(next(iter(self._sizes)))  # dicts keep the order, so this is the oldest
        header = wav_header(audio_of(event))
        self._sizes[event.seq] = size, header is not None
        if header is not None:
            self.wav_appends += 1
            if self.wav is None:
                self.wav, self.first_wav_seq = header, event.seq

    def _take_back(self, seq: int) -> None:
        """Subtract a rejected append from the buffer, or from the item if it was committed meanwhile."""
        if seq not in self._sizes:
            return
        size, is_wav = self._sizes.pop(seq)
        self.refused += 1
        self.first_refused_seq = self.first_refused_seq or seq
        self.appends -= 1
        self.total_bytes -= size
        # Rejected before a commit or clear: still in the buffer. After it: already counted in the committed item.
        if seq > self._emptied_seq:
            self.buffered_bytes = max(0, self.buffered_bytes - size)
        elif self._last_item_id in self.committed:
            left = self.committed[self._last_item_id] - size
            self.committed[self._last_item_id] = max(0, left)
        self.wav_appends -= is_wav
        if not self.wav_appends:
            self.wav, self.first_wav_seq = None, 0

    def _server(self, event: Event) -> None:
        body = event.body or {}
        what = event.type.rpartition(".")[2]
        if what == "speech_started":
            # Compatible servers may leave the id out; the placeholder still marks the speech as in progress.
            self.speech_item_id = text_at(body, "item_id") or "?"
            self.speech_started_ms = int_at(body, "audio_start_ms")
            self.speech_started_t_ns = event.t_ns
        elif what == "speech_stopped":
            length_ms = int_at(body, "audio_end_ms") - self.speech_started_ms
            # A stop without its start, at the beginning of a recording, gives no length.
            if self.speech_item_id == text_at(body, "item_id") and length_ms > 0:
                self.spoken_ms[self.speech_item_id] = length_ms
            self.speech_item_id = ""
        elif what == "committed":
            self.speech_item_id = ""
            self._last_item_id = text_at(body, "item_id")
            self.committed[self._last_item_id] = self.buffered_bytes
            self.buffered_bytes = 0
            self._emptied_seq = event.seq
        elif what == "cleared":
            self.buffered_bytes = 0
            self._emptied_seq = event.seq
            self._last_item_id = ""

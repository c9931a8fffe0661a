"""InputAudioFold: the state of the server's input audio buffer, derived from the events."""

from __future__ import annotations

from typing import NamedTuple

from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.core.event import Direction, Event
from inspector.core.groups import audio_bytes_of, audio_of, base64_size
from inspector.core.kinds import APPENDS
from inspector.core.read import int_at, object_at, text_at
from inspector.core.refused_appends import MAX_WAITING, RefusedAppends
from inspector.core.riff import WavHeader, wav_header
from inspector.core.session_fold import CONFIGURED, input_format_of

LEAST_APPEND_MS = 5
"""No client sends less sound in one event: where appends are shorter than this on average, a recorder has cut them."""
LEAST_APPENDS = 3
"""Fewer appends than this say nothing of a recorder."""
LEAST_SPAN_MS = 300
"""Spans of speech that the server states are compared with what was sent from this length on."""

INPUT_AUDIO_TYPES = CONFIGURED | {
    "error",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "input_audio_buffer.cleared",
}
"""Types of all events that the fold uses, beside the appends."""


class AppendRun(NamedTuple):
    """Appends that follow each other."""

    appends: int
    """How many."""
    size_bytes: int
    """Decoded size of all."""
    length_ns: int
    """How long they last, each cut to whole nanoseconds."""
    first_t_ns: int | None
    """When the first was sent; None where the recording does not say."""
    last_t_ns: int | None
    """When the last was sent."""
    first_ns: int
    """How long the first lasts."""


class InputAudioFold:
    """How much audio was sent, how much is uncommitted, and whether the user is speaking.

    An append that the server rejected never reached its buffer and counts as not sent. Source: the SDK's
    ``InputAudioBuffer…`` events. Sizes are decoded bytes; ``…_ms`` are on the server's audio clock.
    """

    name = "input_audio"

    def __init__(self) -> None:
        self.appends = 0
        self.total_bytes = 0
        self.last_bytes = 0
        """Size of the last append that was applied by itself."""
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
        self.appended_ns = 0
        """How long all that was sent lasts, by the format in force when it was, less what was refused: the audio clock that
        the server's ``audio_start_ms`` and ``audio_end_ms`` are on."""
        self.refused_ns = 0
        """How long what was refused lasts."""
        self.committed_ns = 0
        """How long what became items lasts."""
        self.first_append_t_ns: int | None = None
        """When the first append was sent; None where the recording does not say."""
        self.last_append_t_ns: int | None = None
        """When the last one was."""
        self.first_append_ns = 0
        """How long the first append lasts, which was spoken before it was sent."""
        self.short_spans = 0
        """Items in a row whose audio holds less than half of the speech that the server states."""
        self.format = PCM16_24K
        """Of what is sent now."""
        self.wav: WavHeader | None = None
        """The header of the first append that begins like a WAV file; None if none does."""
        self.wav_appends = 0
        """Number of accepted appends that begin like a WAV file."""
        self.first_wav_seq = 0
        """The first of them."""
        self._refusals = RefusedAppends()
        self._sizes: dict[int, tuple[int, int, bool]] = {}
        """``seq`` of recent appends, which an error may still reject, to their size, length and whether they begin like a WAV file."""
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
        elif kind in CONFIGURED:
            self.format = input_format_of(object_at(event.body or {}, "session"))

    def append_many(self, appends: AppendRun) -> None:
        """Take in what ``apply`` would of each append of a run, but for WAV headers and faults; see ``recall``."""
        self.appends += appends.appends
        self.total_bytes += appends.size_bytes
        self.buffered_bytes += appends.size_bytes
        self.appended_ns += appends.length_ns
        if appends.first_t_ns is not None:
            if self.first_append_t_ns is None:
                self.first_append_t_ns, self.first_append_ns = appends.first_t_ns, appends.first_ns
            self.last_append_t_ns = appends.last_t_ns

    def recall(self, append: Event, form: AudioFormat) -> None:
        """Look at an append of ``append_many`` again, and at all of it: the next error may refuse it."""
        size = audio_bytes_of(append)
        self._remember(append.seq, size, form.ns(size), is_wav=False)
        self._refusals.apply(append)

    @property
    def is_elided(self) -> bool:
        """Return True if a recorder removed the audio, so that its length and all derived values are wrong."""
        is_tiny = self.appended_ns < LEAST_APPEND_MS * 1_000_000 * self.appends
        return self.appends >= LEAST_APPENDS and (is_tiny or self.short_spans >= 2)

    @property
    def wall_ns(self) -> int | None:
        """Return how much time passed while it was sent, beside ``appended_ns``; None where the recording does not say."""
        if self.first_append_t_ns is None or self.last_append_t_ns is None:
            return None
        return max(0, self.last_append_t_ns - self.first_append_t_ns) + self.first_append_ns

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
        audio = audio_of(event)
        size = base64_size(audio) if event.audio_bytes is None else event.audio_bytes
        length_ns = self.format.ns(size)
        self.appends += 1
        self.last_bytes = size
        self.total_bytes += size
        self.buffered_bytes += size
        self.appended_ns += length_ns
        if event.t_ns is not None:
            if self.first_append_t_ns is None:
                self.first_append_t_ns, self.first_append_ns = event.t_ns, length_ns
            self.last_append_t_ns = event.t_ns
        header = wav_header(audio)
        self._remember(event.seq, size, length_ns, is_wav=header is not None)
        if header is not None:
            self.wav_appends += 1
            if self.wav is None:
                self.wav, self.first_wav_seq = header, event.seq

    def _remember(self, seq: int, size: int, length_ns: int, *, is_wav: bool) -> None:
        if len(self._sizes) >= MAX_WAITING:
            self._sizes.pop(next(iter(self._sizes)))  # dicts keep the order, so this is the oldest
        self._sizes[seq] = size, length_ns, is_wav

    def _take_back(self, seq: int) -> None:
        """Subtract a rejected append from the buffer, or from the item if it was committed meanwhile."""
        if seq not in self._sizes:
            return
        size, length_ns, is_wav = self._sizes.pop(seq)
        self.appended_ns -= length_ns
        self.refused_ns += length_ns
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
            self._commit(self.format.ns(self.buffered_bytes))
            self.buffered_bytes = 0
            self._emptied_seq = event.seq
        elif what == "cleared":
            self.buffered_bytes = 0
            self._emptied_seq = event.seq
            self._last_item_id = ""

    def _commit(self, held_ns: int) -> None:
        self.committed_ns += held_ns
        spoken_ms = self.spoken_ms.get(self._last_item_id, 0)
        if spoken_ms >= LEAST_SPAN_MS:
            is_short = held_ns * 2 < spoken_ms * 1_000_000
            self.short_spans = self.short_spans + 1 if is_short else 0

"""AppendedSound: what rules know of the audio that the app has appended, read once for all of them.

Appends are most of what an app sends, so each is looked at once, and only as closely as somebody needs: its size and time always,
its first characters for files in place of samples, its samples now and then. What rules conclude from that is theirs. A large
recording is taken in by the run of appends, of which only those are read whose audio must be looked at.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from inspector.analysis.lint.append_levels import (
    EVERY_BYTES,
    LEAST_PIECE_BYTES,
    MOST_GUESSES,
    PIECE_BYTES,
    LevelSampler,
    data_of,
    guess_encoding,
    most_bytes,
)
from inspector.analysis.lint.append_pace import AppendPace
from inspector.analysis.lint.phrases import quoted
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Direction, Event, Origin
from inspector.core.groups import audio_of
from inspector.core.input_audio import LEAST_APPEND_MS
from inspector.core.kinds import APPENDS
from inspector.core.read import text_at
from inspector.core.riff import wav_header
from inspector.core.state import SessionState
from inspector.core.turn_counter import COMMITTED, SPEECH_STARTED, SPEECH_STOPPED
from inspector.core.units import NS_PER_S

_WAITS_NO_MORE = frozenset(
    {
        "input_audio_buffer.commit",
        COMMITTED,
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    }
)
"""Events after which the audio that came before waits for nothing."""
MAX_ODD = 256
"""Odd appends that are remembered, of each sort."""
MAX_PROBLEMS = 64
"""Appends that are described one by one, because nobody can read them."""
NEVER = 1 << 62
"""More than any clock or size reaches."""
STEADY_FROM_NS = 5 * NS_PER_S
"""Most speech ends before its level can be called steady."""

_CONTAINERS: Mapping[str, tuple[bytes, str]] = {
    "SUQz": (b"ID3", "begins with an ID3 tag: this is MP3"),
    "T2dn": (b"OggS", "begins with OggS: this is Ogg (Opus or Vorbis)"),
    "GkXf": (b"\x1aE\xdf\xa3", "begins with an EBML header: this is WebM, as MediaRecorder makes it"),
    "Zkxh": (b"fLaC", "begins with fLaC: this is FLAC"),
}  # fmt: skip
"""By the first characters of base64: the bytes of a file's head, and what it is."""
ODD_HEADS = frozenset({*_CONTAINERS, "UklG", "data"})
"""First characters of audio that deserve a closer look."""
HEAD_CHARS = 8
"""First characters of audio that tell whether it does."""
ODD_FTYP = "GZ0"
"""Of ``ftyp`` in base64, from the sixth character on: after the length of an MP4's first box, which is a multiple of four."""
_STRIP = "strip the header: send what follows in its data chunk, converted to the session's rate"
_DECODE = "decode to PCM16 before appending: ffmpeg -i IN -f s16le -ac 1 -ar 24000 -"

SPARSER_AFTER = 20
"""Guesses after which the next ones are at twice, three times … the distance."""
LEAST_VOTES = 5
"""Pieces that must look alike: a fricative alone is noise in any encoding."""


class OddAppend(NamedTuple):
    """An append that is not base64 of bare samples."""

    number: int
    """Which append it is, from 1."""
    seq: int
    words: str
    """What is odd about it."""
    fix: str = ""


class EncodingVotes:
    """What pieces of the audio look like."""

    def __init__(self) -> None:
        self.votes: Counter[str] = Counter()
        """Number of pieces by what they look like."""
        self.first_wrong_seq = 0
        """The first append that looks like another encoding than the session's."""
        self.due_bytes = 0
        """Decoded size of all audio from which on the next piece is due."""
        self._guesses = 0

    def add(self, seq: int, data: bytes, form: AudioFormat, appended_bytes: int) -> None:
        """Guess the encoding of the beginning of an append, at which a piece is due."""
        votes = self.votes
        is_settled = votes[form.encoding] >= LEAST_VOTES and len(votes) == 1
        if is_settled or self._guesses >= MOST_GUESSES:
            self.due_bytes = NEVER
            return
        self.due_bytes = appended_bytes + EVERY_BYTES * (1 + self._guesses // SPARSER_AFTER)
        # A few samples correlate by chance.
        if len(data) < LEAST_PIECE_BYTES:
            return
        self._guesses += 1
        found = guess_encoding(data, form.encoding)
        if found is not None:
            votes[found] += 1
            if found != form.encoding and not self.first_wrong_seq:
                self.first_wrong_seq = seq

    def copy(self) -> EncodingVotes:
        """Return an independent copy."""
        clone = copy.copy(self)
        clone.votes = self.votes.copy()
        return clone


class PassedAppend(NamedTuple):
    """An append of a recording that need not be read to be taken in."""

    seq: int
    t_ns: int | None
    size: int
    """Decoded size in bytes."""
    is_odd: bool
    """True if the beginning of its audio deserves a closer look."""
    is_by_hand: bool
    """True if it came from this program's user."""


class AppendedSound:
    """The appended audio of one session."""

    types = frozenset({*APPENDS, *_WAITS_NO_MORE, SPEECH_STARTED, SPEECH_STOPPED})
    """Types of the events that ``apply`` takes."""

    def __init__(self) -> None:
        self.count = 0
        """Number of appends."""
        self.first_seq = self.last_seq = 0
        self.length_ns = 0
        """How long all that was appended lasts, what was refused included."""
        self.is_by_hand = False
        """Whether any of it came from this program's user rather than from an app."""
        self.last: Event | None = None
        """The last append, as far as it was read."""
        self.waiting: tuple[int, int | None] = (0, None)
        """``seq`` and time of the first append after the last commit or transcript; 0 if none came."""
        self.unreadable: list[OddAppend] = []
        """The first appends without base64 text."""
        self.problems: Counter[str] = Counter()
        """How many of them there are of each sort."""
        self.first_wav: OddAppend | None = None
        self.files: list[OddAppend] = []
        """Appends that begin like a file."""
        self.halves: list[int] = []
        """Appends of PCM16 that end within a sample."""
        self.pace = AppendPace()
        self.levels = LevelSampler()
        """Before the first speech."""
        self.has_speech = False
        """Whether the server has heard speech begin."""
        self.speech_from_ns = 0
        """``length_ns`` at the beginning of the last speech."""
        self.speech_levels = LevelSampler()
        """Of the speech that is open, after ``STEADY_FROM_NS`` of it."""
        self.speech_levels.due_ns = NEVER
        self.encoding = EncodingVotes()
        self._bytes = 0
        self._untimed_bytes = self._untimed_ns = 0
        """Of appends whose pace is not measured yet."""
        self._form: AudioFormat | None = None
        self._due_ns, self._due_bytes = 0, 0

    def apply(self, event: Event, state: SessionState) -> None:
        """Take in an event of ``types``; it was already applied to ``state``."""
        if event.type not in APPENDS:
            self._follow(event)
        elif event.direction is Direction.CLIENT:
            self.last = event
            if event.origin is not Origin.WIRE:
                self.is_by_hand = True
            sound, audio = state.input_audio, audio_of(event)
            is_odd = not audio or audio[:4] in ODD_HEADS or audio[5:8] == ODD_FTYP
            if self._pass(event.seq, event.t_ns, sound.last_bytes, sound.format) or is_odd:
                self._look(event, audio, state)

    def apply_run(
        self,
        appends: Iterable[PassedAppend],
        read: Callable[[PassedAppend], Event],
        state: SessionState,
    ) -> None:
        """Take in appends that follow each other, like ``apply``, and read only those whose audio must be looked at.

        Args:
            appends: the appends, all in the format that ``state`` has now.
            read: returns one as an event.
            state: after all of them.
        """
        form = state.input_audio.format
        for one in appends:
            if one.is_by_hand:
                self.is_by_hand = True
            if self._pass(one.seq, one.t_ns, one.size, form) or one.is_odd:
                event = read(one)
                self._look(event, audio_of(event), state)

    def recall(self, append: Event) -> None:
        """Look at the last append of ``apply_run`` again: the next error may be about it."""
        self.last = append

    def copy(self) -> AppendedSound:
        """Return an independent copy."""
        clone = copy.copy(self)
        clone.unreadable, clone.problems = list(self.unreadable), self.problems.copy()
        clone.files, clone.halves = list(self.files), list(self.halves)
        clone.pace, clone.encoding = self.pace.copy(), self.encoding.copy()
        clone.levels, clone.speech_levels = self.levels.copy(), self.speech_levels.copy()
        return clone

    def _follow(self, event: Event) -> None:
        if event.type in _WAITS_NO_MORE:
            self.waiting = (0, None)
        elif event.type == SPEECH_STARTED and event.direction is Direction.SERVER:
            self.has_speech = True
            self.levels.due_ns = NEVER
            self.speech_from_ns = self.length_ns
            self.speech_levels = LevelSampler()
            self.speech_levels.due_ns = self.length_ns + STEADY_FROM_NS
        if event.type in (SPEECH_STOPPED, COMMITTED):
            self.speech_levels.due_ns = NEVER
        self._plan()

    def _plan(self) -> None:
        self._due_ns = min(self.levels.due_ns, self.speech_levels.due_ns)
        self._due_bytes = self.encoding.due_bytes

    def _pass(self, seq: int, t_ns: int | None, size: int, form: AudioFormat) -> bool:
        """Take in what an append is without its audio; return whether that must be looked at."""
        if form is not self._form:
            if self._form is not None and form != self._form:
                self.pace.restart()
                self.encoding.due_bytes = self._due_bytes = 0
            self._form = form
        self.count += 1
        self.last_seq = seq
        if not self.first_seq:
            self.first_seq = seq
        if not self.waiting[0]:
            self.waiting = seq, t_ns
        length_ns = int(size * 1_000_000 / form.bytes_per_ms)
        self._bytes += size
        self.length_ns += length_ns
        if size and not self.pace.is_full:
            # Audio without a time was sent before the next time.
            self._untimed_bytes += size
            self._untimed_ns += length_ns
            if t_ns is not None:
                self.pace.add(seq, t_ns, self._untimed_bytes, self._untimed_ns)
                self._untimed_bytes = self._untimed_ns = 0
        # Shorter ones are what recorders leave of an append.
        is_long = size >= LEAST_APPEND_MS * form.bytes_per_ms
        if size & 1 and is_long and form.encoding == "pcm16" and len(self.halves) < MAX_ODD:
            self.halves.append(seq)
        return self.length_ns >= self._due_ns or self._bytes >= self._due_bytes

    def _look(self, event: Event, audio: str, state: SessionState) -> None:
        """Look at the audio of the append that was just passed."""
        form, is_file = state.input_audio.format, False
        if not audio or audio[:4] in ODD_HEADS or audio[5:8] == ODD_FTYP:
            is_file = self._look_at_head(event, audio, state)
        # Before the first speech; the levels of open speech are due only while it is.
        is_level_due = self.length_ns >= self._due_ns
        is_piece_due = self._bytes >= self._due_bytes and not is_file
        if is_level_due or is_piece_due:
            data = data_of(audio, most_bytes(form) if is_level_due else PIECE_BYTES)
            for sampler in (self.levels, self.speech_levels):
                if self.length_ns >= sampler.due_ns:
                    sampler.add(data, form, self.length_ns)
            if is_piece_due:
                self.encoding.add(event.seq, data[:PIECE_BYTES], form, self._bytes)
            self._plan()

    def _look_at_head(self, event: Event, audio: str, state: SessionState) -> bool:
        """Note audio that is not base64 of bare samples; return whether it is a file."""
        problem = audio_problem(event)
        if problem:
            self.problems[problem] += 1
            if len(self.unreadable) < MAX_PROBLEMS:
                self.unreadable.append(OddAppend(self.count, event.seq, problem))
            return False
        header = wav_header(audio)
        if header is not None and self.first_wav is None:
            words = "begins with RIFF, the header of a WAV file"
            self.first_wav = OddAppend(self.count, event.seq, words)
        # GLM-Realtime takes a WAV file in each append if the session says so.
        is_asked = "wav" in text_at(state.session.config, "input_audio_format")
        if header is None:
            found = _file_at(audio)
        else:
            found = None if is_asked else (f"begins with a {header}", _STRIP)
        if found is None:
            return False
        if len(self.files) < MAX_ODD:
            self.files.append(OddAppend(self.count, event.seq, *found))
        if self.halves and self.halves[-1] == event.seq:
            self.halves.pop()  # not samples at all
        return True


def _file_at(audio: str) -> tuple[str, str] | None:
    """Return what base64 audio is instead of bare samples, and how to change that; None if it begins like samples."""
    head = _CONTAINERS.get(audio[:4])
    if head is not None and data_of(audio, len(head[0])) == head[0]:
        return head[1], _DECODE
    if data_of(audio, 8)[4:] == b"ftyp":
        return "begins with ftyp: this is MP4 (AAC)", _DECODE
    return None


def audio_problem(event: Event) -> str:
    """Return what is wrong with an append; ``""`` if its audio is a string of base64, as far as that shows at its beginning."""
    body = event.body
    if body is None:
        return frame_problem(event)
    audio = body.get("audio")
    if isinstance(audio, str):
        return "is a data URL, not base64 alone" if audio.startswith("data:") else ""
    if event.audio_bytes is not None:
        return ""  # a reader has left the audio out
    if "audio" not in body:
        return "has no audio"
    kind = {dict: "an object", list: "an array", type(None): "null"}.get(type(audio), "a number")
    return f"has {kind} for its audio, and must have a string"


def frame_problem(event: Event) -> str:
    """Return why a frame cannot be read; ``""`` if it can be."""
    if not event.is_text:
        return "is binary"
    if event.problem is not None:
        return f"cannot be read as JSON: {quoted(event.problem.message)}"
    return "has no type" if not event.type else ""

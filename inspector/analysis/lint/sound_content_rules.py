"""Rules about the content of appends: files, and other encodings, in place of bare samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from inspector.analysis.lint.append_levels import (
    EVERY_BYTES,
    LEAST_PIECE_BYTES,
    MOST_GUESSES,
    PIECE_BYTES,
    data_of,
    guess_encoding,
)
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import counted, ref, session_update
from inspector.analysis.lint.reference_links import CLIENT_EVENTS
from inspector.analysis.lint.sound_in_rules import APPEND, PCM_LIKE, named_format
from inspector.analysis.lint.tool_rules import MAX_KEPT
from inspector.analysis.lint.visibility import Sight
from inspector.core.audio_formats import AudioFormat
from inspector.core.error_attribution import Confidence
from inspector.core.event import Direction, Event
from inspector.core.groups import audio_bytes_of, audio_of
from inspector.core.input_audio import LEAST_APPEND_MS
from inspector.core.read import text_at
from inspector.core.riff import wav_header
from inspector.core.state import SessionState

_CONTAINERS: Mapping[str, tuple[bytes, str]] = {
    "SUQz": (b"ID3", "begins with an ID3 tag: this is MP3"),
    "T2dn": (b"OggS", "begins with OggS: this is Ogg (Opus or Vorbis)"),
    "GkXf": (b"\x1aE\xdf\xa3", "begins with an EBML header: this is WebM, as MediaRecorder makes it"),
    "Zkxh": (b"fLaC", "begins with fLaC: this is FLAC"),
}  # fmt: skip
"""By the first characters of base64: the bytes of a file's head, and what it is."""
_HEADS = frozenset({*_CONTAINERS, "UklG"})
"""Beginnings that deserve a closer look."""
_FTYP = "GZ0"
"""Of ``ftyp`` in base64, after the length of an MP4's first box, which is a multiple of four."""
_STRIP = "strip the header: send what follows in its data chunk, converted to the session's rate"
_DECODE = "decode to PCM16 before appending: ffmpeg -i IN -f s16le -ac 1 -ar 24000 -"
LEAST_VOTES, VOTE_SHARE = 5, 0.65
"""Pieces that must look like another encoding: a fricative alone is noise in any."""
_ENCODING_WORDS = {
    "pcm16": "PCM16",
    "pcm16 big-endian": "PCM16 with its bytes swapped (big-endian)",
    "float32": "float32 samples",
    "pcmu": "G.711 μ-law",
    "pcma": "G.711 A-law",
}


class _OddAppend(NamedTuple):
    """An append that is not bare samples."""

    number: int
    """Which append it is, from 1."""
    seq: int
    words: str
    fix: str


class InputContent(LintRule):
    """Appends that are not bare samples in the session's format."""

    id = "input-content"
    title = "the user's audio is not bare samples in the session's format"
    severity = Severity.ERROR
    why = (
        "audio must be base64 of bare samples: no file with a header, no other encoding. The server takes whatever bytes come for "
        "samples, so that the model hears noise, and no error is reported."
    )
    links = (CLIENT_EVENTS, "https://github.com/akdeb/ElatoAI/issues/25")
    types = frozenset({APPEND})
    # The beginning of an append is enough, if a recorder has cut the rest off.
    needs = frozenset({Sight.APP})

    def __init__(self) -> None:
        self._appends = 0
        self._odd: list[_OddAppend] = []
        self._halves: list[int] = []
        """Appends that end within a sample."""
        self._votes: Counter[str] = Counter()
        self._guesses = 0
        self._first_wrong_seq = 0
        self._due_bytes = 0

    def apply(self, event: Event, state: SessionState) -> None:
        """Look at the beginning of an append, and now and then at its samples."""
        if event.direction is not Direction.CLIENT:
            return
        self._appends += 1
        text = audio_of(event)
        # Audio that is not base64 text is reported by bad-frame.
        is_odd = text[:4] in _HEADS or text[5:8] == _FTYP
        found = _container(event, text, state) if is_odd else None
        if found is not None:
            if len(self._odd) < MAX_KEPT:
                self._odd.append(_OddAppend(self._appends, event.seq, *found))
            return
        form = state.input_audio.format
        if form.encoding == "pcm16" and len(self._halves) < MAX_KEPT:
            size = audio_bytes_of(event)
            # Shorter ones are what recorders leave of an append.
            if size % 2 and size >= LEAST_APPEND_MS * form.bytes_per_ms:
                self._halves.append(event.seq)
        if state.input_audio.total_bytes >= self._due_bytes:
            self._due_bytes = state.input_audio.total_bytes + EVERY_BYTES
            votes = self._votes
            is_settled = votes[form.encoding] >= LEAST_VOTES and len(votes) == 1
            if is_settled or self._guesses >= MOST_GUESSES:
                return
            self._guess(event, form)

    def _guess(self, event: Event, form: AudioFormat) -> None:
        data = data_of(event, PIECE_BYTES)
        # A few samples correlate by chance.
        if len(data) < LEAST_PIECE_BYTES:
            return
        self._guesses += 1
        found = guess_encoding(data, form.encoding)
        if found is not None:
            self._votes[found] += 1
            if found != form.encoding and not self._first_wrong_seq:
                self._first_wrong_seq = event.seq

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report odd appends, halves of samples, and another encoding."""
        if self._odd:
            yield self._containers(moment.state)
        yield from self._other_encoding(moment.state)
        if self._halves:
            count = len(self._halves)
            yield self.found(
                Severity.NOTE,
                self._halves,
                f"{counted(count, 'append')} of PCM16 {'has' if count == 1 else 'have'} an odd number of bytes, first "
                f"{ref(self._halves[0])}: if the server does not join them, what follows is noise",
                "cut the stream at whole samples: an even number of bytes in each append",
                Confidence.POSSIBLE,
            )

    def _containers(self, state: SessionState) -> Finding:
        rejected = state.causes.rejected
        # Alike ones are named once: a recorder that sends files sends only files.
        firsts = {one.words: one for one in reversed(self._odd)}
        named = sorted(firsts.values())
        words = "; ".join(
            f"append {one.number} ({ref(one.seq)}) {one.words}"
            + (", refused" if one.seq in rejected else "")
            for one in named[:4]
        )
        total = f"{len(self._odd)} of {counted(self._appends, 'append')} are not bare samples: "
        errors = [rejected[one.seq].error_seq for one in self._odd if one.seq in rejected]
        return self.found(
            Severity.ERROR,
            (*(one.seq for one in self._odd), *errors),
            f"{total if len(self._odd) > len(named) else ''}{words}",
            "; ".join(dict.fromkeys(one.fix for one in named)),
        )

    def _other_encoding(self, state: SessionState) -> Iterator[Finding]:
        form = state.input_audio.format
        others = {name: count for name, count in self._votes.items() if name != form.encoding}
        # Both laws give a wave of either: which of them it is cannot be heard in a few samples.
        if form.encoding != "pcm16":
            others = {n: count for n, count in others.items() if n not in ("pcmu", "pcma")}
        count = max(others.values(), default=0)
        if count < LEAST_VOTES or count < VOTE_SHARE * self._votes.total():
            return
        name = max(others, key=lambda one: others[one])
        yield self.found(
            Severity.ERROR,
            (self._first_wrong_seq,),
            f"the session reads {named_format(form)}, and what is appended looks like {_ENCODING_WORDS[name]} "
            f"({count} of {counted(self._votes.total(), 'piece')} looked at): the model hears noise",
            _encoding_fix(state, name, form),
            Confidence.LIKELY,
        )


def _encoding_fix(state: SessionState, name: str, form: AudioFormat) -> str:
    if name in ("pcmu", "pcma") or (name == "pcm16" and form.encoding != "pcm16"):
        kind: dict[str, Any] = {"type": PCM_LIKE[name]}
        if name == "pcm16":
            kind["rate"] = 24000
        return (
            f"say so before the first append: {session_update(state, {'audio.input.format': kind})}"
        )
    if name == "float32":
        return "convert: int16 = round(max(-1, min(1, x)) * 32767), little-endian"
    return "swap the bytes of each sample: little-endian"


def _container(event: Event, text: str, state: SessionState) -> tuple[str, str] | None:
    """Return what an append is instead of bare samples, and how to change that; None if it is as it should be."""
    header = wav_header(text)
    if header is not None:
        # GLM-Realtime takes a WAV file in each append if the session says so.
        if "wav" in text_at(state.session.config, "input_audio_format"):
            return None
        return f"begins with a {header}", _STRIP
    head = _CONTAINERS.get(text[:4])
    if head is not None and data_of(event, len(head[0])) == head[0]:
        return head[1], _DECODE
    if data_of(event, 8)[4:] == b"ftyp":
        return "begins with ftyp: this is MP4 (AAC)", _DECODE
    return None


RULES: tuple[type[LintRule], ...] = (InputContent,)
"""Rules about the content of the user's sound."""

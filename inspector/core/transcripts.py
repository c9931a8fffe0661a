"""TranscriptsFold: what is said in sessions that have no items, but running transcripts of both sides: translation, GPT-Live.

A transcript that runs for an hour is cut into passages, each a stretch that reads as one: a side's passage ends with a pause, or
with a sentence after which the other side is heard.
"""

from __future__ import annotations

from dataclasses import dataclass

from inspector.core.event import Direction, Event
from inspector.core.fold import owned
from inspector.core.groups import audio_of, base64_size
from inspector.core.read import text_at

PAUSE_NS = 2_000_000_000
"""Silence of one side after which what it says next stands by itself."""
LONG_CHARS = 1000
"""A passage this long ends with the next word: a speaker who never pauses must not become one entry."""
_ENDS = tuple(".?!…。？！।؟")
_INPUT, _OUTPUT = "session.input_transcript.delta", "session.output_transcript.delta"
_AUDIO = "session.output_audio.delta"


@dataclass(slots=True)
class Utterance:
    """What one side says in one go."""

    id: str
    """Side and first event, ``input-7``; the API has no id for it."""
    owner: object
    """The fold that may change it; any other clones it first."""
    is_output: bool
    """Whether the model says it, or the user."""
    first_seq: int
    """Event in which it begins."""
    t_ns: int | None
    """When it begins; None where the recording does not say."""
    last_seq: int = 0
    """Event that added words last."""
    last_t_ns: int | None = None
    """When words were added last, as far as the recording says."""
    text: str = ""
    """The words so far, as they came."""
    audio_bytes: int = 0
    """Sound of it, decoded size in bytes; only the output has any."""


class TranscriptsFold:
    """The passages of both sides. Source: protocol of /v1/realtime/translations, and of GPT-Live, whose transcripts have no items."""

    name = "transcripts"

    def __init__(self) -> None:
        self.passages: dict[str, Utterance] = {}
        """By id, in the order in which they begin."""
        self._open: dict[bool, str] = {}
        """The passage that goes on, by ``is_output``."""
        self._spoke_last: bool | None = None
        """``is_output`` of the side that was heard last."""
        self._owner = object()

    def apply(self, event: Event) -> None:
        """Take one event in."""
        if event.direction is not Direction.SERVER or event.body is None:
            return
        if event.type in (_INPUT, _OUTPUT):
            self._grow(event, text_at(event.body, "delta"), is_output=event.type == _OUTPUT)
        elif event.type == _AUDIO and True in self._open:
            passage = owned(self.passages, self._open[True], self._owner)
            passage.audio_bytes += base64_size(audio_of(event))

    def passage_of(self, event: Event) -> Utterance | None:
        """Return the passage that words, or sound, of a transcript belong to; None for another event, or an earlier session."""
        if event.type not in (_INPUT, _OUTPUT, _AUDIO):
            return None
        is_output = event.type != _INPUT
        newest_first = reversed(self.passages.values())
        return next(
            (p for p in newest_first if p.is_output is is_output and p.first_seq <= event.seq), None
        )

    def copy(self) -> TranscriptsFold:
        """Return an independent copy; passages are cloned when either side changes them."""
        clone = TranscriptsFold()
        clone.passages, clone._open = dict(self.passages), dict(self._open)
        clone._spoke_last = self._spoke_last
        self._owner = object()
        return clone

    def _grow(self, event: Event, words: str, *, is_output: bool) -> None:
        if not words:
            return
        at = self._open.get(is_output)
        if at is None or self._is_over(self.passages[at], event, words):
            at = self._open[is_output] = f"{'output' if is_output else 'input'}-{event.seq}"
            self.passages[at] = Utterance(at, self._owner, is_output, event.seq, event.t_ns)
        passage = owned(self.passages, at, self._owner)
        passage.text += words
        passage.last_seq = event.seq
        passage.last_t_ns = passage.last_t_ns if event.t_ns is None else event.t_ns
        self._spoke_last = is_output

    def _is_over(self, passage: Utterance, event: Event, words: str) -> bool:
        """Tell whether these words no longer belong to a passage of the same side."""
        # Without times no pause is known, and sentences alone cut.
        t_ns, last_t_ns = event.t_ns, passage.last_t_ns
        if t_ns is not None and last_t_ns is not None and t_ns - last_t_ns >= PAUSE_NS:
            return True
        if len(passage.text) >= LONG_CHARS:
            return words[0].isspace() or passage.text[-1].isspace()
        ends = passage.text.rstrip().endswith(_ENDS)
        return ends and self._spoke_last is not passage.is_output

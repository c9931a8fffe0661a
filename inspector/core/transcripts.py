"""TranscriptsFold: the utterances of sessions with running transcripts in place of items (translation, GPT-Live).

A transcript may run for an hour, so it is cut into utterances: one ends with a pause, or with a sentence that the other side
follows.
"""

from __future__ import annotations

from dataclasses import dataclass

from inspector.core.event import Direction, Event
from inspector.core.fold import owned
from inspector.core.groups import audio_of, base64_size
from inspector.core.read import text_at

PAUSE_NS = 2_000_000_000
"""Silence of one side after which its next words begin a new utterance."""
LONG_CHARS = 1000
"""An utterance this long ends at the next word, so that a speaker who never pauses does not fill a single entry."""
_ENDS = tuple(".?!…。？！।؟")
_INPUT, _OUTPUT = "session.input_transcript.delta", "session.output_transcript.delta"
_AUDIO = "session.output_audio.delta"


@dataclass(slots=True)
class Utterance:
    """A continuous stretch of one side's transcript."""

    id: str
    """Side and first event, for example ``input-7``; the API has no id for it."""
    owner: object
    """Token of the fold that may change it in place; see ``fold.owned``."""
    is_output: bool
    """True for the model's speech, False for the user's."""
    first_seq: int
    """The event that begins it."""
    t_ns: int | None
    """Time at which it begins; None if the recording has no time for it."""
    last_seq: int = 0
    """The last event that added words."""
    last_t_ns: int | None = None
    """The last known time at which words were added."""
    text: str = ""
    """The words so far, verbatim."""
    audio_bytes: int = 0
    """Decoded size of its audio in bytes; only the output has audio."""


class TranscriptsFold:
    """The utterances of both sides. Source: the SDK's ``RealtimeTranslation…`` events; recorded sessions for GPT-Live."""

    name = "transcripts"

    def __init__(self) -> None:
        self.utterances: dict[str, Utterance] = {}
        """Utterances by id, in the order in which they begin."""
        self._open: dict[bool, str] = {}
        """``is_output`` to the id of the side's latest utterance."""
        self._spoke_last: bool | None = None
        """``is_output`` of the side that spoke last."""
        self._owner = object()

    def apply(self, event: Event) -> None:
        """Update the state with one event."""
        if event.direction is not Direction.SERVER or event.body is None:
            return
        if event.type in (_INPUT, _OUTPUT):
            self._grow(event, text_at(event.body, "delta"), is_output=event.type == _OUTPUT)
        elif event.type == _AUDIO and True in self._open:
            utterance = owned(self.utterances, self._open[True], self._owner)
            utterance.audio_bytes += base64_size(audio_of(event))

    def utterance_of(self, event: Event) -> Utterance | None:
        """Return the utterance of a transcript or audio delta; None for other events, and for deltas of an earlier session."""
        if event.type not in (_INPUT, _OUTPUT, _AUDIO):
            return None
        is_output = event.type != _INPUT
        newest_first = reversed(self.utterances.values())
        return next(
            (p for p in newest_first if p.is_output is is_output and p.first_seq <= event.seq), None
        )

    def copy(self) -> TranscriptsFold:
        """Return an independent copy; utterances are cloned when either side changes them."""
        clone = TranscriptsFold()
        clone.utterances, clone._open = dict(self.utterances), dict(self._open)
        clone._spoke_last = self._spoke_last
        self._owner = object()
        return clone

    def _grow(self, event: Event, words: str, *, is_output: bool) -> None:
        if not words:
            return
        at = self._open.get(is_output)
        # The delta's own words decide, because the API marks no ends in a running transcript.
        if at is None or self._has_ended(self.utterances[at], event, words):
            at = self._open[is_output] = f"{'output' if is_output else 'input'}-{event.seq}"
            self.utterances[at] = Utterance(at, self._owner, is_output, event.seq, event.t_ns)
        utterance = owned(self.utterances, at, self._owner)
        utterance.text += words
        utterance.last_seq = event.seq
        utterance.last_t_ns = utterance.last_t_ns if event.t_ns is None else event.t_ns
        self._spoke_last = is_output

    def _has_ended(self, utterance: Utterance, event: Event, words: str) -> bool:
        """Return whether ``words`` begin a new utterance rather than continue one of the same side."""
        # Without times a pause cannot be measured; then only the ends of sentences count.
        t_ns, last_t_ns = event.t_ns, utterance.last_t_ns
        if t_ns is not None and last_t_ns is not None and t_ns - last_t_ns >= PAUSE_NS:
            return True
        if len(utterance.text) >= LONG_CHARS:
            return words[0].isspace() or utterance.text[-1].isspace()
        ends = utterance.text.rstrip().endswith(_ENDS)
        return ends and self._spoke_last is not utterance.is_output

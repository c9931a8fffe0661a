"""One turn of a session: its kind, its marks, its responses and its tool calls, as data.

A *mark* is the event that proves an instant, with its time. ``core.turns_fold`` keeps the turns up to date; durations and their owners are
computed in ``analysis.latency``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.core.turn_counter import TurnKind

MAX_ANSWERS = 32
"""Responses kept per turn; an app that requests more for one question has a fault that shows earlier."""
MAX_TOOLS = 64
"""Tool calls kept per turn."""


class TurnMark(NamedTuple):
    """The event that proves an instant."""

    seq: int
    """The event."""
    t_ns: int | None
    """Session time of the event; None if the recording has no times."""
    audio_ns: int | None = None
    """Audio clock of that side at the event: duration of the audio sent or received so far; None if it does not matter."""


@dataclass(slots=True)
class ToolCall:
    """One tool call."""

    call_id: str
    """``call_id``; of an MCP call, the item's id."""
    name: str
    """Name of the tool; ``""`` if no event names it."""
    asked: TurnMark
    """When its arguments were complete."""
    answered: TurnMark | None = None
    """When its result was sent, or returned by the MCP server; None before that."""


@dataclass(slots=True)
class TurnResponse:
    """One response in a turn."""

    response_id: str
    """The response's id."""
    created: TurnMark
    """R, ``response.created``."""
    asked: TurnMark | None = None
    """The app's ``response.create``; None if the server created the response by itself."""
    words: TurnMark | None = None
    """T, its first delta of text or transcript."""
    is_written: bool = False
    """True if its words are text, not a transcript of its audio."""
    sound: TurnMark | None = None
    """A, its first delta of audio with bytes."""
    audio_item_id: str = ""
    """Id of the item with that audio."""
    format: AudioFormat = PCM16_24K
    """Format of that audio."""
    played: TurnMark | None = None
    """P, when playback began; None if unknown."""
    is_play_measured: bool = False
    """True if the player reported it; False for an estimate."""
    done: TurnMark | None = None
    """D, ``response.done``; ``audio_ns`` is the duration of the audio received."""
    status: str = "in_progress"
    """Status as the server reported it."""
    reason: str = ""
    """Reason why it was cancelled, incomplete or failed, as the server reported it."""

    @property
    def has_reached_user(self) -> bool:
        """Return True if any of it reached the user as audio or text."""
        return self.sound is not None or (self.words is not None and self.is_written)


@dataclass(slots=True)
class Turn:
    """One turn."""

    number: int
    """Number of the turn in the whole log, from 1."""
    kind: TurnKind
    """What caused the turn."""
    owner: object
    """The fold that may change this object; others clone it first."""
    session: int
    """Number of its session in the log, from 1; 0 if no event describes the session."""
    began: TurnMark
    """The event that starts the turn."""
    revision: int = 0
    """The fold's revision at its last change: of one log, a turn with the same number and revision is the same."""
    asked: TurnMark | None = None
    """The app's event that caused it (commit or item); None if absent."""
    item_ids: tuple[str, ...] = ()
    """Ids of the user's items."""
    speech_started: TurnMark | None = None
    """``speech_started``."""
    speech_stopped: TurnMark | None = None
    """S; ``audio_ns`` is ``audio_end_ms``, on the audio clock of the session."""
    committed: TurnMark | None = None
    """C, ``input_audio_buffer.committed``."""
    sent_ns: int = 0
    """Duration of the user's audio sent by the end of the input."""
    input_format: AudioFormat = PCM16_24K
    """Format of the user's audio."""
    is_configured: bool = False
    """True if the session's settings are known."""
    detection: str = ""
    """``server_vad``, ``semantic_vad``, or ``""`` for push to talk, at the end of the input."""
    silence_ms: int | None = None
    """``silence_duration_ms`` in force at that time; None if unknown."""
    eagerness: str = ""
    """``eagerness`` of ``semantic_vad``."""
    effort: str = ""
    """``reasoning.effort`` in force when the turn was answered; ``""`` if unknown."""
    model: str = ""
    """The model that answered."""
    answers: list[TurnResponse] = field(default_factory=list)
    """Responses, oldest first; at most ``MAX_ANSWERS``."""
    more_answers: int = 0
    """Number of further responses."""
    tools: list[ToolCall] = field(default_factory=list)
    """Tool calls, oldest first; at most ``MAX_TOOLS``."""
    more_tools: int = 0
    """Number of further tool calls."""
    result_of: ToolCall | None = None
    """The call whose result caused this tool follow-up; a copy of one of the previous turn's tools."""
    transcribed: TurnMark | None = None
    """When the transcript of the user's speech was complete."""
    interrupted: str = ""
    """``caller``: the user spoke over the answer; ``agent``: the answer began while the user spoke; ``app``: the app
    cancelled it; ``""``: none of these."""
    cut: TurnMark | None = None
    """When the user started to speak over the answer."""
    silenced: TurnMark | None = None
    """When the answer stopped playing after that."""
    is_silence_measured: bool = False
    """True if the player reported it; False if it was inferred from the app's truncate or cancel."""
    is_history: bool = False
    """True if the app only added earlier messages, including answers, to the conversation."""

    @property
    def reply(self) -> TurnResponse | None:
        """Return the response that ended the wait: the first that reached the user; None if none did."""
        return next((answer for answer in self.answers if answer.has_reached_user), None)

    def clone(self, owner: object) -> Turn:
        """Return an independent copy for another owner."""
        clone = replace(self, owner=owner)
        clone.answers = [replace(answer) for answer in self.answers]
        clone.tools = [replace(tool) for tool in self.tools]
        return clone

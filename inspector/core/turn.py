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
"""Answers of one turn that are kept; an app that asks again and again for one question has a fault that shows earlier."""
MAX_TOOLS = 64
"""Tool calls of one turn that are kept."""


class TurnMark(NamedTuple):
    """The event that proves an instant."""

    seq: int
    """The event."""
    t_ns: int | None
    """When it came; None where the recording does not say."""
    audio_ns: int | None = None
    """Where the side's audio clock stood by then: how much sound had been sent or had come; None where it does not matter."""


@dataclass(slots=True)
class ToolCall:
    """One call of a tool."""

    call_id: str
    """The call, or the item of an MCP call."""
    name: str
    """The tool; ``""`` where no event says."""
    asked: TurnMark
    """Its arguments were complete."""
    answered: TurnMark | None = None
    """Its result was sent, or an MCP server had given it; None before that."""


@dataclass(slots=True)
class TurnResponse:
    """One response in a turn."""

    response_id: str
    """The server's."""
    created: TurnMark
    """R, ``response.created``."""
    asked: TurnMark | None = None
    """The app's ``response.create``; None where the server answered by itself."""
    words: TurnMark | None = None
    """T, its first delta of text or transcript."""
    is_written: bool = False
    """True where its words are text and no transcript of sound."""
    sound: TurnMark | None = None
    """A, its first delta of audio with bytes."""
    audio_item_id: str = ""
    """The item of that sound."""
    format: AudioFormat = PCM16_24K
    """Of that sound."""
    played: TurnMark | None = None
    """P, when it began to be heard; None where that is not known."""
    is_play_measured: bool = False
    """True where the player says so, and not an estimate."""
    done: TurnMark | None = None
    """D, ``response.done``; ``audio_ns`` is how much sound had come."""
    status: str = "in_progress"
    """As the server has it."""
    reason: str = ""
    """Why it was cancelled, incomplete or failed, in the server's words."""

    @property
    def has_reached_user(self) -> bool:
        """Return True if any of it reached the user, as audio or as text."""
        return self.sound is not None or (self.words is not None and self.is_written)


@dataclass(slots=True)
class Turn:
    """One turn."""

    number: int
    """From 1, over the whole log."""
    kind: TurnKind
    """What brought it about."""
    owner: object
    """The fold that may change it; others clone it first."""
    session: int
    """The session of the log that it is of, from 1; 0 where no event describes one."""
    began: TurnMark
    """The event with which it begins."""
    asked: TurnMark | None = None
    """The app's own event that brought it about: the commit, the item; None if absent."""
    item_ids: tuple[str, ...] = ()
    """The user's items."""
    speech_started: TurnMark | None = None
    """The server heard speech begin."""
    speech_stopped: TurnMark | None = None
    """S; ``audio_ns`` is ``audio_end_ms``, on the audio clock of the session."""
    committed: TurnMark | None = None
    """C."""
    sent_ns: int = 0
    """How much of the user's sound had been sent by the end of his input."""
    input_format: AudioFormat = PCM16_24K
    """Of the user's sound."""
    is_configured: bool = False
    """Whether the session's settings are known."""
    detection: str = ""
    """``server_vad``, ``semantic_vad``, or ``""`` for push to talk, at the end of the input."""
    silence_ms: int | None = None
    """``silence_duration_ms`` in force by then; None where the session does not say."""
    eagerness: str = ""
    """Of ``semantic_vad``."""
    effort: str = ""
    """``reasoning.effort`` in force when it was answered; ``""`` where the session does not say."""
    model: str = ""
    """The model that answered."""
    answers: list[TurnResponse] = field(default_factory=list)
    """Its responses, oldest first; at most ``MAX_ANSWERS``."""
    more_answers: int = 0
    """Responses beyond those."""
    tools: list[ToolCall] = field(default_factory=list)
    """Its tool calls, oldest first; at most ``MAX_TOOLS``."""
    more_tools: int = 0
    """Calls beyond those."""
    result_of: ToolCall | None = None
    """The call whose result brought a tool follow-up about; it is among the tools of the turn before."""
    transcribed: TurnMark | None = None
    """The transcript of the user's words was complete."""
    interrupted: str = ""
    """``caller``: the user spoke over the answer; ``agent``: the answer began while the user spoke; ``app``: the app
    cancelled it; ``""``: none of these."""
    cut: TurnMark | None = None
    """The user began to speak over the answer."""
    silenced: TurnMark | None = None
    """The answer ceased to sound after that."""
    is_silence_measured: bool = False
    """True where the player says so, and not the app's request to truncate or cancel."""
    is_history: bool = False
    """True where the app only put old text into the conversation, answers included."""

    @property
    def reply(self) -> TurnResponse | None:
        """Return the answer that ended the wait: the first that reached the user; None where none did."""
        return next((answer for answer in self.answers if answer.has_reached_user), None)

    def clone(self, owner: object) -> Turn:
        """Return an independent copy for another owner."""
        clone = replace(self, owner=owner)
        clone.answers = [replace(answer) for answer in self.answers]
        clone.tools = [replace(tool) for tool in self.tools]
        return clone

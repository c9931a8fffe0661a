"""The brain of the simulator as a seam: what it is given, and what it gives back.

There are three: ``rules.brain.RulesBrain`` knows its answer at once, ``scenario.ScenarioBrain`` plays a script in front of
another one, and a model behind HTTP (``inspector.sources.chat``) takes its time. The simulator stays without sockets: as with
a hearing, it asks a ``Thought`` again and again for what is known of the answer, and cancels what it no longer wants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from inspector.sim.speech_recognizer import Failure


@dataclass(frozen=True, slots=True)
class Call:
    """A function call that the model makes."""

    name: str
    arguments: str
    """JSON text."""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """What an answer cost by the count of the model itself."""

    given: int
    made: int
    cached: int = 0
    """Of those given."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one response holds: words, then calls. Words before calls are commentary."""

    text: str = ""
    """Spoken or written, as the response's modality has it."""
    calls: tuple[Call, ...] = ()
    failure: Failure | None = None
    """Ends the response as failed, after the words and calls."""
    delay_ms: float = 0.0
    """How much longer than usual the model takes to begin."""
    faults: tuple[str, ...] = ()
    """Names of faults to raise for this response."""
    is_complete: bool = True
    """False while more may come: text and the arguments of the last call only grow."""
    cut_short: str = ""
    """Why a complete answer is incomplete as a response: ``max_output_tokens`` or ``content_filter``."""
    tokens: TokenCount | None = None
    """None where nobody counted: the simulator then estimates."""

    def so_far(self) -> Answer:
        """Return itself: an answer is a thought that is over at once."""
        return self

    def cancel(self) -> None:
        """Do nothing: there is nothing left to cancel."""


class Thought(Protocol):
    """An answer on its way; what makes it is outside of the simulator."""

    def so_far(self) -> Answer:
        """Return what is known of the answer; it only grows."""
        ...

    def cancel(self) -> None:
        """Stop thinking; does nothing once the answer is complete."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """One thing in the conversation, as the model sees it."""

    role: str
    """``user``, ``assistant``, ``system``, or ``tool`` for the output of a function."""
    text: str
    """Its words; ``""`` where audio was not understood, and for a function call."""
    audio_ms: int = 0
    images: tuple[str, ...] = ()
    """URLs, nearly always ``data:`` ones."""
    call: str = ""
    """Name of the function, where it is a call; with role ``tool`` where one item holds call and output (MCP)."""
    call_id: str = ""
    """Ties the output of a function to its call."""
    arguments: str = ""
    """JSON text of a call."""


@dataclass(frozen=True, slots=True)
class BrainContext:
    """All that an answer may depend on."""

    instructions: str
    said: Sequence[Said]
    """The conversation, or the ``input`` of the response in its place."""
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str | Mapping[str, Any] = "auto"
    order: str = ""
    """Instructions that came with this very response; they are in ``instructions`` too."""
    may_call_in_parallel: bool = True
    max_output_tokens: int | None = None
    """None where there is no limit."""
    temperature: float | None = None
    """None where the client did not say; only dialects other than today's API have one."""


class Brain(Protocol):
    """Decides what a response says."""

    def answer(self, context: BrainContext) -> Thought:
        """Return the answer to the conversation so far, or what will know it; must not raise."""
        ...

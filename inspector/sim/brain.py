"""The interface of the brain: the part of the simulator that decides what a response contains.

``rules.rules_brain.RulesBrain`` answers at once, ``scenario.ScenarioBrain`` plays a script and falls back to another brain,
and ``inspector.sources.chat`` asks a chat completions endpoint. To stay free of sockets and tasks, the simulator polls a
``PendingAnswer`` for what has arrived so far, and cancels it when the response ends early.
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
    """Token usage of an answer as the model reported it."""

    input: int
    output: int
    cached: int = 0
    """How many of the input tokens came from the prompt cache."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The content of one response: text, then calls. Text before calls is sent with the phase ``commentary``."""

    text: str = ""
    """Spoken or written, depending on the response's modality."""
    calls: tuple[Call, ...] = ()
    failure: Failure | None = None
    """If set, the response fails after the text and calls have been sent."""
    delay_ms: float = 0.0
    """Extra time before the first output, in milliseconds."""
    faults: tuple[str, ...] = ()
    """Names of faults to inject into this response."""
    is_complete: bool = True
    """False while more may arrive; the text and the last call's arguments only ever grow."""
    cut_short: str = ""
    """Why the model stopped early: ``max_output_tokens`` or ``content_filter``; the response is then incomplete."""
    tokens: TokenCount | None = None
    """None if the model reported no usage; the simulator then estimates it."""

    def so_far(self) -> Answer:
        """Return itself: a finished answer is a pending answer that needs no waiting."""
        return self

    def cancel(self) -> None:
        """Do nothing: the answer is complete."""


class PendingAnswer(Protocol):
    """An answer that is still arriving; it is produced outside of the simulator."""

    def so_far(self) -> Answer:
        """Return the part of the answer that has arrived; later calls only return more."""
        ...

    def cancel(self) -> None:
        """Stop producing the answer; has no effect once it is complete."""
        ...


@dataclass(frozen=True, slots=True)
class ContextItem:
    """One conversation item as the brain sees it."""

    role: str
    """``user``, ``assistant``, ``system``, or ``tool`` for the output of a function."""
    text: str
    """The text or transcript; ``""`` for audio without a transcript and for a function call."""
    audio_ms: int = 0
    images: tuple[str, ...] = ()
    """Image URLs, nearly always ``data:`` ones."""
    call: str = ""
    """Name of the called function; together with role ``tool`` if one item holds call and output (MCP)."""
    call_id: str = ""
    """Matches the output of a function to its call."""
    arguments: str = ""
    """JSON text of the call's arguments."""


@dataclass(frozen=True, slots=True)
class BrainContext:
    """Everything that an answer may depend on."""

    instructions: str
    items: Sequence[ContextItem]
    """The conversation, or the ``input`` of the response instead."""
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str | Mapping[str, Any] = "auto"
    order: str = ""
    """Instructions of this ``response.create`` alone; ``instructions`` contains them too."""
    may_call_in_parallel: bool = True
    max_output_tokens: int | None = None
    """None means no limit."""
    temperature: float | None = None
    """None if the client did not set it; OpenAI's GA API has no such setting, other dialects do."""


class Brain(Protocol):
    """Decide what a response contains."""

    def answer(self, context: BrainContext) -> PendingAnswer:
        """Return the answer to the conversation so far, complete or still arriving; must not raise."""
        ...

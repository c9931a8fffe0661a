"""What a simulated model is given and what it gives back: plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspector.sim.ear import Failure


@dataclass(frozen=True, slots=True)
class Call:
    """A function call that the model makes."""

    name: str
    arguments: str
    """JSON text."""


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


@dataclass(frozen=True, slots=True)
class Said:
    """One thing in the conversation, as the model sees it."""

    role: str
    """``user``, ``assistant``, ``system``, or ``tool`` for the output of a function."""
    text: str
    """Its words; ``""`` where audio was not understood, and for a function call."""
    audio_ms: int = 0
    images: int = 0
    call: str = ""
    """Name of the function, where it is a call."""


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

"""What the simulated model says. Useful without a model: it follows simple orders and remembers what it was told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from inspector.sim.ear import Failure
from inspector.sim.tools import arguments_for, chosen_tool

_IDLE = "No user speech was detected"
"""How the server's own nudge after an idle timeout begins."""
MAX_QUESTION_CHARS = 2_000
"""What lies beyond is not looked at: no pattern may take long."""


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


@dataclass(frozen=True, slots=True)
class Said:
    """One thing in the conversation, as the model sees it."""

    role: str
    """``user``, ``assistant``, ``system``, or ``tool`` for the output of a function."""
    text: str
    """Its words; ``""`` where audio was not understood, and for a function call."""
    audio_ms: int = 0
    images: int = 0


@dataclass(frozen=True, slots=True)
class BrainContext:
    """All that an answer may depend on."""

    instructions: str
    said: Sequence[Said]
    """The conversation, or the ``input`` of the response in its place."""
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str | Mapping[str, Any] = "auto"


class Brain(Protocol):
    """Decides what a response says."""

    def answer(self, context: BrainContext) -> Answer:
        """Return the answer to the conversation so far; must not raise."""
        ...


class SimpleBrain:
    """Orders, sums, counting, names and facts that it was told; a tool where one fits; else the user's words."""

    def answer(self, context: BrainContext) -> Answer:
        """Return the answer to the conversation so far."""
        asked = None
        for said in reversed(context.said):
            if said.role == "tool":  # newer than the question: it is what the call was made for
                return Answer(_from_tool(said.text))
            if said.role == "user":
                asked = said
                break
        if any(said.role == "system" and _IDLE in said.text for said in context.said[-2:]):
            return Answer("Are you still there?")
        question = asked.text[:MAX_QUESTION_CHARS] if asked is not None else ""
        tool = chosen_tool(question, context.tools, context.tool_choice)
        if tool is not None:
            return Answer(calls=(Call(str(tool.get("name", "")), arguments_for(tool, question)),))
        text = _reply(question, context) or _fallback(question, asked, context.instructions)
        wants_one_word = "one word" in f"{question} {context.instructions[:2000]}".lower()
        return Answer(_one_word(text) if wants_one_word else text)


def _reply(question: str, context: BrainContext) -> str:
    for pattern, reply in _REPLIES:
        found = pattern.search(question)
        text = reply(found, context) if found is not None else ""
        if text:
            return text
    return ""


def _fallback(question: str, asked: Said | None, instructions: str) -> str:
    if question:
        return f"You said: {question.strip()[:300]}"
    if asked is not None and asked.audio_ms:
        return (
            f"I heard {asked.audio_ms / 1000:.1f} seconds of audio. I am a simulator without speech recognition, "
            "so I cannot tell what you said."
        )
    if asked is not None and asked.images:
        return "I received your image. I am a simulator, so I cannot see what it shows."
    order = _SAY.search(instructions[:MAX_QUESTION_CHARS])
    return _quoted(order) if order is not None else "Hello! How can I help you?"


def _from_tool(output: str) -> str:
    try:
        data = json.loads(output)
    except (ValueError, RecursionError):
        return output.strip() or "The tool returned nothing."
    if isinstance(data, dict) and data:
        facts = ", ".join(f"{str(key).replace('_', ' ')} {value}" for key, value in data.items())
        return f"Here is what I found: {facts}."
    return f"Here is what I found: {data}."


def _one_word(text: str) -> str:
    words = re.findall(r"[\w'-]+", text)
    return words[-1] if words else text


def _quoted(found: re.Match[str]) -> str:
    return found.group("what").strip(" \"'“”")


def _say(found: re.Match[str], _: BrainContext) -> str:
    return _quoted(found)


_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
_NUMBERS = _NUMBER_WORDS.split()
_MAX_COUNT = 200


def _number(word: str) -> float:
    word = word.lower()
    return float(_NUMBERS.index(word)) if word in _NUMBERS else float(word)


def _count(found: re.Match[str], _: BrainContext) -> str:
    first = int(_number(found.group("first") or "1"))
    last = min(int(_number(found.group("last"))), first + _MAX_COUNT)
    return (
        ", ".join(str(number) for number in range(first, last + 1)) + "." if last >= first else ""
    )


_OPERATIONS: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "plus": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "minus": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "x": lambda a, b: a * b,
    "times": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "divided by": lambda a, b: a / b,
}


def _sum(found: re.Match[str], _: BrainContext) -> str:
    left, name, right = found.group("left"), found.group("op").strip().lower(), found.group("right")
    if name in ("/", "divided by") and _number(right) == 0:
        return "I cannot divide by zero."
    result = _OPERATIONS[name](_number(left), _number(right))
    shown = str(int(result)) if result.is_integer() else f"{result:.4g}"
    return f"{left} {name} {right} is {shown}."


def _told(what: str, context: BrainContext) -> str:
    """Return what the user said of themselves, ``""`` where nothing."""
    fact = re.compile(rf"\bmy {re.escape(what)} is (?P<value>[^.,;!?\n]{{1,80}})", re.IGNORECASE)
    for said in reversed(context.said):
        found = fact.search(said.text[:MAX_QUESTION_CHARS]) if said.role == "user" else None
        if found is not None:
            return re.split(r" and (?:my |i )", found.group("value"), flags=re.IGNORECASE)[
                0
            ].strip()
    return ""


def _recall(found: re.Match[str], context: BrainContext) -> str:
    wanted = [part.strip().lower() for part in re.split(r"\band(?: my)?\b", found.group("what"))]
    known = [(what, _told(what, context)) for what in wanted if what]
    missing = [what for what, value in known if not value]
    if missing:
        return f"You have not told me your {missing[0]}."
    facts = " and ".join(f"your {what} is {value}" for what, value in known)
    return facts[:1].upper() + facts[1:] + "." if facts else ""


def _note(found: re.Match[str], context: BrainContext) -> str:
    what = found.group("what").lower()
    value = _told(what, context)
    if what == "name":
        return f"Nice to meet you, {value}!"
    return f"I will remember that your {what} is {value}."


def _greet(_: re.Match[str], context: BrainContext) -> str:
    name = _told("name", context)
    return f"Hello{f', {name}' if name else ''}! How can I help you?"


def _introduce(_: re.Match[str], __: BrainContext) -> str:
    return "I am the simulator of Realtime Inspector."


_SAY = re.compile(
    r"\b(?:say|repeat(?: after me)?|reply with|answer with|respond with)(?: exactly| just| only)?[:,]?\s+"
    r"(?!(?:in )?one word|a short|a greeting|something|(?:hi|hello) (?:to|in)\b)(?P<what>[\"'“]?[^\n]+)",
    re.IGNORECASE,
)
_NUM = r"\d{1,9}(?:\.\d{1,6})?|" + "|".join(sorted(_NUMBERS, key=len, reverse=True))
_OP = r"\+|\s-\s|\*|/|x|plus|minus|times|divided by"
"""A minus has space around it: without, it is a date or a telephone number."""
_Reply = Callable[[re.Match[str], BrainContext], str]
_REPLIES: tuple[tuple[re.Pattern[str], _Reply], ...] = (
    (_SAY, _say),
    *(
        (re.compile(pattern, re.IGNORECASE | re.ASCII), reply)
        for pattern, reply in (
            (rf"\bcount (?:from (?P<first>{_NUM}) )?(?:up )?to (?P<last>{_NUM})\b", _count),
            (rf"(?<![\w.])(?P<left>{_NUM})\s*(?P<op>{_OP})\s*(?P<right>{_NUM})(?![\w/])", _sum),
            (r"\bwhat(?:'s| is| was| are) my (?P<what>[\w ]{1,80}?)\s*(?:\?|$|\.)", _recall),
            (r"\bwhat(?:'s| is) your name\b|\bwho are you\b", _introduce),
            (r"\bmy (?P<what>[\w ]{1,40}?) is \w", _note),
            (r"\b(?:hello|hi|hey|greeting|good (?:morning|afternoon|evening))\b", _greet),
        )
    ),
)

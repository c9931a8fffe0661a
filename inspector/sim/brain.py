"""What the simulated model says. Useful without a model: it follows simple orders and remembers what it was told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A function call that the model makes."""

    name: str
    arguments: str
    """JSON text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one response holds: words, or calls, or both."""

    text: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing in the conversation, as the model sees it."""

    role: str
    """``user``, ``assistant``, ``system`` or ``tool``."""
    text: str


@dataclass(frozen=True, slots=True)
class Context:
    """All that an answer may depend on."""

    instructions: str
    heard: Sequence[Heard]
    tools: Sequence[JsonObject]
    tool_choice: str | JsonObject


class Brain(Protocol):
    """Decides what a response says."""

    def answer(self, context: Context) -> Answer:
        """Return the answer to the conversation so far."""
        ...


class SimpleBrain:
    """Orders, sums, counting, names and facts that it was told; a tool where one fits; else an echo."""

    def answer(self, context: Context) -> Answer:
        """Return the answer to the conversation so far."""
        last = context.heard[-1] if context.heard else Heard("system", "")
        if last.role == "tool":
            return Answer(_from_tool(last.text))
        question = next(
            (heard.text for heard in reversed(context.heard) if heard.role == "user"), ""
        )
        tool = _chosen_tool(question, context)
        if tool is not None:
            return Answer(calls=(Call(str(tool.get("name", "")), _arguments(tool, question)),))
        for pattern, reply in _REPLIES:
            found = pattern.search(question)
            if found is not None:
                text = reply(found, context)
                if text:
                    return Answer(_one_word(text) if _wants_one_word(question, context) else text)
        return Answer(_echo(question, context))


def _from_tool(output: str) -> str:
    try:
        data = json.loads(output)
    except ValueError:
        return output.strip() or "The tool returned nothing."
    if isinstance(data, dict):
        return (
            "Here is what I found: "
            + ", ".join(f"{key} {value}" for key, value in data.items())
            + "."
        )
    return f"Here is what I found: {data}."


def _chosen_tool(question: str, context: Context) -> JsonObject | None:
    functions = [tool for tool in context.tools if tool.get("type") == "function"]
    choice = context.tool_choice
    if choice == "none" or not functions:
        return None
    if isinstance(choice, Mapping):
        return next((tool for tool in functions if tool.get("name") == choice.get("name")), None)
    scored = [(_overlap(question, tool), tool) for tool in functions]
    best, tool = max(scored, key=lambda entry: entry[0])
    return tool if best > 0 or choice == "required" else None


_STOPWORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "the",
        "of",
        "in",
        "is",
        "it",
        "to",
        "for",
        "on",
        "at",
        "by",
        "get",
        "what",
        "who",
        "how",
        "me",
        "you",
        "my",
        "i",
        "do",
        "does",
        "please",
        "with",
        "from",
    ]
)


def _words(text: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return {word for word in re.findall(r"[a-z0-9]+", spaced.lower()) if word not in _STOPWORDS}


def _overlap(question: str, tool: JsonObject) -> int:
    asked = _words(question)
    named = _words(str(tool.get("name", "")))
    described = _words(str(tool.get("description", "")))
    return 3 * len(asked & named) + len(asked & described)


def _arguments(tool: JsonObject, question: str) -> str:
    schema = tool.get("parameters")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(schema, Mapping) or not isinstance(properties, Mapping):
        return "{}"
    required = schema.get("required")
    wanted = [
        name
        for name in properties
        if not isinstance(required, list) or not required or name in required
    ]
    places = iter(_proper_nouns(question))
    numbers = iter(re.findall(r"-?\d+(?:\.\d+)?", question))
    values = {name: _value(properties[name], places, numbers, question) for name in wanted}
    return json.dumps(values, ensure_ascii=False)


def _proper_nouns(text: str) -> list[str]:
    inside = re.findall(r"(?<=[a-z,:] )[A-Z][\w'-]*(?: [A-Z][\w'-]*)*", text)
    return inside or re.findall(r"\b(?:in|for|to|of|about) (\w+)", text)


def _value(schema: object, places: Any, numbers: Any, question: str) -> Any:
    described = schema if isinstance(schema, Mapping) else {}
    options = described.get("enum")
    if isinstance(options, list) and options:
        named = [option for option in options if str(option).lower() in question.lower()]
        return (named or options)[0]
    kind = described.get("type")
    if kind in ("integer", "number"):
        number = float(next(numbers, "1"))
        return int(number) if kind == "integer" else number
    if kind == "boolean":
        return True
    if kind == "array":
        return []
    if kind == "object":
        return {}
    return next(places, question)


def _say(found: re.Match[str], _: Context) -> str:
    return found.group("what").strip(" \"'“”")


def _count(found: re.Match[str], _: Context) -> str:
    last = _number(found.group("n"))
    return ", ".join(str(number) for number in range(1, min(last, 200) + 1)) + "." if last else ""


_NUMBERS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def _number(word: str) -> int:
    if word.isdigit():
        return int(word)
    return _NUMBERS.index(word.lower()) if word.lower() in _NUMBERS else 0


_OPERATIONS: Mapping[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "plus": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "minus": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "x": lambda a, b: a * b,
    "times": lambda a, b: a * b,
}


def _sum(found: re.Match[str], _: Context) -> str:
    result = _OPERATIONS[found.group("op").lower()](
        _number(found.group("a")), _number(found.group("b"))
    )
    return f"{found.group('a')} {found.group('op')} {found.group('b')} is {result}."


def _recall(found: re.Match[str], context: Context) -> str:
    what = found.group("what").strip().lower()
    for heard in reversed(context.heard[:-1]):
        told = re.search(
            rf"\bmy {re.escape(what)} is (?P<value>[^.,;!?\n]+)", heard.text, re.IGNORECASE
        )
        if told:
            return f"Your {what} is {told.group('value').removesuffix(' and my').strip()}."
    return f"You have not told me your {what}."


def _greet(_: re.Match[str], context: Context) -> str:
    name = next(
        (
            m.group(1)
            for heard in reversed(context.heard)
            if (m := re.search(r"\bmy name is (\w+)", heard.text, re.IGNORECASE))
        ),
        "",
    )
    return f"Hello{', ' + name if name else ' there'}! How can I help you?"


_SAY = (
    r"\b(?:say|repeat(?: after me)?|reply with|answer with|respond with)(?: exactly| just| only)?[:,]?\s+"
    r"(?!one word|a short|a greeting|hello to|hi to)(?P<what>[\"'“]?[^\n]+)"
)
_NUM = r"\d+|" + "|".join(_NUMBERS)
_Reply = Callable[[re.Match[str], Context], str]
_REPLIES: tuple[tuple[re.Pattern[str], _Reply], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), reply)
    for pattern, reply in (
        (_SAY, _say),
        (rf"\bcount (?:from (?:1|one) )?(?:up )?to (?P<n>{_NUM})\b", _count),
        (rf"\b(?P<a>{_NUM})\s*(?P<op>\+|-|\*|x|plus|minus|times)\s*(?P<b>{_NUM})\b", _sum),
        (r"\bwhat(?:'s| is| was) my (?P<what>[\w ]+?)\s*(?:\?|$|and\b)", _recall),
        (
            r"\bwhat(?:'s| is) your name\b",
            lambda _m, _c: "I am the simulator of Realtime Inspector.",
        ),
        (r"\b(?:hello|hi|hey|greeting|good (?:morning|evening))\b", _greet),
    )
)


def _wants_one_word(question: str, context: Context) -> bool:
    return "one word" in f"{question} {context.instructions}".lower()


def _one_word(text: str) -> str:
    words = re.findall(r"[\w'-]+", text)
    return words[-1] if words else text


def _echo(question: str, context: Context) -> str:
    if _wants_one_word(question, context):
        return "Understood."
    if not question:
        return "I am listening."
    return f"You said: {question.strip()[:300]}"

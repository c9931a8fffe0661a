"""Answers from the outputs of tools."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from inspector.sim.brain import ContextItem
from inspector.sim.rules.english import Reply
from inspector.sim.rules.memory import Memory

_AGAIN = re.compile(
    r"\b(?:what|which|who|when|where)(?:'s| is| was| were) (?:the|my|our|its|that|this) "
    r"(?P<name>[\w' -]{1,60}?)(?P<again> again)?[?.!]*$",
    re.IGNORECASE,
)


def earlier_output_reply(text: str, before: Sequence[ContextItem]) -> Reply | None:
    """Return a value from an earlier tool output if the text asks for it again ("what was the total?"), else None."""
    question = _AGAIN.search(text)
    if question is None or not (question.group("again") or re.search(r"\bw(?:as|ere)\b", text)):
        return None
    outputs = [item for item in before if item.role == "tool"]
    value = Memory(outputs).value_of(question.group("name"))
    return Reply(f"The {question.group('name')} is {value}.", value) if value else None


def outputs_reply(outputs: Sequence[str]) -> Reply:
    """Return a reply that states the new tool outputs, with each value unchanged."""
    replies = [_output_reply(output) for output in outputs[-8:]]
    shorts = [reply.short for reply in replies if reply.short]
    return Reply(" ".join(reply.text for reply in replies), shorts[-1] if shorts else "")


def _output_reply(output: str) -> Reply:
    try:
        data = json.loads(output)
    except (ValueError, RecursionError):
        text = output.strip()[:4_000]
        return (
            Reply(text, text if len(text.split()) == 1 else "")
            if text
            else Reply("The tool returned nothing.", "Nothing")
        )
    facts = ", ".join(_facts(data, "", 0))[:4_000]
    value = next(iter(data.values()), "") if isinstance(data, dict) and len(data) == 1 else data
    short = str(value) if isinstance(value, str | int | float) else ""
    return Reply(
        f"Here is what I found: {facts}." if facts else "The tool returned nothing.", short
    )


def _facts(data: object, name: str, depth: int) -> list[str]:
    label = name.replace("_", " ")
    if depth < 4 and isinstance(data, dict):
        return [
            fact
            for key, value in list(data.items())[:50]
            for fact in _facts(value, str(key), depth + 1)
        ]
    if depth < 4 and isinstance(data, list):
        return [fact for value in data[:50] for fact in _facts(value, name, depth + 1)]
    value = (
        "yes"
        if data is True
        else "no"
        if data is False
        else "nothing"
        if data is None
        else str(data)
    )
    return [f"{label} {value}".strip()]

"""Which declared function fits what the user said, and with which arguments."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Tool = Mapping[str, Any]

_COMMON = (
    "a an and any are at by can do does for from get give has have how i if in into is it its look "
    "me my of on or please set should tell that the this to tool use user want what when where "
    "which who will with you your"
)
_STOPWORDS = frozenset(_COMMON.split())
"""Words that say nothing about what a function does."""
_MAX_DEPTH = 6
_LARGEST = 1e15
"""A bound beyond it would not survive as a whole number."""


def chosen_tool(question: str, tools: Sequence[Tool], choice: object) -> Tool | None:
    """Return the function to call: the forced one, or the one whose words match the question best; None for none."""
    functions = [tool for tool in tools if tool.get("type", "function") == "function"]
    if choice == "none" or not functions:
        return None
    if isinstance(choice, Mapping):
        return next((tool for tool in functions if tool.get("name") == choice.get("name")), None)
    asked = _words(question)
    scores = [_score(asked, tool) for tool in functions]
    best = max(scores)
    return functions[scores.index(best)] if best > 0 or choice == "required" else None


def arguments_for(tool: Tool, question: str) -> str:
    """Return JSON arguments that fit the function's schema, filled from the question where that is possible."""
    schema = tool.get("parameters")
    found = _Found(question)
    value = found.value("", schema, 0) if isinstance(schema, Mapping) else {}
    return json.dumps(value if isinstance(value, dict) else {}, ensure_ascii=False)


def _words(text: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return {
        word.removesuffix("s")
        for word in re.findall(r"[^\W_]+", spaced.lower())
        if word not in _STOPWORDS
    }


def _score(asked: set[str], tool: Tool) -> int:
    schema = tool.get("parameters")
    members = schema.get("properties") if isinstance(schema, Mapping) else None
    named = _words(str(tool.get("name", "")))
    described = _words(str(tool.get("description", "")))
    parameters = _words(" ".join(members)) if isinstance(members, Mapping) else set[str]()
    return 3 * len(asked & named) + 2 * len(asked & described) + len(asked & parameters)


class _Found:
    """What a question offers as values."""

    def __init__(self, question: str) -> None:
        self._question = question
        self._names = iter(_names(question))
        self._numbers: Iterator[str] = iter(
            re.findall(r"(?<![\w.])-?\d{1,9}(?:\.\d{1,6})?", question)
        )

    def value(self, name: str, schema: object, depth: int) -> object:
        """Return a value that a JSON schema allows."""
        described = schema if isinstance(schema, Mapping) else {}
        for key in ("const", "default"):
            if key in described:
                return described[key]
        options = described.get("enum")
        if isinstance(options, list) and options:
            asked = self._question.lower()
            return next((option for option in options if str(option).lower() in asked), options[0])
        for key in ("anyOf", "oneOf", "allOf"):
            branches = described.get(key)
            if isinstance(branches, list) and branches and depth < _MAX_DEPTH:
                return self.value(name, branches[0], depth + 1)
        kind = described.get("type", "object" if "properties" in described else "string")
        return self._of_kind(
            name, kind[0] if isinstance(kind, list) and kind else kind, described, depth
        )

    def _of_kind(self, name: str, kind: object, schema: Tool, depth: int) -> object:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                wanted = schema.get("minItems") or ("items" in schema and depth < _MAX_DEPTH)
                return [self.value(name, schema.get("items"), depth + 1)] if wanted else []
            case "integer" | "number":
                return self._number(kind == "integer", schema)
            case "boolean":
                return not re.search(r"\b(?:not?|off|without|disable)\b", self._question.lower())
            case "null":
                return None
        return next(self._names, None) or self._question.strip()[:200]

    def _object(self, schema: Tool, depth: int) -> dict[str, object]:
        members = schema.get("properties")
        if not isinstance(members, Mapping) or depth >= _MAX_DEPTH:
            return {}
        required = schema.get("required")
        wanted = required if isinstance(required, list) and required else list(members)
        return {
            name: self.value(name, members[name], depth + 1) for name in members if name in wanted
        }

    def _number(self, is_whole: bool, schema: Tool) -> object:
        text = next(self._numbers, None)
        low = _bound(schema, "minimum", -math.inf)
        number = float(text) if text is not None else max(low, 1.0)
        number = max(low, min(number, _bound(schema, "maximum", math.inf)))
        return int(number) if is_whole or number.is_integer() else number


def _bound(schema: Tool, name: str, default: float) -> float:
    value = schema.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        max(-_LARGEST, min(float(value), _LARGEST)) if value is not None and is_number else default
    )


def _names(text: str) -> list[str]:
    """Return what a question is about: proper nouns after its first word, else what follows a preposition."""
    proper = re.findall(r"(?<=[a-z0-9,:] )[A-Z][\w'-]*(?: [A-Z][\w'-]*)*", text)
    return [name for name in proper if name != "I"] or re.findall(
        r"\b(?:in|for|to|of|about|called|named) (?:the |a |an )?(\w+)", text
    )

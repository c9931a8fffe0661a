"""Arguments of a function call: values from the user's text that fit the function's JSON schema."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from inspector.sim.rules.arithmetic import sum_in
from inspector.sim.rules.english import content, cut, proper_nouns, with_digits

JsonSchema = Mapping[str, Any]

_MAX_DEPTH, _MAX_PLACES = 6, 20
_LARGEST = 1e15
"""Clamps ``minimum`` and ``maximum``: a float beyond 2**53 (about 9e15) does not hold every integer."""
_PLACE_ENDS_TEXT = (
    "today tomorrow tonight now right please this next on at for with and or in is it "
    "celsius fahrenheit the a using like yesterday degrees minutes hours days week weekend "
    "my me you i then to from by about as"
)
_PLACE_ENDS = frozenset(_PLACE_ENDS_TEXT.split())
_DATES = re.compile(
    r"\b(?:\d{4}-\d{2}-\d{2}|today|tonight|tomorrow|yesterday|(?:next |this |on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december) \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?|next (?:week|month|year)|this (?:week|weekend))\b",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"\b(?:\d{1,2}:\d{2}(?: ?[ap]\.?m\b\.?)?|\d{1,2} ?[ap]\.?m\b\.?|\d{1,2} o'clock|noon|midnight|(?<=\bat )(?:1?\d|2[0-4])\b(?![.:%]\d|-| ?%| degrees| percent))",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"(?<![\w.])-?\d{1,9}(?:\.\d{1,6})?")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_LINK = re.compile(r"https?://\S{1,500}")
_CODE = re.compile(r"\b(?=[\w-]*\d)[A-Za-z0-9][\w-]{2,40}\b|#\d{1,20}")
_MESSAGE = re.compile(
    r"(?:\b(?:saying|says|that says|text|message|titled|called|named|about|that|to say|reading)\b|:) [\"']?(?P<what>.{1,300}?)[\"']?$",
    re.IGNORECASE,
)
_QUERY = re.compile(
    r"\b(?:search(?: the web| online)?(?: for)?|look up|find|google|about|for)\s+(?P<what>.{1,300}?)[?.!]*$",
    re.IGNORECASE,
)


def arguments_for(tool: JsonSchema, question: str) -> str:
    """Return arguments as JSON that fits the function's schema, with values from the question if possible."""
    schema = tool.get("parameters")
    value = _Filling(cut(question)).value("", schema, 0) if isinstance(schema, Mapping) else {}
    return json.dumps(value if isinstance(value, dict) else {}, ensure_ascii=False)


def places_in(text: str) -> list[str]:
    """Return the places in a text, in order: its proper nouns, or else the words after prepositions."""
    names = [
        name
        for name in proper_nouns(text)
        if not _DATES.fullmatch(name) and name.lower() not in _UNITS
    ]
    if names:
        return list(dict.fromkeys(_joined(names[:_MAX_PLACES], text)))
    found: list[str] = []
    for match in re.finditer(
        r"\b(?:in|for|at|near|to|about)\s+(?P<rest>[^?.!;]{1,120})", text, re.IGNORECASE
    ):
        for part in re.split(r",| and | or ", match.group("rest")):
            place = _first_words(part)
            if place:
                found.append(place.title() if place.islower() else place)
    return list(dict.fromkeys(found))[:_MAX_PLACES]


def _joined(names: list[str], text: str) -> list[str]:
    """Join each name with the state or country after it: "Austin, TX" is one place."""
    joined: list[str] = []
    for name in names:
        whole = f"{joined[-1]}, {name}" if joined else ""
        is_region = (len(name) <= 3 and name.isupper()) or name in _REGIONS
        if whole and is_region and whole in text:
            joined[-1] = whole
        else:
            joined.append(name)
    return joined


_REGIONS_TEXT = (
    "France Germany Spain Italy Portugal England Ireland Scotland Japan China India Brazil Canada Mexico Australia "
    "California Texas Florida Oregon"
)
_REGIONS = frozenset(_REGIONS_TEXT.split())
"""Countries and states that often follow the name of a city."""
_UNITS_TEXT = "celsius fahrenheit kelvin metric imperial english spanish french german"
_UNITS = frozenset(_UNITS_TEXT.split())


def _first_words(part: str) -> str:
    words: list[str] = []
    for word in part.split()[:6]:
        if word.lower() in ("the", "a", "an") and not words:
            continue
        is_number = with_digits(word) != word
        if word.lower() in _PLACE_ENDS or is_number or not word[0].isalpha():
            break
        words.append(word)
    return " ".join(words[:3])


class _Filling:
    """Find values for the members of a schema in one question."""

    def __init__(self, question: str) -> None:
        self._question = question
        self._names = places_in(question)
        self._used = 0
        plain = with_digits(question)
        counts = _NUMBERS.findall(_DATES.sub(" ", _TIMES.sub(" ", plain)))
        self._numbers = iter(counts or _NUMBERS.findall(plain))  # "at 7" alone may be a level

    def value(self, name: str, schema: object, depth: int) -> object:
        """Return a value that the JSON schema allows."""
        described = schema if isinstance(schema, Mapping) else {}
        if "const" in described:
            return described["const"]
        options = described.get("enum")
        if isinstance(options, list) and options:
            return self._option(options, described)
        for key in ("anyOf", "oneOf", "allOf"):
            branches = described.get(key)
            if isinstance(branches, list) and branches and depth < _MAX_DEPTH:
                return self.value(name, branches[0], depth + 1)
        kind = described.get("type", "object" if "properties" in described else "string")
        kind = kind[0] if isinstance(kind, list) and kind else kind
        if "default" in described and not self._mentions(name, described):
            return described["default"]
        return self._of_kind(name, kind, described, depth)

    def _mentions(self, name: str, schema: JsonSchema) -> bool:
        words = set(content(self._question))
        return bool(
            words
            & set(content(f"{name.replace('_', ' ')} {str(schema.get('description', ''))[:300]}"))
        )

    def _option(self, options: list[Any], schema: JsonSchema) -> object:
        question = self._question.lower()
        for option in options[:200]:
            if re.search(
                rf"(?<!\w){re.escape(str(option).lower().replace('_', ' '))}(?!\w)",
                question.replace("_", " "),
            ):
                return option
        shared = [
            len(set(content(question)) & set(content(str(option).replace("_", " "))))
            for option in options[:200]
        ]
        if max(shared, default=0):
            return options[shared.index(max(shared))]
        return schema["default"] if schema.get("default") in options else options[0]

    def _of_kind(self, name: str, kind: object, schema: JsonSchema, depth: int) -> object:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(name, schema, depth)
            case "integer" | "number":
                return self._number(kind == "integer", schema)
            case "boolean":
                return not re.search(
                    r"\b(?:not?|off|without|disable|false)\b", self._question.lower()
                )
            case "null":
                return None
        return self._string(name, schema)

    def _array(self, name: str, schema: JsonSchema, depth: int) -> list[object]:
        items = schema.get("items")
        if not schema.get("minItems") and (not isinstance(items, Mapping) or depth >= _MAX_DEPTH):
            return []
        kind = items.get("type") if isinstance(items, Mapping) else None
        if kind in ("number", "integer"):
            numbers = [
                self._number(kind == "integer", items or {}, text)
                for text in list(self._numbers)[:50]
            ]
            return numbers or [self._number(kind == "integer", items or {})]
        if (
            kind == "string"
            and isinstance(items, Mapping)
            and "enum" not in items
            and len(self._names) > 1
        ):
            return list(self._names[:20])
        return [self.value(name, items, depth + 1)] if depth < _MAX_DEPTH else []

    def _object(self, schema: JsonSchema, depth: int) -> dict[str, object]:
        members = schema.get("properties")
        if not isinstance(members, Mapping) or depth >= _MAX_DEPTH:
            return {}
        required = schema.get("required")
        needed = (
            set(required)
            if isinstance(required, list) and all(isinstance(key, str) for key in required)
            else set(members)
        )
        wanted = [key for key in members if key in needed or self._is_named(key, members[key])]
        return {key: self.value(key, members[key], depth + 1) for key in wanted}

    def _is_named(self, name: str, schema: object) -> bool:
        """Return True if the question has a value for an optional argument: one of its options, a date or a time."""
        if not isinstance(schema, Mapping):
            return False
        options = schema.get("enum")
        question = self._question.lower()
        if isinstance(options, list):
            return any(
                re.search(rf"(?<!\w){re.escape(str(option).lower())}(?!\w)", question)
                for option in options[:200]
            )
        kind = name.lower()
        return bool(("date" in kind or "day" in kind) and _DATES.search(question)) or bool(
            kind == "time" and _TIMES.search(question)
        )

    def _number(self, is_whole: bool, schema: JsonSchema, text: str | None = None) -> object:
        text = next(self._numbers, None) if text is None else text
        low = _bound(schema, "minimum", -math.inf)
        number = float(text) if text is not None else max(low, 1.0)
        number = max(low, min(number, _bound(schema, "maximum", math.inf)))
        return int(number) if is_whole or number.is_integer() else number

    def _string(self, name: str, schema: JsonSchema) -> str:
        kind = f"{name} {str(schema.get('description', ''))[:200]} {schema.get('format', '')}".lower().replace(
            "_", " "
        )
        text = self._question
        for words, pattern in _SHAPES:
            if re.search(words, kind):
                found = pattern.search(with_digits(text) if pattern is _TIMES else text)
                if found is not None:
                    return (found.groupdict().get("what") or found.group()).strip(" \"'?.!")
        if re.search(r"\b(?:expression|formula|equation|calculation)\b", kind):
            return _expression_in(text)
        if re.search(
            r"\b(?:query|question|prompt|input|request|reason|summary|description|content|instructions?)\b",
            kind,
        ):
            return text.strip(" ?.!")[:300]
        quoted = re.search(r"[\"']([^\"']{1,200})[\"'](?!\w)", text)
        if quoted is not None:
            return quoted.group(1)
        if self._used < len(self._names):  # "from Paris to Rome": each parameter gets its own name
            self._used += 1
            return self._names[self._used - 1]
        if self._names:
            return self._names[-1]
        after = re.findall(r"\b(?:in|for|to|of|about|called|named) (?:the |a |an )?(\w+)", text)
        return str(after[0]) if after else text.strip()[:200]


def _expression_in(text: str) -> str:
    found = re.search(r"[-+*/^().\d\s]{3,}", with_digits(text))
    if found is not None and re.search(r"[-+*/^]", found.group()):
        return found.group().strip()
    worded = sum_in(text)
    return worded.text.split(" is ")[0] if worded is not None else text[:200]


_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (r"\b(?:e-?mail|to|recipient|address)\b", _MAIL),
    (r"\b(?:url|link|uri)\b", _LINK),
    (r"\b(?:id|code|number|reference|sku|tracking)\b", _CODE),
    (r"\b(?:date|day|when|deadline)\b", _DATES),
    (r"\b(?:time|hour|when)\b", _TIMES),
    (r"\b(?:message|text|body|note|title|subject|task)\b", _MESSAGE),
    (r"\b(?:query|search|keyword|topic|term)\b", _QUERY),
)


def _bound(schema: JsonSchema, name: str, default: float) -> float:
    value = schema.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        max(-_LARGEST, min(float(value), _LARGEST)) if value is not None and is_number else default
    )

"""The grammar of filters, as a small recursive-descent parser.

either  = both { "|" both }
both    = not { not }
not     = "!" not | "(" either ")" | "~" regex "~" | quoted | word
word    = field ":" value | ("t" | "dt" | "size") operator number | "err" | text
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from inspector.analysis.column_terms import Compare, IsError, OriginIs, TurnIs, TypeIs
from inspector.analysis.terms import And, DirectionIn, Everything, Not, Or, Term
from inspector.analysis.text_terms import ID_KEYS, ContainsText, IdIs, Regex
from inspector.core.event import Direction, Origin
from inspector.errors import FilterError

MAX_DEPTH = 50
"""Nested brackets and exclamation marks: far more than anybody writes, far less than the stack."""

_FIELD = re.compile(r"([A-Za-z_]+):")
_COMPARISON = re.compile(r"(t|dt|size)(>=|<=|>|<|=)")
_WORD = re.compile(r'[^\s|()"]+')
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s|()"]*)', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_REGEX = re.compile(r"~((?:[^~\\]|\\.)*)~", re.DOTALL)
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)([A-Za-z]*)")

_TIME_UNITS = {"": 1_000_000, "s": 1_000_000, "ms": 1_000, "us": 1, "m": 60_000_000}
_SIZE_UNITS = {"": 1, "b": 1, "k": 1_000, "kb": 1_000, "m": 1_000_000, "mb": 1_000_000}
_FIELDS = ("type", "dir", "origin", "item", "resp", "call", "turn")

_Choice = TypeVar("_Choice", bound=StrEnum)


def parse_term(text: str) -> tuple[Term, tuple[Regex, ...]]:
    """Read a filter as a term, and say which regular expressions are in it.

    Raises:
        FilterError: where it does not parse.
    """
    parser = _Parser(text)
    return parser.parse(), tuple(parser.patterns)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self.patterns: list[Regex] = []

    def parse(self) -> Term:
        if not self._peek():
            return Everything()
        term = self._either()
        if self._peek():
            raise self._error(
                "a ) without its (", hint='put the text in quotes to search for it: ")"'
            )
        return term

    def _peek(self) -> str:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _error(self, message: str, *, at: int | None = None, hint: str = "") -> FilterError:
        return FilterError(message, position=self._at if at is None else at, hint=hint)

    def _either(self) -> Term:
        terms = [self._both()]
        while self._peek() == "|":
            self._at += 1
            terms.append(self._both())
        return terms[0] if len(terms) == 1 else Or(_flat(terms, Or))

    def _both(self) -> Term:
        terms: list[Term] = []
        while self._peek() not in ("", "|", ")"):
            terms.append(self._not())
        if not terms:
            raise self._error(
                "something to look for is missing here", hint="for example: err | ~timeout~"
            )
        return terms[0] if len(terms) == 1 else And(_flat(terms, And))

    def _not(self) -> Term:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error("too many brackets inside each other")
        try:
            match self._peek():
                case "!":
                    return self._negated()
                case "(":
                    return self._bracketed()
                case "~":
                    return self._regex()
                case '"':
                    return self._quoted()
                case _:
                    return self._word()
        finally:
            self._depth -= 1

    def _negated(self) -> Term:
        self._at += 1
        if self._peek() in ("", "|", ")"):
            raise self._error("nothing follows the !", hint="for example: !type:*.delta")
        return Not(self._not())

    def _bracketed(self) -> Term:
        start = self._at
        self._at += 1
        term = self._either()
        if self._peek() != ")":
            raise self._error("a ( without its )", at=start)
        self._at += 1
        return term

    def _regex(self) -> Term:
        start = self._at
        found = _REGEX.match(self._text, start)
        if found is None:
            raise self._error("a regular expression ends with ~", hint="for example: ~resp_[0-9]+~")
        term = Regex(found.group(1))
        try:
            term.check()
        except Exception as error:
            place = getattr(error, "pos", None) or 0
            raise self._error(f"not a regular expression: {error}", at=start + 1 + place) from error
        self._at = found.end()
        self.patterns.append(term)
        return term

    def _quoted(self) -> Term:
        found = _QUOTED.match(self._text, self._at)
        if found is None:
            raise self._error("the quotes are not closed", hint='write \\" for a quote inside')
        if not found.group(1):
            raise self._error("nothing between the quotes")
        self._at = found.end()
        return ContainsText(_unescape(found.group(1)))

    def _word(self) -> Term:
        comparison = _COMPARISON.match(self._text, self._at)
        if comparison is not None:
            return self._compare(comparison)
        field = _FIELD.match(self._text, self._at)
        if field is not None:
            return self._field(field)
        found = _WORD.match(self._text, self._at)
        word = found.group() if found is not None else self._text[self._at]
        self._at += len(word)
        return IsError() if word == "err" else ContainsText(word)

    def _field(self, found: re.Match[str]) -> Term:
        start, name = self._at, found.group(1)
        if name not in _FIELDS:
            fields = ", ".join(f"{field}:" for field in _FIELDS)
            raise self._error(
                f"there is no field {name}:",
                hint=f'fields are {fields}; to search for the text, quote it: "{name}:…"',
            )
        self._at = found.end()
        text = self._value(name)
        match name:
            case "type":
                return TypeIs(text)
            case "dir":
                names = dict.fromkeys(part for part in text.split(",") if part)
                return DirectionIn(tuple(self._choice(Direction, part, start) for part in names))
            case "origin":
                return OriginIs(self._choice(Origin, text, start))
            case "turn":
                if not (text.isascii() and text.isdigit() and len(text) < 10):
                    raise self._error(
                        f"{text!r} is not a turn number", at=start, hint="for example: turn:3"
                    )
                return TurnIs(int(text))
            case _:
                return IdIs(name, text)

    def _value(self, name: str) -> str:
        found = _VALUE.match(self._text, self._at)
        quoted, bare = found.groups() if found is not None else (None, "")
        text = _unescape(quoted) if quoted is not None else bare
        if not text.strip(","):
            examples = {"type": "response.*", "dir": "server", "origin": "hand", "turn": "3"}
            example = examples.get(name) or ID_KEYS[name][0] + "9aX"
            raise self._error(f"{name}: needs a value", hint=f"for example: {name}:{example}")
        self._at = found.end() if found is not None else self._at
        return text

    def _choice(self, choices: type[_Choice], text: str, at: int) -> _Choice:
        try:
            return choices(text)
        except ValueError:
            names = ", ".join(choices)
            raise self._error(f"{text!r} is none of {names}", at=at) from None

    def _compare(self, found: re.Match[str]) -> Term:
        field, operator = found.groups()
        start = self._at
        self._at = found.end()
        units = _SIZE_UNITS if field == "size" else _TIME_UNITS
        example = "4k" if field == "size" else "0.2 or 200ms"
        number = _NUMBER.match(self._text, self._at)
        end = _WORD.match(self._text, self._at)
        if number is None or end is None or number.end() != end.end():
            raise self._error(
                f"{field}{operator} needs a number",
                at=start,
                hint=f"for example: {field}{operator}{example}",
            )
        factor = units.get(number.group(2).lower())
        if factor is None:
            raise self._error(
                f"{number.group(2)!r} is no unit of {field}",
                at=number.start(2),
                hint=f"units: {', '.join(filter(None, units))}",
            )
        self._at = number.end()
        return Compare(field, operator, self._scaled(number.group(1), factor, start))

    def _scaled(self, digits: str, factor: int, at: int) -> int:
        try:
            bound = int(Decimal(digits) * factor)
        except (InvalidOperation, ValueError):
            bound = 1 << 62
        if bound >= 1 << 62:
            raise self._error("that number is too large", at=at)
        return bound


def _flat(terms: list[Term], kind: type[And | Or]) -> tuple[Term, ...]:
    flat: list[Term] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, kind) else (term,))
    return tuple(flat)


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)

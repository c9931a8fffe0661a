"""The words of the filter language, in one table: fields, comparisons and flags.

The parser, completion, error messages, help and the README's table are derived from ``WORDS``. A new word is one entry: its syntax
(``form``, ``read``), its meaning, ``test`` for one event and, if the log's columns are enough, ``mask`` for many rows at once.

Masks are computed from the numpy arrays of ``Columns``. This module does not import numpy, because screens without a filter do not
need it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any

from inspector.analysis.event_facts import Facts
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.terms import Need
from inspector.core.event import Direction, Origin
from inspector.core.event_keys import named_ids
from inspector.core.log import (
    DIRECTION_CODE,
    FLAG_ERROR,
    FLAG_UNDECODED,
    ORIGIN_CODE,
    reports_error,
)
from inspector.errors import FilterError
from inspector.spec.events import EVENT_TYPES

if TYPE_CHECKING:
    from inspector.analysis.columns import Columns
    from inspector.analysis.terms import Bounds, Mask

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
"""The comparison operators, which work on numbers and on arrays. Longer ones come first, because the parser takes the first match."""
TIME_UNITS = {"": 1_000_000, "s": 1_000_000, "ms": 1_000, "us": 1, "m": 60_000_000}
"""Units of time in microseconds."""
SIZE_UNITS = {"": 1, "b": 1, "k": 1_000, "kb": 1_000, "m": 1_000_000, "mb": 1_000_000}
"""Units of size in bytes."""

HELP_WIDTH = 42
"""The width of the column of meanings in help on a terminal of 80 columns."""

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)([A-Za-z]*)")
_LAST_WORD = re.compile(r'[^\s|()!"~]*\Z')
_LARGEST = 1 << 62  # numbers are compared with int64 columns


class Form(Enum):
    """The syntax of a word."""

    FLAG = "by itself: err"
    FIELD = "with a value: turn:3"
    COMPARISON = "with an operator and a number: size>4k"


@dataclass(frozen=True, slots=True)
class FilterWord:
    """A word of the filter language."""

    name: str
    form: Form
    example: str
    """A complete expression, for help and error messages."""
    means: str
    """The meaning for help, in at most ``HELP_WIDTH`` characters."""
    test: Callable[[Facts, Any], bool]
    """Returns True if an event matches the value that ``read`` returned."""
    read: Callable[[str], Any] = str
    """Parses the value; raises ``FilterError``, with the position in the value, if it is invalid."""
    mask: Callable[[Columns, Any], Mask] | None = None
    """Returns a new mask of the rows that match; None if the columns are not enough and the frame must be read."""
    choices: Callable[[], Iterable[str]] = tuple
    """Returns the values offered for completion."""
    needs: Need = Need.NOTHING
    """What it must know beside the event."""

    @property
    def prefix(self) -> str:
        """Return its name, with the colon if it is a field."""
        return f"{self.name}{':' if self.form is Form.FIELD else ''}"


@dataclass(frozen=True, slots=True)
class WordTerm:
    """A word with its value: a term of a filter."""

    word: FilterWord
    value: Any

    @property
    def needs(self) -> Need:
        """Return what the word must know beside the event."""
        return self.word.needs

    def test(self, facts: Facts) -> bool:
        """Return True if the event matches."""
        return self.word.test(facts, self.value)

    def bounds(self, columns: Columns) -> Bounds:
        """Return the rows that certainly match and those that may match; without a ``mask``, none and all."""
        if self.word.mask is None:
            return columns.none(), columns.all()
        mask = self.word.mask(columns, self.value)
        return mask, mask


# Values


@dataclass(frozen=True, slots=True)
class Bound:
    """An operator with the number to compare with."""

    holds: Callable[[Any, int], Any]
    """One of ``OPERATORS``."""
    number: int
    """Microseconds or bytes."""


def _quantity(units: Mapping[str, int]) -> Callable[[str], int]:
    def read(text: str) -> int:
        found = _NUMBER.fullmatch(text)
        if found is None:
            raise FilterError("a number is missing" if not text else f"{text!r} is not a number")
        factor = units.get(found[2].lower())
        if factor is None:
            raise FilterError(
                f"{found[2]!r} is not a unit",
                position=found.start(2),
                hint=f"units: {', '.join(filter(None, units))}",
            )
        try:
            number = int(Decimal(found[1]) * factor)
        except (InvalidOperation, ValueError):
            number = _LARGEST
        if number >= _LARGEST:
            raise FilterError("that number is too large")
        return number

    return read


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise FilterError(f"{text!r} is not a number")
    return int(text)


def _some_of(choices: type[StrEnum]) -> Callable[[str], frozenset[Any]]:
    def read(text: str) -> frozenset[Any]:
        parts = [part for part in text.split(",") if part]
        for part in parts:
            if part not in set(choices):
                raise FilterError(
                    f"{part!r} is not one of {', '.join(choices)}", position=text.find(part)
                )
        return frozenset(choices(part) for part in parts)

    return read


def _glob(text: str) -> Callable[[str], bool]:
    matches = _pattern(text)

    def fits(name: str) -> bool:
        known = EVENT_TYPES.get(name)
        return bool(matches(name)) or (known is not None and bool(matches(known.short)))

    return fits


def _pattern(text: str) -> Callable[[str], object]:
    """Return what is true of the texts that match a pattern with ``*`` and ``?``."""
    first, *middle = (
        "".join("." if char == "?" else re.escape(char) for char in part)
        for part in text.split("*")
    )
    # Atomic groups, so that each part keeps its first match. With backtracking, many stars on a long type take exponential time.
    last = f".*{middle.pop()}" if middle else ""
    pattern = first + "".join(f"(?>.*?{part})" for part in middle) + last
    return re.compile(pattern, re.DOTALL).fullmatch


def _rule_ids() -> tuple[str, ...]:
    # Here: the rules take 30 ms to import, which only a filter that names one need wait for.
    from inspector.analysis.lint.catalogue import RULES

    return tuple(rule.id for rule in RULES)


def _rules(text: str) -> Callable[[Finding], bool]:
    """Return whether a finding is of one of some rules, given by id or with ``*``."""
    ids = _rule_ids()
    wanted: set[str] = set()
    for part in filter(None, text.split(",")):
        fits = _pattern(part)
        found = [name for name in ids if fits(name)]
        if not found:
            from difflib import get_close_matches

            near = get_close_matches(part, ids, 3, 0.5)
            hint = f"did you mean {', '.join(near)}?" if near else ""
            raise FilterError(f"no rule is called {part!r}", position=text.find(part), hint=hint)
        wanted.update(found)
    return lambda finding: finding.rule in wanted


def _severities(text: str) -> Callable[[Finding], bool]:
    """Return whether a finding has one of some severities."""
    wanted = _some_of(Severity)(text)
    return lambda finding: finding.severity in wanted


# Tests with a form for columns


def _is_error(columns: Columns, _: object) -> Mask:
    """Return which rows report an error; the form of ``reports_error`` for columns."""
    is_sent = columns.direction == DIRECTION_CODE[Direction.CLIENT]
    undecoded = ((columns.flags & FLAG_UNDECODED) != 0) & ~is_sent
    mask: Mask = ((columns.flags & FLAG_ERROR) != 0) | undecoded
    return mask


def _among(columns: Columns, column: Any, codes: Iterable[int]) -> Mask:
    mask = columns.none()
    for code in codes:
        mask |= column == code
    return mask


def _id_word(name: str, keys: str, example: str, means: str) -> FilterWord:
    """Return a word that finds ids by their beginning, with or without the prefix ``NAME_``.

    Args:
        name: the name of the word, and the prefix of its ids before the underscore.
        keys: the JSON keys whose values are such ids, joined by ``|``.
        example: as in ``FilterWord``.
        means: as in ``FilterWord``.
    """

    def read(text: str) -> tuple[tuple[str, str], re.Pattern[bytes]]:
        wanted = re.escape(text.encode("utf-8", "replace"))
        pattern = rb'"(?:%b)"\s*:\s*"(?:%b_)?%b' % (keys.encode(), name.encode(), wanted)
        return (text, f"{name}_{text}"), re.compile(pattern)

    def test(facts: Facts, value: tuple[tuple[str, str], re.Pattern[bytes]]) -> bool:
        starts, pattern = value
        # The pattern finds all candidates without decoding, but ``id`` may belong to another kind of object, which only the
        # decoded event shows. An error contains ids within its message, where the pattern does not find them.
        if facts.type != "error" and pattern.search(facts.text) is None:
            return False
        found: frozenset[str] = getattr(named_ids(facts.event), name)
        return any(named.startswith(starts) for named in found)

    return FilterWord(name, Form.FIELD, example, means, test, read)


def _measure(
    name: str,
    example: str,
    means: str,
    units: Mapping[str, int],
    of: Callable[[Facts], int | None],
) -> FilterWord:
    """Return a word that compares the number of the same name in ``Columns.number``; an unknown number never matches."""

    def test(facts: Facts, bound: Bound) -> bool:
        number = of(facts)
        return number is not None and bool(bound.holds(number, bound.number))

    def mask(columns: Columns, bound: Bound) -> Mask:
        holds: Mask = bound.holds(columns.number(name), bound.number)
        return holds & columns.is_known(name)

    return FilterWord(name, Form.COMPARISON, example, means, test, _quantity(units), mask)


WORDS: Mapping[str, FilterWord] = {
    word.name: word
    for word in (
        FilterWord(
            "type",
            Form.FIELD,
            "type:response.*",
            "event type, with * and ?",
            lambda facts, fits: bool(fits(facts.type)),
            _glob,
            lambda columns, fits: columns.kind_in(columns.kinds.matching(fits)),
            choices=lambda: EVENT_TYPES,
        ),
        FilterWord(
            "dir",
            Form.FIELD,
            "dir:client,local",
            f"who sent it: {', '.join(Direction)}",
            lambda facts, directions: facts.direction in directions,
            _some_of(Direction),
            lambda columns, directions: _among(
                columns, columns.direction, (DIRECTION_CODE[one] for one in directions)
            ),
            choices=lambda: Direction,
        ),
        FilterWord(
            "origin",
            Form.FIELD,
            "origin:hand",
            "what made it: a button, a hand, a rule, …",
            lambda facts, origins: facts.origin in origins,
            _some_of(Origin),
            lambda columns, origins: _among(
                columns, columns.origin, (ORIGIN_CODE[one] for one in origins)
            ),
            choices=lambda: Origin,
        ),
        _id_word(
            "item",
            "item_id|previous_item_id|approval_request_id|id",
            "item:item_9aX",
            "all about an item, by how its id begins",
        ),
        _id_word("resp", "response_id|id", "resp:resp_9aX", "the same for a response"),
        _id_word("call", "call_id", "call:call_9aX", "the same for a function call"),
        FilterWord(
            "turn",
            Form.FIELD,
            "turn:3",
            "one turn",
            lambda facts, number: bool(facts.turn == number),
            _count,
            lambda columns, number: columns.turn == number,
            needs=Need.TURNS,
        ),
        FilterWord(
            "rule",
            Form.FIELD,
            "rule:tool-*",
            "events that prove a finding of a rule",
            lambda facts, found: any(map(found, facts.findings)),
            _rules,
            lambda columns, found: columns.proving(found),
            choices=_rule_ids,
            needs=Need.FINDINGS,
        ),
        FilterWord(
            "sev",
            Form.FIELD,
            "sev:error,warning",
            f"severity: {', '.join(Severity)}",
            lambda facts, found: any(map(found, facts.findings)),
            _severities,
            lambda columns, found: columns.proving(found),
            choices=lambda: Severity,
            needs=Need.FINDINGS,
        ),
        FilterWord(
            "err",
            Form.FLAG,
            "err",
            "failures, unreadable frames of the server",
            lambda facts, _: reports_error(facts.flags, facts.direction),
            mask=_is_error,
        ),
        _measure("t", "t>12.5", "time since the start, in s, ms, us or m", TIME_UNITS, lambda facts: facts.t_us),
        _measure("dt", "dt>200ms", "time since the previous event", TIME_UNITS, lambda facts: facts.dt_us),
        _measure("size", "size>4k", "bytes of the frame, or in k or M", SIZE_UNITS, lambda facts: facts.size),
    )
}  # fmt: skip
"""The words by name, in the order of help."""


@dataclass(frozen=True, slots=True)
class FilterUsage:
    """One line of help about the filter language."""

    examples: tuple[str, ...]
    means: str


_OF_TEXT = (
    FilterUsage(("weather", '"two words"'), "frames that contain it, in any case"),
    FilterUsage(("~reg.x~",), "frames that match it, in any case"),
)
_JOINED = (
    FilterUsage(("!x", "x y", "x | y", "( )"), "not, and, or, groups"),
)  # fmt: skip


def filter_usages() -> tuple[FilterUsage, ...]:
    """Return the lines of help about the whole language, for the help screen and the README."""
    words = (FilterUsage((word.example,), word.means) for word in WORDS.values())
    return (*_OF_TEXT, *words, *_JOINED)


def completed(text: str) -> str:
    """Return a filter with its last word completed; ``""`` if nothing can be completed."""
    if text.count('"') % 2 or text.count("~") % 2:
        return ""  # the cursor is within a quoted text or a regular expression
    found = _LAST_WORD.search(text)
    last = found.group() if found is not None else ""
    name, colon, value = last.partition(":")
    if colon:
        offered: Iterable[str] = WORDS[name].choices() if name in WORDS else ()
        last = value.rpartition(",")[2]
    else:
        offered = (word.prefix for word in WORDS.values())
    match = next((one for one in offered if last and one != last and one.startswith(last)), "")
    return text + match[len(last) :] if match else ""

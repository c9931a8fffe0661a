"""The filter language: one small grammar for panes, ``cat --filter`` and breakpoints.

    word  "two words"      substring of the frame, any case        ~regex~     regular expression, any case
    type:response.*        type, with * and ?                       dir:client  dir:server  dir:local
    item:ID resp:ID call:ID  id, or how it begins                    origin:hand
    err                    failures and undecoded frames            turn:3
    t>12.5  dt>0.2  size>4k  (t and dt in s, or 200ms; size with k, M)
    !x   x y (and)   x | y   ( )

A query is tested row by row. What only the columns decide is decided without reading the frame.
"""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from inspector.core.event import Direction, Event, Origin
from inspector.core.keys import EventKeys, keys_of
from inspector.core.kinds import kind_of
from inspector.core.log import FLAG_ERROR, FLAG_UNDECODED, ORIGINS, EventLog, flags_of
from inspector.errors import FilterError
from inspector.spec.events import EVENT_TYPES


class LogRow:
    """A row of a log; the frame is read only when a test needs it."""

    def __init__(self, log: EventLog, row: int, turn: Callable[[int], int]) -> None:
        self._log, self._row, self._turn = log, row, turn
        self.t_s = log.t_us[row] / 1e6
        self.dt_s = (log.t_us[row] - log.t_us[row - 1]) / 1e6 if row else 0.0
        self.size = log.size[row]
        self.direction = log.direction_of(row).value
        self.type = log.type_of(row)
        self.is_error = log.is_error(row)

    @property
    def origin(self) -> str:
        """Return what made the frame."""
        return ORIGINS[self._log.origin[self._row]].value

    @property
    def turn(self) -> int:
        """Return the turn's number."""
        return self._turn(self._row)

    @cached_property
    def text(self) -> str:
        """Return the frame's text, lower case."""
        return self._log.event(self._row).data.decode("utf-8", "replace").lower()

    @cached_property
    def keys(self) -> EventKeys:
        """Return the ids in the event."""
        return keys_of(self._log.event(self._row))


class EventRow:
    """A single event, for reading a recording front to back."""

    def __init__(self, event: Event, previous_t_ns: int | None = None, turn: int = 0) -> None:
        self._event = event
        self.t_s = event.t_ns / 1e9
        self.dt_s = 0.0 if previous_t_ns is None else (event.t_ns - previous_t_ns) / 1e9
        self.size = len(event.data)
        self.direction: str = event.direction.value
        self.origin: str = event.origin.value
        self.type = event.type
        self.turn = turn
        flags = flags_of(event, kind_of(event.type).flags)
        self.is_error = bool(flags & (FLAG_ERROR | FLAG_UNDECODED))

    @cached_property
    def text(self) -> str:
        """Return the frame's text, lower case."""
        return self._event.data.decode("utf-8", "replace").lower()

    @cached_property
    def keys(self) -> EventKeys:
        """Return the ids in the event."""
        return keys_of(self._event)


Row = LogRow | EventRow
Test = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Query:
    """A filter that parsed."""

    expression: str
    test: Test
    needs_frames: bool
    """True where it has to read frames, and not only columns."""

    def __bool__(self) -> bool:
        return bool(self.expression.strip())


_TOKEN = re.compile(
    r"""\s*(?:(?P<punct>[()|!])|~(?P<regex>(?:[^~\\]|\\.)*)~|"(?P<quoted>(?:[^"\\]|\\.)*)"|
    (?P<compare>(?:t|dt|size)(?:>=|<=|>|<|=)[^\s()|]+)|(?P<field>[a-z]+):(?P<value>"[^"]*"|[^\s()|]+)|(?P<word>[^\s()|!~"][^\s()|]*))""",
    re.VERBOSE,
)
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_UNITS = {"": 1.0, "s": 1.0, "ms": 0.001, "k": 1000.0, "m": 1e6}


def parse(expression: str) -> Query:
    """Read a filter; an empty one lets everything through.

    Raises:
        FilterError: it does not parse; tells where and what would.
    """
    parser = _Parser(expression)
    test = parser.parse()
    return Query(expression, test, parser.needs_frames)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._token: re.Match[str] | None = None
        self.needs_frames = False
        self._advance()

    def parse(self) -> Test:
        if self._token is None:
            return lambda _: True
        test = self._either()
        if self._token is not None:
            raise FilterError(
                f"unexpected {self._token.group().strip()!r}", position=self._token.start()
            )
        return test

    def _advance(self) -> None:
        rest = self._text[self._at :]
        if not rest.strip():
            self._token = None
            return
        self._token = _TOKEN.match(self._text, self._at)
        if self._token is None:
            what = rest.strip()[0]
            wanted = "a closing " + what if what in '"~' else "a filter term"
            raise FilterError(
                f"cannot read {rest.strip()[:20]!r}: {wanted} is missing", position=self._at
            )
        self._at = self._token.end()

    def _is(self, punct: str) -> bool:
        return self._token is not None and self._token.group("punct") == punct

    def _either(self) -> Test:
        tests = [self._both()]
        while self._is("|"):
            self._advance()
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else (lambda row: any(test(row) for test in tests))

    def _both(self) -> Test:
        tests = [self._one()]
        while self._token is not None and not self._is("|") and not self._is(")"):
            tests.append(self._one())
        # Cheap tests first: what the columns decide spares reading the frame.
        return tests[0] if len(tests) == 1 else (lambda row: all(test(row) for test in tests))

    def _one(self) -> Test:
        token = self._token
        if token is None:
            raise FilterError("something is missing at the end", position=len(self._text))
        if self._is("!"):
            self._advance()
            inner = self._one()
            return lambda row: not inner(row)
        if self._is("("):
            self._advance()
            inner = self._either()
            if not self._is(")"):
                raise FilterError("a closing ) is missing", position=len(self._text))
            self._advance()
            return inner
        if token.group("punct"):
            raise FilterError(
                f"{token.group('punct')!r} has nothing before it", position=token.start()
            )
        self._advance()
        return self._term(token)

    def _term(self, token: re.Match[str]) -> Test:
        if token.group("compare"):
            return _comparison(token.group("compare"), token.start())
        if token.group("field"):
            return self._field(token)
        if token.group("regex") is not None:
            self.needs_frames = True
            try:
                pattern = re.compile(token.group("regex"), re.IGNORECASE)
            except re.error as error:
                raise FilterError(
                    f"not a regular expression: {error}", position=token.start()
                ) from None
            return lambda row: pattern.search(row.text) is not None
        word = token.group("word")
        if word == "err":
            return lambda row: row.is_error
        self.needs_frames = True
        needle = (word if word is not None else _unquoted(token.group("quoted"))).lower()
        return lambda row: needle in row.text

    def _field(self, token: re.Match[str]) -> Test:
        name, value = token.group("field"), token.group("value").strip('"')
        make = _FIELDS.get(name)
        if make is None:
            known = " ".join(f"{field}:" for field in _FIELDS)
            raise FilterError(f"no field {name}:", position=token.start(), hint=f"fields: {known}")
        self.needs_frames |= name in ("item", "resp", "call")
        try:
            return make(value)
        except ValueError as error:
            raise FilterError(str(error), position=token.start()) from None


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _comparison(text: str, position: int) -> Test:
    found = re.fullmatch(
        r"(t|dt|size)(>=|<=|>|<|=)(\d+(?:\.\d+)?|\.\d+)(s|ms|k|m|kb|mb)?", text.lower()
    )
    if found is None:
        raise FilterError(
            f"cannot read {text!r}", position=position, hint="write t>12.5, dt>200ms or size>4k"
        )
    field, symbol, number, unit = found.groups()
    compare = _COMPARISONS[symbol]
    bound = float(number) * _UNITS[(unit or "").removesuffix("b")]
    read = _READERS[field]
    return lambda row: compare(read(row), bound)


def _t(row: Row) -> float:
    return row.t_s


def _dt(row: Row) -> float:
    return row.dt_s


def _size(row: Row) -> float:
    return row.size


_READERS: Mapping[str, Callable[[Row], float]] = {"t": _t, "dt": _dt, "size": _size}


def _type(value: str) -> Test:
    pattern = re.compile(fnmatch.translate(value))
    known: dict[str, bool] = {}

    def test(row: Row) -> bool:
        name = row.type
        found = known.get(name)
        if found is None:
            row_type = EVENT_TYPES.get(name)
            short = row_type.short if row_type is not None else name
            found = known[name] = bool(pattern.match(name) or pattern.match(short))
        return found

    return test


def _direction(value: str) -> Test:
    wanted = _one_of(value, [direction.value for direction in Direction], "direction")
    return lambda row: row.direction == wanted


def _origin(value: str) -> Test:
    wanted = _one_of(value, [origin.value for origin in Origin], "origin")
    return lambda row: row.origin == wanted


def _one_of(value: str, names: list[str], what: str) -> str:
    if value not in names:
        raise ValueError(f"no {what} {value!r}; there are {', '.join(names)}")
    return value


def _turn(value: str) -> Test:
    if not value.isdigit():
        raise ValueError(f"turn: takes a number, not {value!r}")
    number = int(value)
    return lambda row: row.turn == number


_FIELDS: Mapping[str, Callable[[str], Test]] = {
    "type": _type,
    "dir": _direction,
    "origin": _origin,
    "item": lambda value: lambda row: row.keys.item_id.startswith(value),
    "resp": lambda value: lambda row: row.keys.response_id.startswith(value),
    "call": lambda value: lambda row: row.keys.call_id.startswith(value),
    "turn": _turn,
}
EVERYTHING = parse("")

"""The terms of a filter that columns decide: type, origin, turn, errors, and numbers compared."""

# ruff: noqa: D102 - the protocol Term says what each method of a term does

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from inspector.analysis.event_facts import Facts
from inspector.analysis.terms import OfColumns
from inspector.core.event import Direction, Origin
from inspector.core.log import DIRECTION_CODE, FLAG_ERROR, FLAG_UNDECODED, ORIGIN_CODE
from inspector.spec.events import EVENT_TYPES

if TYPE_CHECKING:
    from inspector.analysis.columns import Columns
    from inspector.analysis.terms import Mask


@dataclass(frozen=True)
class TypeIs(OfColumns):
    """The event's type, or its short name, fits a glob of ``*`` and ``?``."""

    glob: str

    @cached_property
    def _fits(self) -> Callable[[str], re.Match[str] | None]:
        first, *middle = (
            "".join("." if char == "?" else re.escape(char) for char in part)
            for part in self.glob.split("*")
        )
        # Each part is taken where it first fits, for good: otherwise a long type and many stars would take for ever.
        last = f".*{middle.pop()}" if middle else ""
        pattern = first + "".join(f"(?>.*?{part})" for part in middle) + last
        return re.compile(pattern, re.DOTALL).fullmatch

    def fits(self, name: str) -> bool:
        known = EVENT_TYPES.get(name)
        return bool(self._fits(name)) or (known is not None and bool(self._fits(known.short)))

    def test(self, facts: Facts) -> bool:
        return self.fits(facts.type)

    def mask(self, columns: Columns) -> Mask:
        return columns.kind_in(columns.kinds.matching(self.fits))


@dataclass(frozen=True)
class OriginIs(OfColumns):
    """What made the frame come into being."""

    origin: Origin

    def test(self, facts: Facts) -> bool:
        return facts.origin == self.origin

    def mask(self, columns: Columns) -> Mask:
        mask: Mask = columns.origin == ORIGIN_CODE[self.origin]
        return mask


@dataclass(frozen=True)
class TurnIs(OfColumns):
    """The event belongs to a turn."""

    number: int

    @property
    def needs_turns(self) -> bool:
        return True

    def test(self, facts: Facts) -> bool:
        return facts.turn == self.number

    def mask(self, columns: Columns) -> Mask:
        mask: Mask = columns.turn == self.number
        return mask


@dataclass(frozen=True)
class IsError(OfColumns):
    """The event reports a failure, or could not be decoded and the client did not send it."""

    def test(self, facts: Facts) -> bool:
        return facts.is_error

    def mask(self, columns: Columns) -> Mask:
        # What ``reports_error`` says, for many rows.
        is_sent = columns.direction == DIRECTION_CODE[Direction.CLIENT]
        undecoded = ((columns.flags & FLAG_UNDECODED) != 0) & ~is_sent
        mask: Mask = ((columns.flags & FLAG_ERROR) != 0) | undecoded
        return mask


_OPERATORS: dict[str, str] = {">": "__gt__", ">=": "__ge__", "<": "__lt__", "<=": "__le__", "=": "__eq__"}  # fmt: skip


@dataclass(frozen=True)
class Compare(OfColumns):
    """A number of the event compared with a bound: ``t`` and ``dt`` in microseconds, ``size`` in bytes."""

    field: str
    operator: str
    bound: int

    def test(self, facts: Facts) -> bool:
        number = {"t": facts.t_us, "dt": facts.dt_us, "size": facts.size}[self.field]
        # A time that is not known is neither before nor after anything.
        return number is not None and bool(getattr(number, _OPERATORS[self.operator])(self.bound))

    def mask(self, columns: Columns) -> Mask:
        mask: Mask = getattr(columns.number(self.field), _OPERATORS[self.operator])(self.bound)
        return mask & columns.is_known(self.field)

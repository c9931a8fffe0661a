"""The terms of a filter: what each one asks of an event, one by one or by column.

``test`` answers for one event. ``bounds`` answers for many at once from columns alone, as two masks: rows that match for
sure, and rows that may. Where they differ, only reading the text can tell. A ``not`` swaps the two.
"""

# ruff: noqa: D102 - the protocol Term says what each method of a term does

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from inspector.analysis.facts import ERROR_FLAGS, Facts
from inspector.core.event import Direction, Origin
from inspector.core.log import DIRECTION_CODE, ORIGIN_CODE
from inspector.spec.events import EVENT_TYPES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inspector.analysis.columns import Columns

    Mask = NDArray[np.bool_]
    Bounds = tuple[Mask, Mask]


class Term(Protocol):
    """One node of a filter."""

    def test(self, facts: Facts) -> bool:
        """Tell whether the event matches."""
        ...

    def bounds(self, columns: Columns) -> Bounds:
        """Return which rows match for sure, and which may."""
        ...


class _OfColumns(ABC):
    """A term that columns alone decide."""

    def bounds(self, columns: Columns) -> Bounds:
        mask = self.mask(columns)
        return mask, mask

    @abstractmethod
    def mask(self, columns: Columns) -> Mask: ...


@dataclass(frozen=True)
class Everything(_OfColumns):
    """The empty filter."""

    def test(self, facts: Facts) -> bool:  # noqa: ARG002
        return True

    def mask(self, columns: Columns) -> Mask:
        return columns.all()


@dataclass(frozen=True)
class TypeIs(_OfColumns):
    """The event's type, or its short name, fits a glob of ``*`` and ``?``."""

    glob: str

    @cached_property
    def _fits(self) -> Callable[[str], re.Match[str] | None]:
        parts = {"*": ".*", "?": "."}
        pattern = "".join(parts.get(char) or re.escape(char) for char in self.glob)
        return re.compile(pattern, re.DOTALL).fullmatch

    def fits(self, name: str) -> bool:
        known = EVENT_TYPES.get(name)
        return bool(self._fits(name)) or (known is not None and bool(self._fits(known.short)))

    def test(self, facts: Facts) -> bool:
        return self.fits(facts.type)

    def mask(self, columns: Columns) -> Mask:
        return columns.kind_in(columns.kinds.matching(self.fits))


@dataclass(frozen=True)
class DirectionIn(_OfColumns):
    """The event went one of these ways."""

    directions: tuple[Direction, ...]

    def test(self, facts: Facts) -> bool:
        return facts.direction in self.directions

    def mask(self, columns: Columns) -> Mask:
        mask = columns.none()
        for direction in self.directions:
            mask |= columns.direction == DIRECTION_CODE[direction]
        return mask


@dataclass(frozen=True)
class OriginIs(_OfColumns):
    """What made the frame come into being."""

    origin: Origin

    def test(self, facts: Facts) -> bool:
        return facts.origin == self.origin

    def mask(self, columns: Columns) -> Mask:
        mask: Mask = columns.origin == ORIGIN_CODE[self.origin]
        return mask


@dataclass(frozen=True)
class TurnIs(_OfColumns):
    """The event belongs to a turn."""

    number: int

    def test(self, facts: Facts) -> bool:
        return facts.turn == self.number

    def mask(self, columns: Columns) -> Mask:
        mask: Mask = columns.turn == self.number
        return mask


@dataclass(frozen=True)
class IsError(_OfColumns):
    """The event reports a failure, or could not be decoded."""

    def test(self, facts: Facts) -> bool:
        return facts.is_error

    def mask(self, columns: Columns) -> Mask:
        mask: Mask = (columns.flags & ERROR_FLAGS) != 0
        return mask


_OPERATORS: dict[str, str] = {">": "__gt__", ">=": "__ge__", "<": "__lt__", "<=": "__le__", "=": "__eq__"}  # fmt: skip


@dataclass(frozen=True)
class Compare(_OfColumns):
    """A number of the event compared with a bound: ``t`` and ``dt`` in microseconds, ``size`` in bytes."""

    field: str
    operator: str
    bound: int

    def test(self, facts: Facts) -> bool:
        number = {"t": facts.t_us, "dt": facts.dt_us, "size": facts.size}[self.field]
        return bool(getattr(number, _OPERATORS[self.operator])(self.bound))

    def mask(self, columns: Columns) -> Mask:
        mask: Mask = getattr(columns.number(self.field), _OPERATORS[self.operator])(self.bound)
        return mask


@dataclass(frozen=True)
class Not:
    """The event does not match a term."""

    term: Term

    def test(self, facts: Facts) -> bool:
        return not self.term.test(facts)

    def bounds(self, columns: Columns) -> Bounds:
        sure, maybe = self.term.bounds(columns)
        return ~maybe, ~sure


@dataclass(frozen=True)
class And:
    """The event matches every term."""

    terms: tuple[Term, ...]

    def test(self, facts: Facts) -> bool:
        return all(term.test(facts) for term in self.terms)

    def bounds(self, columns: Columns) -> Bounds:
        sure, maybe = self.terms[0].bounds(columns)
        for term in self.terms[1:]:
            other_sure, other_maybe = term.bounds(columns)
            sure, maybe = sure & other_sure, maybe & other_maybe
        return sure, maybe


@dataclass(frozen=True)
class Or:
    """The event matches one of the terms."""

    terms: tuple[Term, ...]

    def test(self, facts: Facts) -> bool:
        return any(term.test(facts) for term in self.terms)

    def bounds(self, columns: Columns) -> Bounds:
        sure, maybe = self.terms[0].bounds(columns)
        for term in self.terms[1:]:
            other_sure, other_maybe = term.bounds(columns)
            sure, maybe = sure | other_sure, maybe | other_maybe
        return sure, maybe


def needs_turns(term: Term) -> bool:
    """Tell whether a filter asks for the turn, which costs an index."""
    if isinstance(term, Not):
        return needs_turns(term.term)
    if isinstance(term, And | Or):
        return any(needs_turns(part) for part in term.terms)
    return isinstance(term, TurnIs)

"""The interface of a filter term, and the terms that combine others. The conditions are in ``filter_words`` and ``text_terms``.

``test`` evaluates a term for one event. ``bounds`` evaluates it for many rows by their columns and returns two masks: rows that
certainly match, and rows that may match. Rows that are only in the second must be read. ``Not`` swaps and inverts the two.
"""

# ruff: noqa: D102 - the protocol Term documents the methods of all terms

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Flag, auto
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Protocol

from inspector.analysis.event_facts import Facts
from inspector.core.event import Direction
from inspector.core.log import DIRECTION_CODE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inspector.analysis.columns import Columns

    Mask = NDArray[np.bool_]
    Bounds = tuple[Mask, Mask]


class Need(Flag):
    """What a term must know of an event beside the event itself."""

    NOTHING = 0
    TURNS = auto()
    """The number of its turn, which requires an index of the log."""
    FINDINGS = auto()
    """The findings that it proves, which requires the rules to have judged the log."""


class Term(Protocol):
    """One node of a filter."""

    @property
    def needs(self) -> Need:
        """Return what it needs to know beside the event."""
        ...

    def test(self, facts: Facts) -> bool:
        """Return True if the event matches."""
        ...

    def bounds(self, columns: Columns) -> Bounds:
        """Return the rows that certainly match, and the rows that may match."""
        ...


class OfColumns(ABC):
    """A term that the columns are enough to decide."""

    @property
    def needs(self) -> Need:
        return Need.NOTHING

    def bounds(self, columns: Columns) -> Bounds:
        mask = self.mask(columns)
        return mask, mask

    @abstractmethod
    def mask(self, columns: Columns) -> Mask: ...


@dataclass(frozen=True)
class Everything(OfColumns):
    """The empty filter, which every event matches."""

    def test(self, facts: Facts) -> bool:  # noqa: ARG002
        return True

    def mask(self, columns: Columns) -> Mask:
        return columns.all()


@dataclass(frozen=True)
class DirectionIn(OfColumns):
    """The event has one of these directions."""

    directions: tuple[Direction, ...]

    def test(self, facts: Facts) -> bool:
        return facts.direction in self.directions

    def mask(self, columns: Columns) -> Mask:
        mask = columns.none()
        for direction in self.directions:
            mask |= columns.direction == DIRECTION_CODE[direction]
        return mask


@dataclass(frozen=True)
class Not:
    """The event does not match a term."""

    term: Term

    @property
    def needs(self) -> Need:
        return self.term.needs

    def test(self, facts: Facts) -> bool:
        return not self.term.test(facts)

    def bounds(self, columns: Columns) -> Bounds:
        sure, maybe = self.term.bounds(columns)
        return ~maybe, ~sure


@dataclass(frozen=True)
class And:
    """The event matches every term."""

    terms: tuple[Term, ...]

    @property
    def needs(self) -> Need:
        return reduce(or_, (term.needs for term in self.terms))

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
    """The event matches at least one of the terms."""

    terms: tuple[Term, ...]

    @property
    def needs(self) -> Need:
        return reduce(or_, (term.needs for term in self.terms))

    def test(self, facts: Facts) -> bool:
        return any(term.test(facts) for term in self.terms)

    def bounds(self, columns: Columns) -> Bounds:
        sure, maybe = self.terms[0].bounds(columns)
        for term in self.terms[1:]:
            other_sure, other_maybe = term.bounds(columns)
            sure, maybe = sure | other_sure, maybe | other_maybe
        return sure, maybe

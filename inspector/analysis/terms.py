"""What every term of a filter can do, and those that join others; ``column_terms`` and ``text_terms`` ask of an event itself.

``test`` answers for one event. ``bounds`` answers for many at once from columns alone, as two masks: rows that match for
sure, and rows that may. Where they differ, only reading the text can tell. A ``not`` swaps the two.
"""

# ruff: noqa: D102 - the protocol Term says what each method of a term does

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
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


class Term(Protocol):
    """One node of a filter."""

    @property
    def needs_turns(self) -> bool:
        """Tell whether it asks for the turn, which costs an index."""
        ...

    def test(self, facts: Facts) -> bool:
        """Tell whether the event matches."""
        ...

    def bounds(self, columns: Columns) -> Bounds:
        """Return which rows match for sure, and which may."""
        ...


class OfColumns(ABC):
    """A term that columns alone decide."""

    @property
    def needs_turns(self) -> bool:
        return False

    def bounds(self, columns: Columns) -> Bounds:
        mask = self.mask(columns)
        return mask, mask

    @abstractmethod
    def mask(self, columns: Columns) -> Mask: ...


@dataclass(frozen=True)
class Everything(OfColumns):
    """The empty filter."""

    def test(self, facts: Facts) -> bool:  # noqa: ARG002
        return True

    def mask(self, columns: Columns) -> Mask:
        return columns.all()


@dataclass(frozen=True)
class DirectionIn(OfColumns):
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
class Not:
    """The event does not match a term."""

    term: Term

    @property
    def needs_turns(self) -> bool:
        return self.term.needs_turns

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
    def needs_turns(self) -> bool:
        return any(term.needs_turns for term in self.terms)

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

    @property
    def needs_turns(self) -> bool:
        return any(term.needs_turns for term in self.terms)

    def test(self, facts: Facts) -> bool:
        return any(term.test(facts) for term in self.terms)

    def bounds(self, columns: Columns) -> Bounds:
        sure, maybe = self.terms[0].bounds(columns)
        for term in self.terms[1:]:
            other_sure, other_maybe = term.bounds(columns)
            sure, maybe = sure | other_sure, maybe | other_maybe
        return sure, maybe

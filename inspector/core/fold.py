"""The seam of every fold: pure state built by ``apply(event)``, in log order; and how copies of one share their records."""

from __future__ import annotations

import copy
from typing import Protocol, Self, TypeVar

from inspector.core.event import Event


class Fold(Protocol):
    """State that is a function of the events seen so far, and of nothing else."""

    name: str
    """Stable name, shown when the fold fails and is switched off."""

    def apply(self, event: Event) -> None:
        """Take one event in. Must not raise on hostile bodies; tests run strict."""
        ...

    def copy(self) -> Self:
        """Return an independent copy; cheap: what does not change later is shared."""
        ...


class Owned(Protocol):
    """A record that copies of a fold share until one of them changes it."""

    owner: object
    """The fold that may change it; others clone it first."""


Record = TypeVar("Record", bound=Owned)


def owned(records: dict[str, Record], at: str, owner: object) -> Record:
    """Return a record for changing: cloned, and put in the place of the other, where a copy of the fold shares it."""
    record = records[at]
    if record.owner is not owner:
        record = records[at] = copy.copy(record)
        record.owner = owner
    return record

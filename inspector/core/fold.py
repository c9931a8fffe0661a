"""The Fold protocol (pure state built by applying events in log order), and copy-on-write for the records of a fold."""

from __future__ import annotations

import copy
from typing import Protocol, Self, TypeVar

from inspector.core.event import Event


class Fold(Protocol):
    """State that depends on nothing but the events applied so far."""

    name: str
    """Stable name, shown when the fold fails and is switched off."""

    def apply(self, event: Event) -> None:
        """Take one event in. Must not raise on hostile bodies; tests run strict."""
        ...

    def copy(self) -> Self:
        """Return an independent copy. It must be cheap, because replays keep many: share what does not change later."""
        ...


class Owned(Protocol):
    """A record that copies of a fold share until one of them changes it (copy on write)."""

    owner: object
    """Token of the fold that may change the record in place; any other fold clones it first."""


Record = TypeVar("Record", bound=Owned)


def owned(records: dict[str, Record], key: str, owner: object) -> Record:
    """Return a record that ``owner`` may change; if a copy of the fold shares it, replace it with a clone first.

    The clone is shallow: the caller must also copy lists in the record before changing them.
    """
    record = records[key]
    if record.owner is not owner:
        record = records[key] = copy.copy(record)
        record.owner = owner
    return record

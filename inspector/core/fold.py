"""The seam of every fold: pure state built by ``apply(event)``, in log order."""

from __future__ import annotations

from typing import Protocol

from inspector.core.event import Event


class Fold(Protocol):
    """State that is a function of the events seen so far, and of nothing else."""

    name: str
    """Stable name, shown when the fold fails and is switched off."""

    def apply(self, event: Event) -> None:
        """Take one event in. Must not raise on hostile bodies; tests run strict."""
        ...

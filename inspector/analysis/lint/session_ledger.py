"""SessionLedger: the priced records of a log, worked out once for all rules that ask about cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from inspector.analysis.ledger import CostLedger, LedgerLine, UnheardCost
from inspector.analysis.prices import shipped_prices
from inspector.core.state import SessionState

NewLedger = Callable[[], CostLedger]
"""Returns an empty ledger, which knows the prices."""


def at_list_prices() -> CostLedger:
    """Return an empty ledger at the prices that come with the program."""
    return CostLedger(shipped_prices(), None)


class SessionLedger:
    """What the current session was billed. Follows the state that it is asked with; prices are read when first asked for."""

    def __init__(self, new_ledger: NewLedger) -> None:
        self.new_ledger = new_ledger
        self._made: CostLedger | None = None

    @property
    def _ledger(self) -> CostLedger:
        if self._made is None:
            self._made = self.new_ledger()
        return self._made

    def lines(self, state: SessionState) -> list[LedgerLine]:
        """Return the priced records of the current session."""
        self._ledger.update(state.usage)
        number = state.usage.session_number
        return [line for line in self._ledger.lines if line.record.source.session == number]

    def unheard(self, state: SessionState) -> Sequence[UnheardCost]:
        """Return the current session's audio that was cut off before it was played."""
        mine = {line.record.seq for line in self.lines(state)}
        return [one for one in self._ledger.unheard(state.usage.cut_sounds()) if one.seq in mine]

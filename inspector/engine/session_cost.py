"""SessionCost: what a session cost by now, worked out beside it in slices; nothing is loaded before something was billed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from inspector.core.state import SessionState
from inspector.recording.format import Header

if TYPE_CHECKING:
    from inspector.analysis.ledger import CostLedger, CostSummary, TurnOf
    from inspector.analysis.prices import PriceTable

AT_ONCE = 40
"""Records that are priced in one step: 5 ms."""
REST_STEPS = 20
"""A summary reads all records: so many of them make it wait for one more step until the next summary."""


def ledger_of(header: Header) -> CostLedger:
    """Return an empty ledger for a session, at the prices in force here; what that needs is loaded with the first call."""
    from inspector.price_file import ledger_here

    return ledger_here(header)


class SessionCost:
    """The ledger of one session, live or under a cursor."""

    def __init__(
        self,
        header: Header,
        read_prices: Callable[[], PriceTable] | None = None,
    ) -> None:
        """Begin.

        Args:
            header: header of the recording, with the date, and the model if no event names one.
            read_prices: returns the table of prices; None for the user's own over those of the program.
        """
        self._header = header
        self._read_prices = read_prices
        self.ledger: CostLedger | None = None
        """None while nothing has been billed."""
        self.problem = ""
        """Why the user's own prices do not hold; ``""`` where they do."""
        self.revision = 0
        """Grows with every change of the ledger."""
        self._summary: CostSummary | None = None
        self._summed: tuple[tuple[int, int], SessionState | None] = ((0, 0), None)
        """The revisions and the state of that summary."""
        self._rest = 0

    def step(self, state: SessionState) -> bool:
        """Follow a state by some records; return True if anything changed."""
        self._rest = max(0, self._rest - 1)
        if self.ledger is None:
            if not len(state.usage.records):
                return False
            self.ledger = self._new_ledger()
        is_changed = self.ledger.update(state.usage, AT_ONCE)
        self.revision += is_changed
        return is_changed

    def is_behind(self, state: SessionState) -> bool:
        """Return True if there are records that have not been priced."""
        priced = 0 if self.ledger is None else len(self.ledger)
        return priced != len(state.usage.records)

    def summary(self, state: SessionState) -> CostSummary | None:
        """Return what there is to say; None while nothing has been billed, or not all is priced.

        It is worked out again only after a rest that grows with the records, so that no screen spends its time on it.
        """
        if self.ledger is None or not len(self.ledger):
            self._summary, self._summed = None, ((0, 0), None)
            return None
        # An answer that is cut off after its end was billed already; only its turn shows it.
        revisions, summed = (self.revision, state.turns.revision), self._summed
        is_old = revisions != summed[0] or state is not summed[1]
        if is_old and (not self._rest or self._summary is None):
            if self.is_behind(state):
                return self._summary
            self._summary = self.ledger.summary(state.usage, self.turn_of(state))
            self._summed = revisions, state
            self._rest = len(self.ledger) // REST_STEPS
        return self._summary

    def turn_of(self, state: SessionState) -> TurnOf | None:
        """Return a function that finds a record's turn; None if the turns are unknown."""
        from inspector.analysis.ledger import turns_by_id

        turns = state.turns.all
        if not turns:
            return None
        responses = {answer.response_id: turn.number for turn in turns for answer in turn.answers}
        items = {item_id: turn.number for turn in turns for item_id in turn.item_ids}
        return turns_by_id(responses, items)

    def unit(self, state: SessionState) -> str:
        """Return what the groups of a summary are: ``turn``, or ``response`` if the turns are unknown."""
        return "turn" if state.turns.all else "response"

    @property
    def text(self) -> str:
        """Return the cost for a header; ``""`` if unknown."""
        from inspector.analysis.cost_words import short_money

        return "" if self.ledger is None else short_money(self.ledger.total)

    @property
    def context_text(self) -> str:
        """Return how full the context is, for a header; ``""`` where nothing is known."""
        from inspector.analysis.cost_words import context_text

        return "" if self.ledger is None else context_text(self.ledger.context)

    def _told(self, problem: str) -> None:
        self.problem = problem

    def _new_ledger(self) -> CostLedger:
        from inspector.analysis.ledger import CostLedger
        from inspector.price_file import prices_here

        prices = prices_here(self._told) if self._read_prices is None else self._read_prices()
        return CostLedger(prices, self._header.day, model=self._header.model)

"""FilterLine: the input line for filters and searches, with the error in an incomplete expression."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from inspector.analysis.query import EVERYTHING, Query, parse
from inspector.errors import FilterError
from inspector.tui.common.completing_input import CompletingInput


def filter_completions(text: str) -> Sequence[str]:
    """Return a filter with its last word completed; empty if it cannot be completed."""
    from inspector.analysis.filter_words import completed  # which only a filter needs

    whole = completed(text)
    return [whole] if whole else []


class FilterSuggester(Suggester):
    """Offers the rest of the filter word that is being typed."""

    def __init__(self) -> None:
        super().__init__(case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the line completed; None where nothing fits."""
        return next(iter(filter_completions(value)), None)


class FilterLine(CompletingInput):
    """Input for a filter, applied while typing, or a search, started with enter. Visible with the class ``shown``."""

    class FilterTyped(Message):
        """The line contains another valid filter."""

        def __init__(self, query: Query) -> None:
            super().__init__()
            self.query = query

    class SearchGiven(Message):
        """A search was entered."""

        def __init__(self, query: Query) -> None:
            super().__init__()
            self.query = query

    class Closed(Message):
        """The line was closed."""

    def __init__(self) -> None:
        super().__init__(filter_completions, id="filter")
        self.suggester = FilterSuggester()
        self.problem = ""
        """Error in the expression; the last valid one stays applied."""
        self._is_filtering = True
        self._before = EVERYTHING

    def open(self, *, is_filtering: bool, text: str, keys: tuple[str, str] = ("n", "N")) -> None:
        """Show the line for a filter, or for a search with the keys for the next and previous match."""
        self._is_filtering = is_filtering
        self._before = parse(text)
        self.problem = ""
        self.placeholder = (
            "filter (hides the rest)"
            if is_filtering
            else f"find ({keys[0]} next, {keys[1]} previous)"
        )
        self.reset(text)
        self.add_class("shown")
        self.focus()

    def cancel(self) -> None:
        """Hide the line and restore the previous filter."""
        if self._is_filtering:
            self.post_message(self.FilterTyped(self._before))
        self.close()

    def close(self) -> None:
        """Hide the line."""
        self.problem = ""
        self.remove_class("shown")
        self.post_message(self.Closed())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        # ``close`` and the workspace also change the text while the line is hidden.
        if not self.has_class("shown"):
            return
        query = self._parsed(event.value)
        if query is not None and self._is_filtering:
            self.post_message(self.FilterTyped(query))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        query = self._parsed(event.value)
        if query is None:
            return
        self.remember(event.value.strip())
        if self._is_filtering:
            self.post_message(self.FilterTyped(query))
        elif query:
            self.post_message(self.SearchGiven(query))
        self.close()

    def _parsed(self, text: str) -> Query | None:
        """Return the query of an expression; None if it is invalid, with the reason in ``problem``."""
        try:
            query = parse(text) if text.strip() else EVERYTHING
        except FilterError as error:
            self.problem = f"{error.message}{' — ' + error.hint if error.hint else ''}"
            return None
        self.problem = ""
        return query

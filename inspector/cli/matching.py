"""The filter language of the panes, for a recording read front to back."""

from __future__ import annotations

from collections.abc import Callable

from inspector.core.event import Event


def matcher(expression: str) -> Callable[[Event], bool]:
    """Return the test of a filter, to be called with every event in order; ``""`` lets every event through.

    Raises:
        FilterError: it does not parse.
    """
    if not expression.strip():
        return lambda _: True
    from inspector.analysis.query import EventRow, parse
    from inspector.analysis.turns import TurnCounter

    query = parse(expression)
    turns = TurnCounter()
    previous_t_ns: int | None = None

    def matches(event: Event) -> bool:
        nonlocal previous_t_ns
        row = EventRow(event, previous_t_ns, turns.feed(event))
        previous_t_ns = event.t_ns
        return query.test(row)

    return matches

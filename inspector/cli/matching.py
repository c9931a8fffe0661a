"""The filter language of the panes, for a recording read front to back."""

from __future__ import annotations

from collections.abc import Callable

from inspector.core.event import Event


def matcher(expression: str) -> Callable[[Event], bool]:
    """Return the test of a filter; ``""`` lets every event through.

    Raises:
        FilterError: it does not parse.
    """
    if not expression.strip():
        return lambda _: True
    from inspector.analysis.query import parse

    return parse(expression).matches

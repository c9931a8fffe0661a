"""PrintedRow: formats one event as one line of text."""

from __future__ import annotations

from inspector.analysis.event_facts import is_failure
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import summary, untyped_name
from inspector.core.event import Direction, Event
from inspector.core.interventions import InterventionsFold
from inspector.core.session_fold import SessionFold

TYPE_WIDTH = 44
"""Enough for nearly every event type; longer ones shift the summary to the right."""
ARROWS = {Direction.CLIENT: "→", Direction.SERVER: "←", Direction.LOCAL: "·"}
"""The sign of who sent an event."""
_CHANGED_ARROWS = {Direction.CLIENT: "⇢", Direction.SERVER: "⇠"}
"""Arrows for frames that the proxy injected or changed."""
_COLOURS = {Direction.CLIENT: "36", Direction.SERVER: "32", Direction.LOCAL: "2"}
_ERROR_COLOUR = "31"


class PrintedRow:
    """Formats the events of one session; tracks its audio formats, to show bytes as milliseconds."""

    def __init__(self, *, colour: bool = False) -> None:
        """Create the formatter.

        Args:
            colour: colour lines by direction and errors.
        """
        self._colour = colour
        self._session = SessionFold()
        self._interventions = InterventionsFold()

    def see(self, event: Event) -> None:
        """Take in an event of the session; call it for every event, printed or not."""
        self._session.apply(event)
        self._interventions.apply(event)

    def line(self, event: Event, previous: Event | None, remark: str = "") -> str:
        """Return the line of an event: time, time since the previous line, direction, type and summary.

        Args:
            event: the event.
            previous: the event of the previous line; None for the first, whose time is relative to the start.
            remark: text before the summary.
        """
        session = self._session
        is_sent = event.direction is Direction.CLIENT
        audio = session.input_format if is_sent else session.output_format
        name = sanitized(event.type) or untyped_name(event)
        mark = "!" if is_failure(event) else " "
        change = self._interventions.of.get(event.seq)
        arrow = (_CHANGED_ARROWS if change is not None else ARROWS)[event.direction]
        words = summary(event, audio) if change is None else f"{change}  {summary(event, audio)}"
        line = (
            f"{_times(event, previous)} {mark}{arrow} {name:<{TYPE_WIDTH}} "
            f"{remark}{'  ' * bool(remark)}{sanitized(words)}"
        ).rstrip()
        if not self._colour:
            return line
        whose = event.direction if change is None else Direction.LOCAL
        code = _ERROR_COLOUR if mark == "!" else _COLOURS[whose]
        return f"\x1b[{code}m{line}\x1b[0m"


def _times(event: Event, previous: Event | None) -> str:
    """Return the time columns; without a time, the event's number and no time difference."""
    if event.t_ns is None:
        return f"{f'#{event.seq}':>10} {'':8}"
    previous_t_ns = 0 if previous is None else previous.t_ns
    delta = "" if previous_t_ns is None else f"{(event.t_ns - previous_t_ns) / 1e9:+8.3f}"
    return f"{event.t_ns / 1e9:10.3f} {delta:8}"

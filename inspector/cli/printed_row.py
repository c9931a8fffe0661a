"""One event as one line of text, for people reading a terminal or a pipe."""

from __future__ import annotations

from inspector.analysis.event_facts import is_failure
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import summary, untyped_name
from inspector.core.event import Direction, Event
from inspector.core.interventions import InterventionsFold
from inspector.core.session_fold import SessionFold

TYPE_WIDTH = 44
"""Fits nearly every type of the API; longer ones push the summary to the right."""
_ARROWS = {Direction.CLIENT: "→", Direction.SERVER: "←", Direction.LOCAL: "·"}
_MADE = {Direction.CLIENT: "⇢", Direction.SERVER: "⇠"}
"""In the arrow's place for a frame that the proxy made or changed."""
_COLOURS = {Direction.CLIENT: "36", Direction.SERVER: "32", Direction.LOCAL: "2"}
_ERROR_COLOUR = "31"


class PrintedRow:
    """Writes the events of one session as lines; knows its audio formats, so that bytes become milliseconds."""

    def __init__(self, *, colour: bool = False) -> None:
        """Begin.

        Args:
            colour: mark direction and errors by colour too.
        """
        self._colour = colour
        self._session = SessionFold()
        self._interventions = InterventionsFold()

    def see(self, event: Event) -> None:
        """Take in an event of the session, whether or not it becomes a line."""
        self._session.apply(event)
        self._interventions.apply(event)

    def line(self, event: Event, previous: Event | None, remark: str = "") -> str:
        """Return time, distance from the event before, direction, type and summary, in columns.

        Args:
            event: what happened.
            previous: the event of the line before; None for the first, which is measured from the start.
            remark: stands before the summary.
        """
        session = self._session
        is_sent = event.direction is Direction.CLIENT
        audio = session.input_format if is_sent else session.output_format
        name = sanitized(event.type) or untyped_name(event)
        mark = "!" if is_failure(event) else " "
        made = self._interventions.of.get(event.seq)
        arrow = (_MADE if made is not None else _ARROWS)[event.direction]
        words = summary(event, audio) if made is None else f"{made}  {summary(event, audio)}"
        line = (
            f"{_times(event, previous)} {mark}{arrow} {name:<{TYPE_WIDTH}} "
            f"{remark}{'  ' * bool(remark)}{sanitized(words)}"
        ).rstrip()
        if not self._colour:
            return line
        whose = event.direction if made is None else Direction.LOCAL
        code = _ERROR_COLOUR if mark == "!" else _COLOURS[whose]
        return f"\x1b[{code}m{line}\x1b[0m"


def _times(event: Event, previous: Event | None) -> str:
    """Return the columns of time: an event's number where nothing says when it happened, and no distance from or to it."""
    if event.t_ns is None:
        return f"{f'#{event.seq}':>10} {'':8}"
    previous_t_ns = 0 if previous is None else previous.t_ns
    delta = "" if previous_t_ns is None else f"{(event.t_ns - previous_t_ns) / 1e9:+8.3f}"
    return f"{event.t_ns / 1e9:10.3f} {delta:8}"

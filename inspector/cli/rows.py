"""One event as one line of text, for people reading a terminal or a pipe."""

from __future__ import annotations

from inspector.analysis.facts import is_failure
from inspector.analysis.inert import inert
from inspector.analysis.summary import summary, untyped_name
from inspector.core.event import Direction, Event
from inspector.core.session import SessionFold

TYPE_WIDTH = 44
"""Fits nearly every type of the API; longer ones push the summary to the right."""
_ARROWS = {Direction.CLIENT: "→", Direction.SERVER: "←", Direction.LOCAL: "·"}
_COLOURS = {Direction.CLIENT: "36", Direction.SERVER: "32", Direction.LOCAL: "2"}
_ERROR_COLOUR = "31"


class RowText:
    """Writes the events of one session as lines; knows its audio formats, so that bytes become milliseconds."""

    def __init__(self, *, colour: bool = False) -> None:
        """Begin.

        Args:
            colour: mark direction and errors by colour too.
        """
        self._colour = colour
        self._session = SessionFold()

    def see(self, event: Event) -> None:
        """Take in an event of the session, whether or not it becomes a line."""
        self._session.apply(event)

    def line(self, event: Event, previous_t_ns: int, remark: str = "") -> str:
        """Return time, distance from the event before, direction, type and summary, in columns.

        Args:
            event: what happened.
            previous_t_ns: the time of the event before it, in nanoseconds since the start.
            remark: stands before the summary.
        """
        session = self._session
        is_sent = event.direction is Direction.CLIENT
        audio = session.input_format if is_sent else session.output_format
        delta_s = (event.t_ns - previous_t_ns) / 1e9
        name = inert(event.type) or untyped_name(event)
        mark = "!" if is_failure(event) else " "
        line = (
            f"{event.t_ns / 1e9:10.3f} {delta_s:+8.3f} {mark}{_ARROWS[event.direction]} "
            f"{name:<{TYPE_WIDTH}} {remark}{'  ' * bool(remark)}{summary(event, audio)}"
        ).rstrip()
        if not self._colour:
            return line
        code = _ERROR_COLOUR if mark == "!" else _COLOURS[event.direction]
        return f"\x1b[{code}m{line}\x1b[0m"

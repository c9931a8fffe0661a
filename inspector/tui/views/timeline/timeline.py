"""Timeline: the session's audio in two lanes, with marks between them.

The widget reads from its waveform 30 times a second while it is shown, draws a picture of cells, and repaints only the columns
that differ from the last one. It imports numpy, so the view creates it only when it is first shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.lint.proofs import NO_PROOFS, Proofs
from inspector.analysis.waterfall import TurnSpan, turn_spans
from inspector.analysis.waveform import Waveform
from inspector.clock import SYSTEM_CLOCK, time_is_up
from inspector.core.turn import Turn
from inspector.core.units import NS_PER_US
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key, default_keycap
from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.views.messages import RowRequested, SoundRequested, SpanRequested
from inspector.tui.views.timeline.time_window import TimeWindow
from inspector.tui.views.timeline.timeline_drawing import GROUNDS, LABEL, STYLES, DrawnStretch
from inspector.tui.views.timeline.timeline_strips import TimelineStrips

FRAME_BUDGET_S = 0.01
"""Time for reading new rows per frame: while a long recording is read, a third of a core, with keys answered in the next frame."""
LEAST_GRAIN_US = 50_000
"""Growing lanes are redrawn at most this often, at any zoom; keys are answered at once."""
AHEAD = 4
"""Cells kept free at the right while the timeline follows."""


class Timeline(Widget, can_focus=True):
    """The audio of one session over time."""

    DEFAULT_CSS = """
    Timeline { height: 1fr; background: $background; color: $foreground; }
    Timeline > .wave--base { background: $background; color: $foreground; }
    Timeline > .wave--dim { color: $dim; }
    Timeline > .wave--client { color: $client; }
    Timeline > .wave--server { color: $server; }
    Timeline > .wave--faint { color: $faint; }
    Timeline > .wave--warning { color: $warning; }
    Timeline > .wave--error { color: $error; text-style: bold; }
    Timeline > .wave--mark { color: $mark; text-style: bold; }
    Timeline > .wave--head { color: $kin; text-style: bold; }
    Timeline > .wave--selection { background: $cursor; }
    Timeline > .wave--cursor { background: $dim; }
    """
    COMPONENT_CLASSES = {f"wave--{name}" for name in (*STYLES, *GROUNDS)}
    BINDINGS = [
        Binding("right,l", "step(1)", "right", show=False, id="wave.right"),
        Binding("left,h", "step(-1)", "left", show=False, id="wave.left"),
        Binding(
            "shift+right",
            "step(1, True)",
            "extend selection right",
            show=False,
            id="wave.select_right",
        ),
        Binding(
            "shift+left",
            "step(-1, True)",
            "extend selection left",
            show=False,
            id="wave.select_left",
        ),
        Binding("pagedown,ctrl+d", "page(1)", "next page", show=False, id="wave.page_right"),
        Binding("pageup,ctrl+u", "page(-1)", "previous page", show=False, id="wave.page_left"),
        Binding("home,g", "first", "first", show=False, id="wave.first"),
        Binding("end,G", "last", "last", show=False, id="wave.last"),
        Binding("plus,equals_sign", "zoom(-1)", "zoom in", id="wave.closer"),
        Binding("minus", "zoom(1)", "zoom out", show=False, id="wave.wider"),
        Binding("0", "fit", "fit all", show=False, id="wave.fit"),
        Binding("n", "mark(1)", "next mark", show=False, id="wave.next_mark"),
        Binding("N", "mark(-1)", "previous mark", show=False, id="wave.previous_mark"),
        Binding("f", "follow", "follow", show=False, id="wave.follow"),
        Binding("enter", "events", "go to events", id="wave.events"),
        Binding("P", "sound(False)", "play", show=False, id="wave.play"),
        Binding("w", "sound(True)", "write WAV", show=False, id="wave.write"),
        Binding("escape", "clear", "clear selection", show=False, id="wave.clear"),
    ]

    class TimeChosen(Message):
        """The user has moved the cursor."""

        def __init__(self, t_us: int) -> None:
            super().__init__()
            self.t_us = t_us

    def __init__(
        self,
        waveform: Waveform,
        now_us: Callable[[], int],
        glyphs: Glyphs,
        *,
        key: Key | None = None,
        turns: Callable[[], Sequence[Turn]] = tuple,
        proofs: Callable[[], Proofs] = lambda: NO_PROOFS,
        is_whole: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        """Create the timeline.

        Args:
            waveform: the session's audio.
            now_us: returns the current session time, or that of the replay's cursor, in microseconds.
            glyphs: characters for drawing the lanes.
            turns: returns the turns by now, or before a replay's cursor.
            proofs: returns which findings the events prove.
            is_whole: whether the session is over; then all of it is shown first.
            key: returns key names; defaults to those of the default keymap.
            id: the widget's id.
        """
        super().__init__(id=id)
        self.window = TimeWindow()
        self.is_following = True
        self._waveform = waveform
        self._now_us = now_us
        self._turns = turns
        self._proofs = proofs
        self._is_dragging = False
        self._is_fitting = is_whole
        """Whether the zoom follows the whole session, including what is still being read."""
        self._still: tuple[object, ...] = ()
        self._moving = 0, 0
        self._drawn_ns = 0
        self._pulled_ns = 0
        self._is_behind = False
        """Whether the log has more unread rows than one frame has time for."""
        self._strips = TimelineStrips(
            waveform,
            glyphs,
            key or partial(default_keycap, (Timeline,)),
            lambda name: self.get_component_rich_style(f"wave--{name}"),
        )

    @property
    def _columns(self) -> int:
        return max(1, self.size.width - LABEL)

    def pull(self) -> list[CellUpdate]:
        """Return the columns that have changed since the last call.

        The screen calls this 30 times a second, and paints the columns together with everything else that moves.
        """
        now_ns = SYSTEM_CLOCK.now_ns()
        if now_ns < self._pulled_ns + LEAST_GRAIN_US * NS_PER_US and not self._is_behind:
            return []
        self._pulled_ns = now_ns
        return self._changes()

    def _show(self) -> None:
        """Repaint what a key or the mouse has changed."""
        self.refresh(*(patch.region for patch in self._changes()))

    def _changes(self) -> list[CellUpdate]:
        """Read new rows, and return the columns that have changed."""
        self._waveform.follow(self._proofs())
        self._waveform.advance(time_is_up(FRAME_BUDGET_S))
        self._is_behind = self._waveform.progress < 1
        size = self.size
        if not size.width or not size.height:
            return []
        now_us, window = self._now_us(), self.window
        if self._is_fitting:
            self._is_fitting = self._waveform.progress < 1
            window.fit(max(1, self._waveform.end_us, now_us), max(1, self._columns - AHEAD))
        if self.is_following:
            window.cursor_us = now_us
            window.reveal(now_us, self._columns, ahead=AHEAD)
        # Moving by less than half a cell cannot be seen.
        grain_us = max(LEAST_GRAIN_US, window.cell_us // 2)
        moving = now_us // grain_us, self._waveform.end_us // grain_us
        still = (
            size,
            window.left,
            window.cell_us,
            self.is_following,
            None if self.is_following else window.cursor_us,
            window.anchor_us,
            self._waveform.marks,
            len(self._turns()),
            self._is_behind,
        )
        is_due = SYSTEM_CLOCK.now_ns() >= self._drawn_ns + grain_us * NS_PER_US
        if still != self._still or (moving != self._moving and is_due):
            self._still, self._moving = still, moving
            self._drawn_ns = SYSTEM_CLOCK.now_ns()
            return self._strips.draw(self._view(now_us))
        return []

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the picture."""
        return self._strips.lines(crop, self.size)

    def notify_style_update(self) -> None:
        """Redraw everything when the theme changes."""
        super().notify_style_update()
        self._strips.forget()
        self._still = ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - an override
        """Leave escape to the screen while there is no selection."""
        return self.window.anchor_us is not None if action == "clear" else True

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Start a selection."""
        self._is_dragging = True
        self.capture_mouse()
        self.window.anchor_us = None
        self._go_to(self.window.time_at(event.x - LABEL))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Extend the selection to the pointer."""
        if self._is_dragging:
            window = self.window
            t_us = window.time_at(event.x - LABEL)
            if t_us // window.cell_us != window.cursor_us // window.cell_us:
                window.select_from_here()
            if window.anchor_us is not None:
                self._go_to(t_us)

    def on_mouse_up(self) -> None:
        """Finish the selection."""
        self._is_dragging = False
        self.release_mouse()

    def on_mouse_scroll_down(self) -> None:
        """Scroll forward in time with the wheel."""
        self._pan(1)

    def on_mouse_scroll_up(self) -> None:
        """Scroll back in time with the wheel."""
        self._pan(-1)

    def action_step(self, cells: int, is_selecting: bool = False) -> None:
        """Move the cursor by cells, and extend the selection if asked to."""
        window = self.window
        if is_selecting:
            window.select_from_here()
        else:
            window.anchor_us = None
        self._go_to(window.cursor_us + cells * window.cell_us)

    def action_page(self, step: int) -> None:
        """Move the cursor by the visible width."""
        self._go_unselected(self.window.cursor_us + step * self._columns * self.window.cell_us)

    def action_first(self) -> None:
        """Go to the start."""
        self._go_unselected(0)

    def action_last(self) -> None:
        """Go to the end."""
        self._go_unselected(self._waveform.end_us)

    def action_zoom(self, step: int) -> None:
        """Zoom in or out around the cursor."""
        self._is_fitting = False
        self.window.zoom_by(step, self._columns)
        self._show()

    def action_fit(self) -> None:
        """Show the whole session."""
        self._is_fitting = True
        self._show()

    def action_mark(self, step: int) -> None:
        """Go to the next or previous mark."""
        found = self._waveform.marks.next(self.window.cursor_us, step, self.window.cell_us)
        if found is not None:
            self._go_unselected(found)
        else:
            self.notify("no later mark" if step > 0 else "no earlier mark", timeout=2)

    def action_follow(self) -> None:
        """Toggle following the session or the replay."""
        self.is_following = not self.is_following
        self._show()

    def action_clear(self) -> None:
        """Clear the selection."""
        self.window.anchor_us = None
        self.refresh_bindings()
        self._show()

    def action_events(self) -> None:
        """Show the events of the selection, or the event at the cursor."""
        window = self.window
        if window.selection is not None:
            self.post_message(SpanRequested(*window.selection))
            return
        row = self._waveform.marks.row_near(window.cursor_us, window.cell_us)
        moment = SpanRequested(window.cursor_us, window.cursor_us)
        self.post_message(RowRequested(row) if row >= 0 else moment)

    def action_sound(self, as_file: bool) -> None:
        """Play the selection, or write it to a file; without one, the whole session."""
        span = self.window.selection or (0, self._waveform.end_us)
        self.post_message(SoundRequested(span_us=span, as_file=as_file))

    def _go_unselected(self, t_us: int) -> None:
        """Move the cursor and clear the selection."""
        self.window.anchor_us = None
        self._go_to(t_us)

    def _go_to(self, t_us: int) -> None:
        window = self.window
        self.is_following = False
        window.cursor_us = max(0, min(t_us, max(self._waveform.end_us, self._now_us())))
        window.reveal(window.cursor_us, self._columns, ahead=2)
        self.post_message(self.TimeChosen(window.cursor_us))
        self.refresh_bindings()
        self._show()

    def _pan(self, step: int) -> None:
        self.is_following = False
        self.window.pan(step, self._waveform.end_us, self._columns)
        self._show()

    def _view(self, now_us: int) -> DrawnStretch:
        window = self.window
        return DrawnStretch(
            self.size.width,
            self.size.height,
            window.left,
            window.cell_us,
            None if self.is_following else window.cursor_us,
            now_us,
            window.selection,
            self._spans(now_us),
        )

    def _spans(self, now_us: int) -> tuple[TurnSpan, ...]:
        window = self.window
        from_us = window.left * window.cell_us
        to_us = from_us + self._columns * window.cell_us
        return tuple(turn_spans(self._turns(), from_us, to_us, now_us))

"""Timeline: the session as sound, in two lanes under each other, with marks between them.

The widget pulls from its waveform 30 times a second while it is shown, draws a picture of cells, and repaints only the
columns that differ from the last one. It loads numpy, so screens import it when it is first shown.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.waveform import Waveform
from inspector.clock import NS_PER_S, NS_PER_US, SYSTEM_CLOCK, time_is_up
from inspector.tui.direct_paint import Patch
from inspector.tui.glyphs import Glyphs
from inspector.tui.keycaps import Key, default_keycap
from inspector.tui.row_text import Line
from inspector.tui.timeline_drawing import GROUND, GROUNDS, LABEL, STYLES, Picture, View, drawn
from inspector.tui.timeline_words import about, at_cursor

WORDS_HZ = 5
FRAME_BUDGET_S = 0.01
"""Reading new rows per frame: a third of a core while a long recording is taken in, and a key is answered in the next."""
CELL_US = tuple(
    ms * 1000
    for ms in (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000)
)
"""What a cell may stand for; the smallest has one envelope in each of its two columns."""
START_ZOOM = 2
LEAST_GRAIN_US = 50_000
"""Growing lanes are read and drawn anew at most so often, however close one looks; keys are answered at once."""


class Timeline(Widget, can_focus=True):
    """The sound of one session."""

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
        Binding("right,l", "step(1)", "later", show=False, id="wave.right"),
        Binding("left,h", "step(-1)", "earlier", show=False, id="wave.left"),
        Binding("shift+right", "step(1, True)", "select on", show=False, id="wave.select_right"),
        Binding("shift+left", "step(-1, True)", "select back", show=False, id="wave.select_left"),
        Binding("pagedown,ctrl+d", "page(1)", "a screen on", show=False, id="wave.page_right"),
        Binding("pageup,ctrl+u", "page(-1)", "a screen back", show=False, id="wave.page_left"),
        Binding("home,g", "first", "first", show=False, id="wave.first"),
        Binding("end,G", "last", "last", show=False, id="wave.last"),
        Binding("plus,equals_sign", "zoom(-1)", "closer", id="wave.closer"),
        Binding("minus", "zoom(1)", "wider", show=False, id="wave.wider"),
        Binding("0", "fit", "all of it", show=False, id="wave.fit"),
        Binding("n", "mark(1)", "next mark", show=False, id="wave.next_mark"),
        Binding("N", "mark(-1)", "previous mark", show=False, id="wave.previous_mark"),
        Binding("f", "follow", "follow", show=False, id="wave.follow"),
        Binding("enter", "events", "events", id="wave.events"),
        Binding("P", "sound(False)", "hear it", show=False, id="wave.play"),
        Binding("w", "sound(True)", "write WAV", show=False, id="wave.write"),
        Binding("escape", "clear", "unselect", show=False, id="wave.clear"),
    ]

    class SpanOpened(Message):
        """The user wants to see the events of a span, or of the moment under the cursor."""

        def __init__(self, from_us: int, to_us: int, row: int) -> None:
            """Tell which.

            Args:
                from_us: where it begins, session time in microseconds.
                to_us: where it ends; the same as ``from_us`` where nothing is selected.
                row: the row of the mark nearest to the cursor, -1 where a span is meant.
            """
            super().__init__()
            self.from_us, self.to_us, self.row = from_us, to_us, row

    class SoundRequested(Message):
        """The user wants to hear a span, or to have it as a file."""

        def __init__(self, from_us: int, to_us: int, *, as_file: bool) -> None:
            super().__init__()
            self.from_us, self.to_us, self.as_file = from_us, to_us, as_file

    class TimeChosen(Message):
        """The cursor was moved by hand."""

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
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        """Show a waveform.

        Args:
            waveform: the session's sound.
            now_us: tells where the session, or its replay, is; session time in microseconds.
            glyphs: what the lanes are drawn with.
            key: names keys; without it they are called as they come.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._key = key or partial(default_keycap, Timeline)
        self.cursor_us = 0
        self.is_following = True
        self.anchor_us: int | None = None
        """Where the selection began; None where nothing is selected."""
        self._waveform = waveform
        self._now_us = now_us
        self._glyphs = glyphs
        self._zoom = START_ZOOM
        self._left = 0
        self._is_dragging = False
        self._is_fitting = False
        """Whether all of the session is shown, also of what is still being read."""
        self._still: tuple[object, ...] = ()
        self._moving = 0, 0
        self._drawn_ns = 0
        self._pulled_ns = 0
        self._is_behind = False
        """Whether more of the log waits than one frame has time to read."""
        self._picture: Picture | None = None
        self._styles: dict[int, Style] = {}
        self._said, self._said_ns = "", 0

    @property
    def cell_us(self) -> int:
        """Return how much time a cell stands for."""
        return CELL_US[self._zoom]

    @property
    def selection(self) -> tuple[int, int] | None:
        """Return the selected span in microseconds, whole cells; None where nothing is selected."""
        if self.anchor_us is None:
            return None
        first, last = sorted((self.anchor_us, self.cursor_us))
        return first // self.cell_us * self.cell_us, (last // self.cell_us + 1) * self.cell_us

    @property
    def _columns(self) -> int:
        return max(1, self.size.width - LABEL)

    def pull(self) -> list[Patch]:
        """Return the columns that have changed since the last time.

        Whoever shows the timeline calls it 30 times a second, and paints them together with all else that moves.
        """
        now_ns = SYSTEM_CLOCK.now_ns()
        if now_ns < self._pulled_ns + LEAST_GRAIN_US * NS_PER_US and not self._is_behind:
            return []
        self._pulled_ns = now_ns
        return self._changes()

    def _show(self) -> None:
        """Repaint what a key or the pointer has changed."""
        self.refresh(*(patch.region for patch in self._changes()))

    def _changes(self) -> list[Patch]:
        """Read what is new, and return the columns that have changed."""
        self._waveform.advance(time_is_up(FRAME_BUDGET_S))
        self._is_behind = self._waveform.progress < 1
        size = self.size
        if not size.width or not size.height:
            return []
        now_us = self._now_us()
        if self._is_fitting:
            self._fit()
        if self.is_following:
            self.cursor_us = now_us
            self._reveal(now_us, ahead=4)
        # Half a cell is the least that can be seen to move.
        grain_us = max(LEAST_GRAIN_US, self.cell_us // 2)
        moving = now_us // grain_us, self._waveform.end_us // grain_us
        still = (
            size,
            self._left,
            self._zoom,
            self.is_following,
            None if self.is_following else self.cursor_us,
            self.anchor_us,
            len(self._waveform.marks),
            self._is_behind,
        )
        is_due = SYSTEM_CLOCK.now_ns() >= self._drawn_ns + grain_us * NS_PER_US
        if still != self._still or (moving != self._moving and is_due):
            self._still, self._moving = still, moving
            self._drawn_ns = SYSTEM_CLOCK.now_ns()
            return self._draw(now_us)
        return []

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the picture."""
        picture = self._picture
        if picture is None or picture.cells.shape != (self.size.height, self.size.width):
            blank = Strip.blank(self.size.width, self._style(0))
            return [blank.crop(crop.x, crop.right)] * crop.height
        return [self._strip(picture, row, crop.x, crop.right) for row in range(crop.y, crop.bottom)]

    def notify_style_update(self) -> None:
        """Take new colours from the theme."""
        super().notify_style_update()
        self._styles.clear()
        self._picture, self._still = None, ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - an override
        """Leave escape to the screen while nothing is selected."""
        return self.anchor_us is not None if action == "clear" else True

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a selection."""
        self._is_dragging = True
        self.capture_mouse()
        self.anchor_us = None
        self._go_to(self._time_at(event.x))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select up to the pointer."""
        if self._is_dragging:
            t_us = self._time_at(event.x)
            if self.anchor_us is None and t_us // self.cell_us != self.cursor_us // self.cell_us:
                self.anchor_us = self.cursor_us
            if self.anchor_us is not None:
                self._go_to(t_us)

    def on_mouse_up(self) -> None:
        """End the selection."""
        self._is_dragging = False
        self.release_mouse()

    def on_mouse_scroll_down(self) -> None:
        """Go on in time."""
        self._pan(1)

    def on_mouse_scroll_up(self) -> None:
        """Go back in time."""
        self._pan(-1)

    def action_step(self, cells: int, is_selecting: bool = False) -> None:
        """Move the cursor by cells, with the selection or without."""
        if is_selecting and self.anchor_us is None:
            self.anchor_us = self.cursor_us
        elif not is_selecting:
            self.anchor_us = None
        self._go_to(self.cursor_us + cells * self.cell_us)

    def action_page(self, step: int) -> None:
        """Move by a screen."""
        self.anchor_us = None
        self._go_to(self.cursor_us + step * self._columns * self.cell_us)

    def action_first(self) -> None:
        """Go to the start."""
        self.anchor_us = None
        self._go_to(0)

    def action_last(self) -> None:
        """Go to the end."""
        self.anchor_us = None
        self._go_to(self._waveform.end_us)

    def action_zoom(self, step: int) -> None:
        """Show more time, or less, around the cursor."""
        self._is_fitting = False
        column = max(0, min(self._columns - 1, self.cursor_us // self.cell_us - self._left))
        self._zoom = max(0, min(len(CELL_US) - 1, self._zoom + step))
        self._left = max(0, self.cursor_us // self.cell_us - column)
        self._show()

    def action_fit(self) -> None:
        """Show all of the session."""
        self._is_fitting = True
        self._show()

    def _fit(self) -> None:
        self._is_fitting = self._waveform.progress < 1
        columns = self._columns
        end_us = max(1, self._waveform.end_us)
        fitting = (at for at, cell in enumerate(CELL_US) if end_us <= cell * columns)
        self._zoom = next(fitting, len(CELL_US) - 1)
        self._left = 0

    def action_mark(self, step: int) -> None:
        """Go to the next mark, or the one before."""
        times = self._waveform.marks.times()
        cell = self.cursor_us // self.cell_us
        found = (
            times[times // self.cell_us > cell] if step > 0 else times[times // self.cell_us < cell]
        )
        if len(found):
            self.anchor_us = None
            self._go_to(int(found.min() if step > 0 else found.max()))
        else:
            self.notify("no further mark" if step > 0 else "no earlier mark", timeout=2)

    def action_follow(self) -> None:
        """Stay with the session, or with the replay."""
        self.is_following = not self.is_following
        self._show()

    def action_clear(self) -> None:
        """Select nothing."""
        self.anchor_us = None
        self.refresh_bindings()
        self._show()

    def action_events(self) -> None:
        """Show the events of the selection, or those at the cursor."""
        span = self.selection
        if span is not None:
            self.post_message(self.SpanOpened(*span, -1))
            return
        marks = self._waveform.marks
        distances = np.abs(marks.times() - self.cursor_us)
        nearest = int(distances.argmin()) if len(distances) else -1
        is_here = nearest >= 0 and distances[nearest] <= self.cell_us
        row = marks.row[nearest] if is_here else -1
        self.post_message(self.SpanOpened(self.cursor_us, self.cursor_us, row))

    def action_sound(self, as_file: bool) -> None:
        """Hear the selection, or write it to a file; all of the session where nothing is selected."""
        span = self.selection or (0, self._waveform.end_us)
        self.post_message(self.SoundRequested(*span, as_file=as_file))

    def _go_to(self, t_us: int) -> None:
        self.is_following = False
        self.cursor_us = max(0, min(t_us, max(self._waveform.end_us, self._now_us())))
        self._reveal(self.cursor_us, ahead=2)
        self.post_message(self.TimeChosen(self.cursor_us))
        self.refresh_bindings()
        self._show()

    def _pan(self, step: int) -> None:
        self.is_following = False
        columns = self._columns
        last = max(0, self._waveform.end_us // self.cell_us - columns // 2)
        self._left = max(0, min(last, self._left + step * max(1, columns // 8)))
        self._show()

    def _reveal(self, t_us: int, *, ahead: int) -> None:
        """Scroll until a time is shown, by a quarter of a screen at a time, so that most frames move nothing."""
        columns = self._columns
        cell = t_us // self.cell_us
        if cell < self._left:
            self._left = max(0, cell - columns // 4)
        elif cell >= self._left + columns - ahead:
            self._left = max(0, cell - columns + ahead + columns // 4)

    def _time_at(self, x: int) -> int:
        return max(0, (self._left + x - LABEL) * self.cell_us + self.cell_us // 2)

    def _view(self, now_us: int) -> View:
        return View(
            self.size.width,
            self.size.height,
            self._left,
            self.cell_us,
            None if self.is_following else self.cursor_us,
            now_us,
            self.selection,
        )

    def _draw(self, now_us: int) -> list[Patch]:
        view = self._view(now_us)
        before = self._picture
        picture = drawn(self._waveform, view, self._glyphs, self._words(view))
        self._picture = picture
        if before is None or before.cells.shape != picture.cells.shape:
            rows, columns = picture.cells.shape
            changed = [(row, 0, columns) for row in range(rows)]
        else:
            changed = picture.changed(before)
        return [
            Patch(first, row, self._strip(picture, row, first, end)) for row, first, end in changed
        ]

    def _strip(self, picture: Picture, row: int, first: int, end: int) -> Strip:
        runs = picture.runs(row, first, end)
        return Line([Segment(text, self._style(code)) for text, code in runs], end - first)

    def _words(self, view: View) -> tuple[str, str]:
        """Say what is at the cursor; while that runs, only as often as can be read."""
        now_ns = SYSTEM_CLOCK.now_ns()
        if view.cursor_us is not None or now_ns >= self._said_ns + NS_PER_S / WORDS_HZ:
            self._said = at_cursor(self._waveform, view)
            self._said_ns = now_ns
        waveform = self._waveform
        return self._said, about(view, waveform.progress, self._key, has_times=waveform.has_times)

    def _style(self, code: int) -> Style:
        style = self._styles.get(code)
        if style is None:
            ink = self.get_component_rich_style(f"wave--{STYLES[code % GROUND]}")
            ground = self.get_component_rich_style(f"wave--{GROUNDS[code // GROUND]}")
            style = self._styles[code] = ink + Style(bgcolor=ground.bgcolor)
        return style

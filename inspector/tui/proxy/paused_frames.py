"""PausedFramesScreen: the frames that a session's breakpoints hold, and the actions on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Static

from inspector.analysis.json_layout import indented
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import size_text, untyped_name
from inspector.core.event import Direction
from inspector.engine.breakpoints import Breakpoint
from inspector.engine.paused_frame import PausedFrame
from inspector.engine.proxied_session import ProxiedSession
from inspector.errors import InspectorError
from inspector.secret import mask_text
from inspector.tui.common.dialog import Field, FormDialog
from inspector.tui.common.footer import Footer
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keyed import KeyedScreen
from inspector.tui.common.measures import TICK_HZ
from inspector.tui.common.numbers import seconds_in
from inspector.tui.common.text_page import PageLine, TextPage
from inspector.tui.sending.send_editor import judge_text
from inspector.tui.terminal.strips import fitted

FIXED_COLUMNS = 53
"""Width of a line without the event's type, with room for a short filter."""
LEAST_NAME, WIDEST_NAME = 22, 44
SHOWN_CHARS = 20_000
"""How much of a frame's content is shown; the rest of a longer one is usually audio."""


class PausedFramesScreen(KeyedScreen[None]):
    """The list of held and queued frames, and the content of the selected one."""

    CSS_PATH = Path(__file__).with_name("proxy.tcss")

    BINDINGS = [
        Binding("enter", "forward", "forward", id="held.forward", priority=True),
        Binding("i", "edit", "edit", id="held.edit"),
        Binding("d", "drop", "drop", id="held.drop"),
        Binding("D", "duplicate", "duplicate", id="held.duplicate"),
        Binding("w", "delay", "delay", id="held.delay"),
        Binding("r", "answer", "reply", id="held.answer"),
        Binding("R", "resume", "resume all", id="held.resume"),
        Binding("S", "breakpoint", "breakpoint", show=False, id="held.breakpoint"),
        KeyedScreen.HELP_KEY,
        Binding("escape,q", "back", "back", show=False, id="held.back"),
    ]

    def __init__(self, session: ProxiedSession, glyphs: Glyphs) -> None:
        super().__init__()
        self.title = "Held frames"
        self._session = session
        self._glyphs = glyphs
        self._waiting: list[PausedFrame] = []
        self._seen: tuple[int, int] = (-1, -1)

    def compose(self) -> ComposeResult:
        """Lay out the list and the content."""
        yield Static("", id="header", markup=False)
        yield TextPage(id="waiting")
        yield TextPage(id="content")
        yield Static("", id="hint", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Focus the list and start the tick."""
        self.query_one("#waiting").focus()
        self.set_interval(1 / TICK_HZ, self.tick)
        self.call_after_refresh(self.tick)

    def tick(self) -> None:
        """Show what has changed."""
        page = self.query_one("#waiting", TextPage)
        seen = (self._session.breakpoints.revision, page.cursor)
        if seen == self._seen:
            return
        self._waiting = self._session.breakpoints.waiting
        page.show([self._line(paused) for paused in self._waiting] or [self._nothing()])
        self._seen = (seen[0], page.cursor)
        armed = ", ".join(map(str, self._session.breakpoints.armed)) or "no breakpoint"
        paused = sum(paused.is_paused for paused in self._waiting)
        self.query_one("#header", Static).update(
            f" {paused} held · {len(self._waiting) - paused} queued   {armed}", layout=False
        )
        selected = self._selected()
        # Frames are masked when they are logged; this one is not logged yet and must be forwarded unmasked.
        data = selected.data[: 8 * SHOWN_CHARS] if selected else b""
        text = mask_text(data.decode("utf-8", "replace"))[:SHOWN_CHARS]
        self.query_one("#content", TextPage).show(
            [PageLine(((f" {line}", "base"),)) for line in _wrapped(text, self.size.width - 2)]
        )
        alive = "both connections are kept alive" if self._waiting else ""
        self.query_one("#hint", Static).update(f" {alive}", layout=False)

    def action_forward(self) -> None:
        """Forward the selected frame unchanged."""
        self._do(self._session.breakpoints.forward)

    def action_edit(self) -> None:
        """Edit the selected frame and forward it; an unchanged text forwards the original bytes."""
        from inspector.tui.form.dialogs import JsonDialog  # only if a frame is edited

        paused = self._selected()
        if paused is None:
            return
        before = indented(paused.data.decode("utf-8", "replace"))

        def forward(text: str | None) -> None:
            if text is None:
                return
            points = self._session.breakpoints
            # Editors add a line break at the end of a file.
            if text in (before, f"{before}\n"):
                self._do(points.forward, paused)
            else:
                self._do(lambda paused: points.edit(paused, text.strip().encode()), paused)

        title = f"Edit {sanitized(paused.event.type) or 'a frame'}"
        self.app.push_screen(JsonDialog(title, before, "forward", judge_text), forward)

    def action_drop(self) -> None:
        """Drop the selected frame."""
        self._do(self._session.breakpoints.drop)

    def action_duplicate(self) -> None:
        """Forward the selected frame twice."""
        self._do(self._session.breakpoints.duplicate)

    def action_delay(self) -> None:
        """Ask for a delay, and forward the selected frame after it."""
        self._ask(
            "Delay a frame",
            Field("answer", "seconds", "2"),
            lambda paused, text: self._session.breakpoints.delay(
                paused, max(0.0, seconds_in(text))
            ),
        )

    def action_answer(self) -> None:
        """Ask for an event, send it to the app, and drop the selected frame."""
        self._ask(
            "Reply as the server",
            Field("answer", "event", '{"type":"error","error":{"message":""}}'),
            lambda paused, text: self._session.breakpoints.answer(paused, text.encode()),
        )

    def action_resume(self) -> None:
        """Forward all frames and remove the breakpoints."""
        self._session.breakpoints.resume()

    def action_breakpoint(self) -> None:
        """Ask for a breakpoint."""
        ask_breakpoint(self, self._session.breakpoints)

    def action_back(self) -> None:
        """Return to the session."""
        self.app.pop_screen()

    def _selected(self) -> PausedFrame | None:
        at = self.query_one("#waiting", TextPage).cursor
        return self._waiting[at] if 0 <= at < len(self._waiting) else None

    def _ask(self, title: str, field: Field, do: Callable[[PausedFrame, str], None]) -> None:
        paused = self._selected()

        def answered(answers: dict[str, str] | None) -> None:
            if answers is not None and paused is not None:
                self._do(lambda paused: do(paused, answers["answer"]), paused)

        if paused is not None:
            self.app.push_screen(FormDialog(title, (field,)), answered)

    def _do(self, action: Callable[[PausedFrame], None], paused: PausedFrame | None = None) -> None:
        paused = paused or self._selected()
        if paused is None:
            return
        try:
            action(paused)
        except InspectorError as error:
            self._say(error)
        except ValueError as error:
            self.notify(str(error), severity="error", markup=False)
        self.tick()

    def _say(self, error: InspectorError) -> None:
        self.notify(error.message, severity="error", markup=False)

    def _nothing(self) -> PageLine:
        breakpoint_key, back = self.key("held.breakpoint"), self.key("held.back")
        words = f" No frame is held.   {breakpoint_key} set a breakpoint · {back} back"
        return PageLine(((words, "dim"),))

    def _line(self, paused: PausedFrame) -> PageLine:
        is_client = paused.direction is Direction.CLIENT
        arrow = self._glyphs.client if is_client else self._glyphs.server
        why = "held" if paused.is_paused else "delayed" if paused.due_s else "queued"
        size = size_text(len(paused.event.data))
        room = min(WIDEST_NAME, max(LEAST_NAME, self.size.width - FIXED_COLUMNS))
        name = fitted(sanitized(paused.event.type) or untyped_name(paused.event), room)
        words = f" {arrow} {paused.event.stamp_ns / 1e9:9.3f}  {why:<7} {name:<{room}} {size:>8}  {paused.stopped_by}"
        style = ("client" if is_client else "server") if paused.is_paused else "dim"
        return PageLine(((words, style),))


class FrameHolder(Protocol):
    """Something with breakpoints: one session, or the proxy for all of them."""

    def arm(self, expression: str, direction: Direction | None = None) -> Breakpoint:
        """Set a breakpoint for frames that match."""
        ...

    def disarm(self) -> None:
        """Remove the breakpoints."""
        ...


def ask_breakpoint(
    screen: Screen[None], holder: FrameHolder, title: str = "Hold matching frames"
) -> None:
    """Ask for a breakpoint's filter and direction; ``-`` as the filter removes all breakpoints."""
    fields = (
        Field(
            "filter",
            "filter",
            "type:response.create",
            "every event",
            ("type:response.create", "type:response.done", "err", "-"),
        ),
        Field("direction", "direction", "", "both", ("", "client", "server")),
    )
    note = (
        "Matching frames are held until you release them; later frames in the same direction queue"
        ' behind them. Enter "-" to remove the breakpoint.'
    )

    def answered(answers: dict[str, str] | None) -> None:
        if answers is None:
            return
        if answers["filter"].strip() == "-":
            holder.disarm()
            return
        try:
            chosen = answers["direction"].strip()
            direction = Direction(chosen) if chosen else None
            holder.arm(answers["filter"], direction)
        except (InspectorError, ValueError) as error:
            screen.notify(str(error), severity="error", markup=False)

    screen.app.push_screen(FormDialog(title, fields, note), answered)


def _wrapped(text: str, width: int) -> list[str]:
    width = max(20, width)
    return [
        line[at : at + width]
        for line in text.splitlines()
        for at in range(0, max(1, len(line)), width)
    ]

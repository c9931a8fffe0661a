"""PausedFramesScreen: the frames that a session's breakpoints hold, and what can be done with each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Static

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
from inspector.tui.common.numbers import seconds_in
from inspector.tui.common.text_page import PageLine, TextPage
from inspector.tui.terminal.external import edit_outside
from inspector.tui.terminal.strips import fitted

TICK_HZ = 15
FIXED_COLUMNS = 53
"""Of a line: all but the event's type, with room for a short filter."""
LEAST_NAME, WIDEST_NAME = 22, 44
SHOWN_CHARS = 20_000
"""Of a frame's content; the rest is audio."""


class PausedFramesScreen(KeyedScreen[None]):
    """What waits, and the content of one."""

    CSS_PATH = Path(__file__).with_name("proxy.tcss")

    BINDINGS = [
        Binding("enter", "forward", "forward", id="held.forward", priority=True),
        Binding("i", "edit", "edit", id="held.edit"),
        Binding("d", "drop", "drop", id="held.drop"),
        Binding("D", "duplicate", "double", id="held.duplicate"),
        Binding("w", "delay", "delay", id="held.delay"),
        Binding("r", "answer", "answer", id="held.answer"),
        Binding("R", "resume", "resume", id="held.resume"),
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
        """Start to pull."""
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
        armed = ", ".join(map(str, self._session.breakpoints.armed)) or "nothing is armed"
        paused = sum(paused.is_paused for paused in self._waiting)
        self.query_one("#header", Static).update(
            f" {paused} held, {len(self._waiting) - paused} waiting behind   {armed}", layout=False
        )
        selected = self._selected()
        # Not logged yet, so the key that it may hold is still in it: it goes on as it is.
        data = selected.data[: 8 * SHOWN_CHARS] if selected else b""
        text = mask_text(data.decode("utf-8", "replace"))[:SHOWN_CHARS]
        self.query_one("#content", TextPage).show(
            [PageLine(((f" {line}", "base"),)) for line in _wrapped(text, self.size.width - 2)]
        )
        both_alive = "both sides are kept alive meanwhile" if self._waiting else ""
        self.query_one("#hint", Static).update(f" {both_alive}", layout=False)

    def action_forward(self) -> None:
        """Let the frame go on as it came."""
        self._do(self._session.breakpoints.forward)

    @work
    async def action_edit(self) -> None:
        """Change the frame in the user's editor, and let it go on."""
        paused = self._selected()
        if paused is None:
            return
        try:
            before = paused.data.decode("utf-8", "replace")
            text = await edit_outside(self.app, before)
        except InspectorError as error:
            self._say(error)
            return
        if not before.endswith("\n"):
            text = text.removesuffix("\n")  # which editors add
        self._do(lambda paused: self._session.breakpoints.edit(paused, text.encode()), paused)

    def action_drop(self) -> None:
        """Let the frame go nowhere."""
        self._do(self._session.breakpoints.drop)

    def action_duplicate(self) -> None:
        """Let the frame go on twice."""
        self._do(self._session.breakpoints.duplicate)

    def action_delay(self) -> None:
        """Ask how long, and let the frame go on later."""
        self._ask(
            "Delay a frame",
            Field("answer", "seconds", "2"),
            lambda paused, text: self._session.breakpoints.delay(
                paused, max(0.0, seconds_in(text))
            ),
        )

    def action_answer(self) -> None:
        """Ask for an event that the app gets; the API does not get the frame."""
        self._ask(
            "Answer in the server's place",
            Field("answer", "event", '{"type":"error","error":{"message":""}}'),
            lambda paused, text: self._session.breakpoints.answer(paused, text.encode()),
        )

    def action_resume(self) -> None:
        """Let everything go on."""
        self._session.breakpoints.resume()

    def action_breakpoint(self) -> None:
        """Ask what to hold."""
        ask_breakpoint(self, self._session.breakpoints)

    def action_back(self) -> None:
        """Go back to the session."""
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
        sets, back = self.key("held.breakpoint"), self.key("held.back")
        return PageLine(
            ((f" Nothing is held. {sets} sets a breakpoint, {back} goes back.", "dim"),)
        )

    def _line(self, paused: PausedFrame) -> PageLine:
        is_client = paused.direction is Direction.CLIENT
        arrow = self._glyphs.client if is_client else self._glyphs.server
        why = "held" if paused.is_paused else "delayed" if paused.due_s else "waits"
        size = size_text(len(paused.event.data))
        room = min(WIDEST_NAME, max(LEAST_NAME, self.size.width - FIXED_COLUMNS))
        name = fitted(sanitized(paused.event.type) or untyped_name(paused.event), room)
        words = f" {arrow} {paused.event.stamp_ns / 1e9:9.3f}  {why:<7} {name:<{room}} {size:>8}  {paused.stopped_by}"
        style = ("client" if is_client else "server") if paused.is_paused else "dim"
        return PageLine(((words, style),))


class FrameHolder(Protocol):
    """What can hold frames: one session, or all of them."""

    def arm(self, expression: str, direction: Direction | None = None) -> Breakpoint:
        """Hold what matches."""
        ...

    def disarm(self) -> None:
        """Hold nothing more."""
        ...


def ask_breakpoint(screen: Screen[None], holder: FrameHolder, where: str = "") -> None:
    """Ask what should be held; an empty direction means both, - takes every breakpoint away."""
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
    note = "Frames that match wait until you let them go on; those behind them wait too. - as the filter holds nothing more."

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

    screen.app.push_screen(FormDialog(f"Hold frames{where}", fields, note), answered)


def _wrapped(text: str, width: int) -> list[str]:
    width = max(20, width)
    return [
        line[at : at + width]
        for line in text.splitlines()
        for at in range(0, max(1, len(line)), width)
    ]

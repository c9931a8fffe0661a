"""ProxyScreen: the list of the sessions that apps have opened through the proxy."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from inspector.analysis.lint.linted_state import faults_of
from inspector.analysis.sanitize import sanitized
from inspector.clock import time_is_up
from inspector.engine.proxied_session import ProxiedSession
from inspector.engine.proxy_engine import Proxy
from inspector.engine.record import Connection
from inspector.engine.session_cost import SessionCost
from inspector.engine.session_verdict import VERDICT_BUDGET_S, SessionVerdict
from inspector.tui.common.footer import Footer
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import HeaderPart, header_line
from inspector.tui.common.keyed import KeyedScreen
from inspector.tui.common.text_page import PageLine, TextPage
from inspector.tui.session.session_header import rules_part
from inspector.tui.terminal.strips import fitted

# Enough for a list; each tick goes through all sessions.
TICK_HZ = 4
FIXED_COLUMNS = 47
"""Width of a line without the names of app and model."""
_STATES = {
    Connection.IDLE: "new",
    Connection.CONNECTING: "opening",
    Connection.LIVE: "live",
    Connection.CLOSED: "closed",
    Connection.REFUSED: "refused",
}


class ProxyScreen(KeyedScreen[None]):
    """One line per session, the newest last."""

    CSS_PATH = Path(__file__).with_name("proxy.tcss")

    BINDINGS = [
        Binding("enter", "open", "open", id="proxy.open", priority=True),
        Binding("f", "follow", "follow newest", id="proxy.follow"),
        Binding("S", "breakpoint", "breakpoint", id="proxy.breakpoint"),
        Binding("ctrl+x", "disconnect", "close session", id="proxy.close"),
        Binding("escape", "stay", "cancel", show=False, id="proxy.back"),
        Binding("q", "quit", "quit", id="proxy.quit"),
        KeyedScreen.HELP_KEY,
    ]

    def __init__(self, proxy: Proxy, glyphs: Glyphs) -> None:
        super().__init__()
        self.title = "Proxy"
        self._proxy = proxy
        self._glyphs = glyphs
        self._shown: list[ProxiedSession] = []
        self._follows = False
        self._followed = proxy.newest
        self._is_asked_to_quit = False
        self._faults: dict[int, tuple[int, int]] = {}
        """Errors of each session, by its number: all, and without the harmless ones."""
        self._judged: tuple[ProxiedSession, SessionCost, SessionVerdict] | None = None
        """The session that was looked at last, with its verdict."""

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        yield Static("", id="header", markup=False)
        yield Static("", id="columns", markup=False)
        yield TextPage(id="sessions")
        yield Static("", id="hint", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Focus the list and start the tick."""
        self.query_one("#sessions").focus()
        self.set_interval(1 / TICK_HZ, self.tick)
        self.call_after_refresh(self._after_first_frame)

    def _after_first_frame(self) -> None:
        self.tick()
        # In a thread, before the first session: its first event would import them while the app waits.
        self.run_worker(_load_rules, thread=True, exit_on_error=False)

    def on_screen_resume(self) -> None:
        """Unpin the session that was shown."""
        self._is_asked_to_quit = False
        if self.app.screen is self:  # not while switching from one session to another
            self._proxy.pinned = None

    def tick(self) -> None:
        """Update the list, and open a new session if following."""
        proxy = self._proxy
        self._shown = list(proxy.sessions)
        page = self.query_one("#sessions", TextPage)
        lines = [self._line(session, row) for row, session in enumerate(self._shown)]
        page.show(lines or self._invitation(), follow=bool(lines))
        self.query_one("#header", Static).update(self._header(), layout=False)
        self.query_one("#columns", Static).update(
            self._row(" ", "#", "app", "model", "state", "age", "events", "errors", "held"),
            layout=False,
        )
        self.query_one("#hint", Static).update(self._hint(), layout=False)
        self._follow()

    def _header(self) -> str:
        """Return the parts of the header: address, upstream, counts and rules."""
        proxy = self._proxy
        errors = sum(map(self._faults_of, self._shown))
        upstream = f"{self._glyphs.client} {sanitized(proxy.upstream)}"
        parts = (
            HeaderPart(f"{self._glyphs.dot} proxy"),
            HeaderPart(proxy.url),
            HeaderPart(upstream, rank=2, shortest=5),
            HeaderPart(f"{proxy.running} live · {proxy.opened_count} total"),
            HeaderPart(f"! {errors} error{'s' * (errors != 1)}" if errors else ""),
            HeaderPart("following newest" if self._follows else "", rank=3),
            rules_part(proxy.faults.rules, proxy.rule_hits, proxy.is_exhausted),
        )
        return header_line(parts, self.size.width)

    def _hint(self) -> str:
        proxy = self._proxy
        if self._is_asked_to_quit and proxy.running:
            is_one = proxy.running == 1
            sessions = "1 session is live." if is_one else f"{proxy.running} sessions are live."
            them = "it" if is_one else "them"
            return f" {sessions} Press {self.key('proxy.quit')} again to close {them} and quit, {self.key('proxy.back')} to cancel."
        latest = proxy.exchanges[-1] if proxy.exchanges else None
        if latest and latest.refusal:
            return f" {sanitized(str(latest))}"
        breakpoint_key = self.key("proxy.breakpoint")
        if proxy.armed:
            armed = ", ".join(map(str, proxy.armed))
            return f" breakpoint in all sessions: {armed} · {breakpoint_key} change"
        verdict = self._verdict_line()
        if verdict:
            return f" {self.key('proxy.open')} open   {verdict}"
        if latest:
            return f" last request: {sanitized(str(latest))}"
        if not self._shown:
            return f" waiting for an app   {breakpoint_key} set a breakpoint for all sessions"
        open_key, follow = self.key("proxy.open"), self.key("proxy.follow")
        return f" {open_key} open a session   {follow} open each new session"

    def _verdict_line(self) -> str:
        """Return what there is to know of the session under the cursor; only that one is looked at."""
        session = self._selected()
        if session is None:
            return ""
        if self._judged is None or self._judged[0] is not session:
            cost = SessionCost(session.header)
            self._judged = session, cost, SessionVerdict(cost)
        _, cost, verdict = self._judged
        is_time_up = time_is_up(VERDICT_BUDGET_S)
        while cost.is_behind(session.state) and not is_time_up():
            cost.step(session.state)
        verdict.update(session.state, is_over=session.has_ended)
        from inspector.analysis.verdict import verdict_line

        return verdict_line(verdict.parts)

    def _follow(self) -> None:
        """Open a new session, unless the user is busy with a dialog or another screen."""
        newest = self._proxy.newest
        if not self._follows or newest is None:
            self._followed = newest
        elif newest is not self._followed and self._is_free():
            self._followed = newest
            self._show(newest)

    def _is_free(self) -> bool:
        from inspector.tui.workspace.workspace import Workspace

        return isinstance(self.app.screen, ProxyScreen | Workspace)

    def action_open(self) -> None:
        """Open the session under the cursor."""
        session = self._selected()
        if session is not None:
            self._show(session)

    def action_follow(self) -> None:
        """Toggle opening each new session."""
        self._follows = not self._follows
        self.tick()

    def action_disconnect(self) -> None:
        """Close both connections of the session under the cursor."""
        session = self._selected()
        if session is not None:
            session.close()

    def action_breakpoint(self) -> None:
        """Ask for a breakpoint in all sessions."""
        from inspector.tui.proxy.paused_frames import ask_breakpoint

        ask_breakpoint(
            self, self._proxy, "Hold matching frames in all sessions, including new ones"
        )

    def action_stay(self) -> None:
        """Cancel quitting; this is the first screen, and esc never quits."""
        self._is_asked_to_quit = False
        self.tick()

    def action_quit(self) -> None:
        """Quit; sessions end with the program, so ask first while any is live."""
        if self._is_asked_to_quit or not self._proxy.running:
            self.app.exit(0)
        self._is_asked_to_quit = True
        self.tick()

    @on(TextPage.LineOpened)
    def _line_opened(self) -> None:
        self.action_open()

    def _show(self, session: ProxiedSession) -> None:
        from inspector.tui.proxy.proxied_workspace import proxied_workspace

        # Only one session screen at a time: the stack would grow with each switch.
        while self.app.screen is not self and len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        # Old sessions are dropped from memory, except the one on the screen.
        self._proxy.pinned = session
        self.app.push_screen(
            proxied_workspace(session, self._glyphs, partial(self._switch, session))
        )

    def _switch(self, session: ProxiedSession, step: int) -> None:
        sessions = self._proxy.sessions
        at = sessions.index(session) + step if session in sessions else -1
        if 0 <= at < len(sessions):
            self._show(sessions[at])
        else:
            which = "newest" if step > 0 else "oldest"
            self.app.notify(f"this is the {which} session", markup=False)

    def _selected(self) -> ProxiedSession | None:
        at = self.query_one("#sessions", TextPage).cursor
        return self._shown[at] if 0 <= at < len(self._shown) else None

    def _faults_of(self, session: ProxiedSession) -> int:
        """Return the errors of a session, without the harmless ones; asks its rules only after another error."""
        count = session.state.problems.errors
        known = self._faults.get(session.number)
        if known is None or known[0] != count:
            known = self._faults[session.number] = (count, faults_of(session.state))
        return known[1]

    def _line(self, session: ProxiedSession, row: int) -> PageLine:
        is_live = session.connection is Connection.LIVE
        errors = self._faults_of(session)
        paused = len(session.breakpoints.paused)
        seconds = (
            (session.log.end_us or 0) / 1e6
            if session.has_ended and len(session.log)
            else session.now_ns / 1e9
        )
        words = self._row(
            self._glyphs.dot if is_live else self._glyphs.ring,
            str(session.number),
            session.source.app or session.source.peer,
            session.state.session.model or session.source.model,
            _STATES[session.connection],
            _age(seconds),
            f"{len(session.log):,}",
            str(errors or ""),
            str(paused or ""),
        )
        style = "error" if errors else "warning" if paused else "base" if is_live else "dim"
        return PageLine(((words, style),), row)

    def _row(self, *cells: str) -> str:
        dot, number, app, model, state, age, events, errors, paused = cells
        room = max(20, self.size.width - FIXED_COLUMNS)
        app_width = room * 5 // 9
        model_width = room - app_width
        names = f"{fitted(app, app_width):<{app_width}} {fitted(model, model_width):<{model_width}}"
        return (
            f" {dot} {number:>4}  {names} {state:<8} {age:>7} {events:>7} {errors:>6} {paused:>4}"
        )

    def _invitation(self) -> list[PageLine]:
        http = f"http{self._proxy.url.removeprefix('ws')}/v1"
        trusted = self._proxy.trusted_file
        lines = (
            "",
            "  No app has connected yet. Point one here:",
            "",
            f"    OPENAI_BASE_URL={http}",
            f"    or, for a WebSocket client, {self._proxy.url}/v1/realtime?model=…",
            "",
            "  The app's own key goes through to the server; it is not recorded.",
            *(
                [
                    "  It must trust this certificate (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS):",
                    f"    {trusted}",
                ]
                if trusted
                else []
            ),
        )
        return [PageLine(((line, "dim" if "=" not in line else "head"),)) for line in lines]


def _age(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes else f"{seconds:.1f} s"


def _load_rules() -> None:
    """Import the rules."""
    import_module("inspector.analysis.lint.lint_run")

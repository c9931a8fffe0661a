"""The proxy's screens: its list of sessions, one session, and its held frames; over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static, TextArea
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin as PageOrigin

from inspector.engine.proxied_session import FrameRules
from inspector.tui.app import InspectorApp
from inspector.tui.common.glyphs import UNICODE
from inspector.tui.common.status_line import StatusLine
from inspector.tui.proxy.paused_frames import PausedFramesScreen
from inspector.tui.proxy.proxy_screen import ProxyScreen
from inspector.tui.workspace.workspace import Workspace
from tests.engine.proxied_stage import faults
from tests.proxy_stage import PATIENCE_S, Stage, proxied
from tests.sources.loopback import websocket_server
from tests.tui.pacing import tick

Scenario = Callable[["View"], Awaitable[None]]


class View:
    """The screen and its proxy."""

    def __init__(
        self, pilot: Pilot[int], screen: ProxyScreen, stage: Stage, received: list[str | bytes]
    ) -> None:
        self.pilot, self.screen, self.stage, self.received = pilot, screen, stage, received

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        await self.pilot.pause()
        screen = self.pilot.app.screen
        if isinstance(screen, ProxyScreen | Workspace | PausedFramesScreen):
            await self.stage.until(lambda: screen.query("EventPane, TextPage"))
            tick(screen)
        await self.pilot.pause()

    def shown(self) -> str:
        strips = self.pilot.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    def shows(self, kind: type[Screen[None]]) -> bool:
        return type(self.pilot.app.screen) is kind

    def line(self, selector: str) -> str:
        line = self.pilot.app.screen.query_one(selector)
        assert isinstance(line, Static | StatusLine)
        return str(line.content)

    @asynccontextmanager
    async def app(self) -> AsyncIterator[ClientConnection]:
        async with self.stage.app(user_agent_header="my-app/1 [red]") as app:
            await app.recv()
            await self.settle()
            yield app


def run(
    scenario: Scenario,
    size: tuple[int, int] = (120, 40),
    faults: FrameRules | None = None,
    answers: tuple[str, ...] = (),
) -> None:
    async def main() -> None:
        received: list[str | bytes] = []

        async def handler(connection: ServerConnection) -> None:
            await connection.send('{"type":"session.created","session":{"model":"gpt-realtime"}}')
            with contextlib.suppress(ConnectionClosed):
                while True:
                    received.append(await connection.recv())
                    if "response.create" in str(received[-1]):
                        for name in answers:
                            await connection.send(f'{{"type":"{name}"}}')

        async with (
            websocket_server(handler) as server,
            proxied(server, faults=faults) as stage,
        ):
            screen = ProxyScreen(stage.proxy, UNICODE)
            async with InspectorApp(screen).run_test(size=size) as pilot:
                await scenario(View(pilot, screen, stage, received))

    asyncio.run(main())


def test_an_empty_list_says_where_to_point_an_app() -> None:
    async def scenario(view: View) -> None:
        await view.settle()

        assert f"OPENAI_BASE_URL=http{view.stage.url[2:]}/v1" in view.shown()
        await view.press("enter", "ctrl+x", "escape")
        assert view.shows(ProxyScreen)

    run(scenario)
    run(scenario, size=(80, 24))


def test_a_rejected_page_is_shown_in_the_hint() -> None:
    async def scenario(view: View) -> None:
        with pytest.raises(InvalidStatus):
            await view.stage.app(origin=PageOrigin("http://evil.example"))
        await view.settle()

        assert "refused GET /v1/realtime?model=m with 403" in view.line("#hint")
        assert "http://evil.example" in view.line("#hint")

    run(scenario)


def test_a_session_is_a_line_and_enter_opens_it_and_q_leaves_the_app_alone() -> None:
    async def scenario(view: View) -> None:
        async with view.app() as app:
            assert "my-app/1 [red]" in view.shown()
            assert "gpt-realtime" in view.shown()
            await view.press("enter")
            assert view.shows(Workspace)
            assert "session.created" in view.shown()
            assert view.stage.proxy.pinned is view.stage.session
            await view.press("q")
            assert view.shows(ProxyScreen)
            assert view.stage.proxy.pinned is None
            await asyncio.wait_for(await app.ping(), PATIENCE_S)

    run(scenario)


def test_following_opens_the_newest() -> None:
    async def scenario(view: View) -> None:
        await view.press("f")
        async with view.app():
            view.screen.tick()
            await view.settle()
            assert view.shows(Workspace)
            first = view.stage.session
            async with view.app():
                view.screen.tick()
                await view.settle()
                assert view.stage.proxy.pinned is view.stage.session is not first
                assert len(view.pilot.app.screen_stack) == 2

    run(scenario)


def test_a_session_can_be_closed_from_the_list() -> None:
    async def scenario(view: View) -> None:
        async with view.app() as app:
            await view.press("ctrl+x")
            async with asyncio.timeout(PATIENCE_S):
                await app.wait_closed()
            assert app.close_code == 1001
            await view.settle()
            assert "closed" in view.shown()

    run(scenario)


def test_a_breakpoint_holds_frames_that_keys_act_on() -> None:
    async def scenario(view: View) -> None:
        async with view.app() as app:
            await view.press("enter", "S")
            view.pilot.app.screen.query_one("#field-filter", Input).value = "type:x*"
            await view.press("enter")
            for name in ("x1", "x2", "x3"):
                await app.send(f'{{"type":"{name}"}}')
            await view.stage.until(lambda: len(view.stage.session.breakpoints.paused) == 3)
            await view.settle()
            assert "3 held: x1 to the API" in view.line("#hint")
            await view.press("H")
            assert view.shows(PausedFramesScreen)
            assert '{"type":"x1"}' in view.shown()
            await view.press("d")
            await view.press("enter")
            await view.press("R")
            await view.stage.until(lambda: len(view.received) == 2)

            assert view.received == ['{"type":"x2"}', '{"type":"x3"}']
            assert "No frame is held" in view.shown()
            await view.press("q", "q")
            assert view.shows(ProxyScreen)

    run(scenario)
    run(scenario, size=(80, 24))


def test_a_held_frame_is_edited_here_and_goes_as_it_came_if_nothing_was_changed() -> None:
    async def scenario(view: View) -> None:
        async with view.app() as app:
            view.stage.session.breakpoints.arm("type:x*")
            for number in (1, 2, 3):
                await app.send(f'{{"type":"x", "n":{number}.0}}')
            await view.stage.until(lambda: len(view.stage.session.breakpoints.paused) == 3)
            await view.press("enter", "H", "i")
            assert "Edit x" in view.shown()
            await view.press("f5", "i")
            area = view.pilot.app.screen.query_one(TextArea)
            area.text = area.text.replace("2.0", "22")
            await view.press("f5", "i", "escape")
            assert len(view.stage.session.breakpoints.paused) == 1
            await view.press("enter")
            await view.stage.until(lambda: len(view.received) == 3)

            assert view.received[0] == '{"type":"x", "n":1.0}'
            assert json.loads(view.received[1]) == {"type": "x", "n": 22}
            assert view.received[2] == '{"type":"x", "n":3.0}'
            assert len(view.stage.facts("inspector.altered")) == 1

    run(scenario)


def test_a_held_frame_is_replied_to_as_the_server() -> None:
    async def scenario(view: View) -> None:
        async with view.app() as app:
            view.stage.session.breakpoints.arm("")
            await app.send('{"type":"x"}')
            await view.stage.until(lambda: view.stage.session.breakpoints.paused)
            await view.press("enter", "H", "r")
            view.pilot.app.screen.query_one("#field-answer", Input).value = '{"type":"mine"}'
            await view.press("enter")

            assert await asyncio.wait_for(app.recv(), PATIENCE_S) == '{"type":"mine"}'
            assert view.received == []

    run(scenario)


def test_an_event_is_injected_into_the_app() -> None:
    async def scenario(view: View) -> None:
        async with view.app() as app:
            await view.press("enter", "I")
            view.pilot.app.screen.query_one("#field-event", Input).value = '{"type":"mine"}'
            await view.press("enter")

            assert await asyncio.wait_for(app.recv(), PATIENCE_S) == '{"type":"mine"}'

    run(scenario)


def test_actions_of_a_live_session_are_not_offered() -> None:
    async def scenario(view: View) -> None:
        async with view.app():
            await view.press("enter")
            screen = view.pilot.app.screen
            assert isinstance(screen, Workspace)

            offered = {bound.binding.action for bound in screen.active_bindings.values()}
            assert {"breakpoint", "held", "inject", "truncate"} <= offered
            assert not {"talk", "open_microphone", "mute", "auto_truncate", "devices"} & offered
            assert not {"Talk", "Audio devices"} & {command.title for command in screen.palette()}
            assert not {"talk", "mute", "mic", "speaker", "fault"} & set(screen.commands())
            await view.press("A", "p", "exclamation_mark")
            assert view.shows(Workspace)

    run(scenario)


def test_the_keys_are_in_help_and_palette() -> None:
    async def scenario(view: View) -> None:
        assert "Follow newest" in {command.title for command in view.screen.palette()}
        await view.press("question_mark")
        assert "follow newest" in view.shown()
        await view.press("escape")
        assert view.shows(ProxyScreen)

    run(scenario)


def test_a_breakpoint_can_be_set_before_a_session_starts() -> None:
    async def scenario(view: View) -> None:
        await view.press("S")
        view.pilot.app.screen.query_one("#field-filter", Input).value = "type:x"
        await view.press("enter")
        assert "breakpoint in all sessions: type:x" in view.line("#hint")
        async with view.app() as app:
            await app.send('{"type":"x"}')
            await view.stage.until(lambda: view.stage.session.breakpoints.paused)
            assert view.received == []
            await view.press("S")
            view.pilot.app.screen.query_one("#field-filter", Input).value = "-"
            await view.press("enter")
            assert not view.stage.session.breakpoints.armed
            assert view.stage.session.breakpoints.paused

    run(scenario)


def test_a_key_goes_to_the_session_before_and_after() -> None:
    async def scenario(view: View) -> None:
        async with view.app(), view.app():
            first, second = view.stage.proxy.sessions
            await view.press("home", "enter")
            assert view.stage.proxy.pinned is first
            await view.press("right_square_bracket")
            assert view.stage.proxy.pinned is second
            await view.press("right_square_bracket")
            assert view.stage.proxy.pinned is second
            await view.press("left_square_bracket")
            assert view.stage.proxy.pinned is first
            assert len(view.pilot.app.screen_stack) == 2

    run(scenario)


def test_following_does_not_close_a_dialog() -> None:
    async def scenario(view: View) -> None:
        async with view.app():
            await view.press("f", "enter", "S")
            view.pilot.app.screen.query_one("#field-filter", Input).value = "type:mine"
            first = view.stage.session
            async with view.app():
                view.screen.tick()
                await view.press("enter")
                assert str(first.breakpoints.armed[0].query.expression) == "type:mine"
                view.screen.tick()
                await view.settle()
                assert view.stage.proxy.pinned is view.stage.session is not first

    run(scenario)


def test_quitting_asks_while_sessions_run() -> None:
    async def scenario(view: View) -> None:
        async with view.app():
            await view.press("q")
            assert "q again" in view.line("#hint")
            await view.press("escape")
            assert "q again" not in view.line("#hint")
            await view.press("q")
            assert view.pilot.app.is_running
            await view.pilot.press("q")
            assert view.pilot.app.return_value == 0

    run(scenario)


def test_a_narrow_header_keeps_the_errors() -> None:
    async def scenario(view: View) -> None:
        async with view.app() as app:
            await app.send('{"type":"response.create"}')
            await app.recv()
            await view.press("enter")
            assert "! 1 error" in view.shown().splitlines()[0]

    run(scenario, size=(80, 24), answers=("error",))


RULES = """
[[rule]]
match = "type:response.done"
do = "drop"
times = 1

[[rule]]
match = "type:session.update"
do = "inject"
to = "app"
event = { type = "error", error = { code = "rate_limit_exceeded", message = "slow down" } }
"""


def test_rule_actions_are_shown_in_the_receivers_pane_and_are_not_errors(tmp_path: Path) -> None:
    async def scenario(view: View) -> None:
        async with view.app() as app:
            assert "rules 2: drop ×0, inject ×0" in view.line("#header")
            await app.send('{"type":"session.update"}')
            await app.send('{"type":"response.create"}')
            await app.recv()
            await view.stage.until(lambda: view.stage.facts("inspector.altered"))
            await view.settle()
            header = view.line("#header")
            assert f"→ {view.stage.proxy.upstream}" in header
            assert "rules 2: drop ×1 spent, inject ×1" in header
            assert "error" not in header
            await view.press("enter")
            assert "rules 2: drop ×1 spent, inject ×1" in view.line("#header")
            assert "1 error" not in view.line("#header")
            lines = [" ".join(line.split()) for line in view.shown().splitlines()]
            told = [line for line in lines if "⇠" in line or "✕" in line]
            assert [line.partition("⇠")[2] or line.partition("✕")[2] for line in told] == [
                " injected (rule 2) error", " error rate_limit_exceeded slow down", " dropped (rule 1) response.done",
            ]  # fmt: skip
            screen = view.pilot.app.screen
            assert isinstance(screen, Workspace)
            row = next(e.seq for e in view.stage.events() if e.type == "error") - 1
            screen.show_row(row)
            await view.settle()
            shown = view.shown()
            assert "injected (rule 2) · " in shown
            assert "▸ injected (rule 2), see seq" in shown
            assert "by hand" not in shown

    run(scenario, faults=faults(tmp_path, RULES), answers=("response.done",))

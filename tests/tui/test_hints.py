"""The hint lines: true, with the user's own keys, and fitted to the width."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from inspector.clock import SystemClock
from inspector.engine.live_engine import Engine
from inspector.engine.replay import Replay
from inspector.engine.session_sound import SessionSound
from inspector.engine.sound_places import NO_SOUND, SoundOptions
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.recording.opening import open_recording
from inspector.recording.writer import RecordingFile
from inspector.tui.app import InspectorApp
from inspector.tui.common.dialog import FormDialog
from inspector.tui.common.glyphs import UNICODE
from inspector.tui.common.hint import hint
from inspector.tui.common.keycaps import ELSEWHERE, default_keycap, spelled
from inspector.tui.common.keymap import PLACES, all_bindings, bindings_on
from inspector.tui.common.look import Look
from inspector.tui.common.status_line import StatusLine
from inspector.tui.form.form_control import FormControl
from inspector.tui.form.form_screen import SessionFormScreen
from inspector.tui.home.theme_dialog import ThemeDialog
from inspector.tui.sending.action_line import SESSION_BUTTONS, action_line, useless_actions
from inspector.tui.sending.sending_part import Sending
from inspector.tui.session.devices import DevicesDialog
from inspector.tui.session.live_workspace import ConnectionControls, session_workspace
from inspector.tui.session.replay_workspace import replay_workspace
from inspector.tui.workspace.workspace import Workspace
from tests.support import FakeSource, ManualClock
from tests.tui.pacing import tick

EXAMPLE = Path(__file__).parents[2] / "sessions" / "example-truncated-answer.jsonl"
SESSION = {"id": "sess_1", "type": "realtime", "model": "gpt-realtime"}
BUTTONS = SESSION_BUTTONS


class Stage:
    """A session on the screen, with a user's keymap."""

    def __init__(self, pilot: Pilot[int], screen: Workspace, source: FakeSource) -> None:
        self.pilot, self.screen, self.source = pilot, screen, source

    async def settle(self) -> None:
        await self.pilot.pause()
        tick(self.screen)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            tick(self.screen)
        await self.settle()

    def line(self, selector: str) -> str:
        found = self.screen.query_one(selector)
        assert isinstance(found, Static | StatusLine)
        return str(found.content)


def live(
    scenario: Callable[[Stage], Awaitable[None]],
    keys: dict[str, str] | None = None,
    size: tuple[int, int] = (160, 40),
) -> None:
    async def run() -> None:
        source, clock = FakeSource(), SystemClock()
        engine = Engine(source, RecordingFile(None, clock), clock, strict=True)
        engine.sound = SessionSound(engine, SoundOptions(NO_SOUND, NO_SOUND))
        async with TaskSupervisor() as host:
            screen = session_workspace(host, engine, UNICODE)
            app = InspectorApp(screen, Look(keys=keys or {}))
            async with app.run_test(size=size) as pilot:
                source.say("session.created", session=SESSION)
                stage = Stage(pilot, screen, source)
                await stage.settle()
                await scenario(stage)
                if engine.can_send:
                    source.hang_up()

    asyncio.run(run())


def answering(source: FakeSource) -> None:
    source.say("response.created", response={"id": "resp_1", "status": "in_progress"})


def an_error(source: FakeSource) -> None:
    source.say("error", error={"type": "invalid_request_error", "message": "no"})


def a_call(source: FakeSource) -> None:
    call = {"id": "i", "type": "function_call", "call_id": "c", "name": "f", "status": "completed"}
    source.say("conversation.item.added", previous_item_id=None, item=call)


def test_keys_of_unloaded_owners_match_their_bindings() -> None:
    bound = {binding.id: binding.keys for binding in all_bindings()}

    assert {name: tuple(map(spelled, keys.split(","))) for name, keys in ELSEWHERE.items()} == {
        name: bound[name] for name in ELSEWHERE
    }


def test_no_view_shadows_a_key_of_a_proxied_session() -> None:
    own = {"proxied.breakpoint", "proxied.resume", "proxied.held", "proxied.inject"}
    place = next(place for place in PLACES if place.name == "proxied session")
    keys = {key for b in all_bindings() if b.id in own for key in b.keys}
    widgets = [
        groups[0] for _, groups in bindings_on(place) if len(groups) == 1 + len(place.parts) + 2
    ]

    assert place.widgets
    assert not keys & {key for group in widgets for binding in group for key in binding.keys}


def test_a_session_shows_the_users_keys() -> None:
    keys = {
        "session.send": "z",
        "session.create": "f9",
        "session.cancel": "K",
        "session.truncate": "ctrl+y",
        "sound.auto_truncate": "J",
        "sound.talk": "d",
        "talk.answer": "W",
        "pane.next_error": "U",
    }

    async def scenario(stage: Stage) -> None:
        assert "z write a message · F9" in stage.line("#hint")
        assert "d push to talk" in stage.screen.model.readings(stage.screen.key)[0].note
        answering(stage.source)
        await stage.settle()
        assert "K cancel   ctrl+y truncate" in stage.line("#hint")
        assert "automatically (J" in stage.line("#hint")
        an_error(stage.source)
        await stage.settle()
        assert "U next error" in stage.line("#hint")
        a_call(stage.source)
        await stage.settle()
        assert "needs its output: 2, then W" in stage.line("#hint")
        await stage.press("2")
        assert "needs its output: W" in stage.line("#hint")
        assert "z send" in stage.line("#actions")

    live(scenario, keys)


def test_the_key_for_errors_is_shown_where_it_works() -> None:
    async def scenario(stage: Stage) -> None:
        assert "next error" not in stage.line("#hint")
        an_error(stage.source)
        await stage.settle()
        assert "e next error" in stage.line("#hint")
        await stage.press("3")
        assert "next error" not in stage.line("#hint")
        await stage.press("1", "e")
        assert stage.screen.event_log.type_of(stage.screen.selected) == "error"

    live(scenario, size=(80, 24))


def test_a_replay_shows_the_users_keys() -> None:
    async def run() -> None:
        clock = ManualClock()
        replay = Replay(open_recording(EXAMPLE, clock), clock)
        screen = replay_workspace(replay, UNICODE)
        keys = {
            "replay.play": "z",
            "replay.step": "J",
            "replay.step_back": "K",
            "replay.faster": "f9",
            "view.conversation": "d",
            "pane.last": "L",
        }
        async with InspectorApp(screen, Look(keys=keys)).run_test(size=(200, 40)) as pilot:
            await pilot.pause()
            screen.tick()
            resting = screen.hint_text()
            await pilot.press("z")
            screen.tick()
            playing = screen.hint_text()
            await pilot.press("4")
            await pilot.pause()
            in_timeline = screen.hint_text()
            empty = screen.model.empty_conversation(screen.key)
        replay.close()

        assert resting.startswith(" z play   J and K step   e next error   d conversation")
        assert playing == " playing   z pause   F9 and - change speed"
        assert in_timeline == " playing   z pause"
        assert "Press L in Events" in empty

    asyncio.run(run())


@pytest.mark.parametrize(
    ("make", "keys", "words"),
    [
        (lambda: FormDialog("t", ()), {"dialog.cancel": "f9"}, "F9 cancel"),
        (ThemeDialog, {"themes.cancel": "f9"}, "F9 cancel"),
    ],
)
def test_a_dialog_shows_the_users_keys(
    make: Callable[[], Screen[object]], keys: dict[str, str], words: str
) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.screen.app.push_screen(make())
        shown = str(stage.screen.app.screen.query_one(".keys", Static).content)
        assert words in shown

    live(scenario, keys)


def test_the_devices_and_the_form_show_the_users_keys() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("A")
        devices = stage.screen.app.screen
        assert isinstance(devices, DevicesDialog)
        assert "z monitor" in str(devices.query_one(".keys", Static).content)
        await stage.press("escape", "u")
        form = stage.screen.app.screen
        assert isinstance(form, SessionFormScreen)
        assert "f back" in str(form.query_one("#form-hint", Static).content)

    live(scenario, {"devices.listen": "z", "form.back": "f"})


def test_the_last_part_of_a_hint_is_dropped_first() -> None:
    line = hint("what is true", "first", "second")

    assert line.line(40) == " what is true   first   second"
    assert line.line(22) == " what is true  first"
    assert line.line(5) == " what is true"


@pytest.mark.parametrize("width", [200, 120, 80, 40, 10])
@pytest.mark.parametrize("step", ["create", "reconnect", ""])
def test_the_buttons_fit_and_include_the_next_step(width: int, step: str) -> None:
    line = action_line(
        BUTTONS, partial(default_keycap, (Sending, FormControl, ConnectionControls)), step, width
    )

    assert isinstance(line, Content)
    assert len(line.plain.rstrip()) <= max(width, len(" ctrl+r reconnect"))
    assert step in line.plain
    assert line.plain.rstrip().rpartition(" ")[2] in {
        word for button in BUTTONS for word in (button.label.split()[-1], button.short)
    }


def test_a_session_offers_only_useful_actions() -> None:
    realtime, translation = (
        {b.action for b in BUTTONS} - useless_actions(kind, is_connected=True)
        for kind in ("realtime", "translation")
    )

    assert translation == {"send", "form", "disconnect"}
    assert translation < realtime
    assert "reconnect" not in realtime
    assert "reconnect" not in useless_actions("realtime", is_connected=False)


def test_the_next_step_is_a_button_at_eighty_columns() -> None:
    async def scenario(stage: Stage) -> None:
        assert "s send" in stage.line("#actions")
        stage.source.hang_up(1006, "")
        await stage.settle()
        assert "ctrl+r reconnect" in stage.line("#actions")
        assert "ctrl+r reconnect" in stage.line("#hint")

    live(scenario, size=(80, 24))

"""A recording on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from inspector.engine.replay import Replay
from inspector.recording.opening import open_recording
from inspector.shipped import shipped_folder
from inspector.tui.app import InspectorApp
from inspector.tui.common.glyphs import ASCII, UNICODE, Glyphs
from inspector.tui.common.status_line import StatusLine
from inspector.tui.session.replay_workspace import ReplayTransport, replay_workspace
from inspector.tui.views.events.event_pane import EventPane
from inspector.tui.workspace.workspace import Workspace
from tests.support import ManualClock, recordings
from tests.tui.pacing import tick

EXAMPLE = shipped_folder("sessions") / "example-truncated-answer.jsonl"


class Stage:
    def __init__(
        self, pilot: Pilot[int], screen: Workspace, replay: Replay, clock: ManualClock
    ) -> None:
        self.pilot, self.screen, self.replay, self.clock = pilot, screen, replay, clock

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            tick(self.screen)
        await self.pilot.pause()

    async def take_sound(self, *keys: str) -> list[tuple[int, int]]:
        """Press keys, and play or write the selected sound; return the bytes and rate that were played."""
        played: list[tuple[int, int]] = []
        self.screen.play_sound = lambda pcm, rate_hz: played.append((len(pcm), rate_hz))
        await self.press(*keys)
        await self.press("w")
        await self.press("P")
        await self.pilot.app.workers.wait_for_complete()
        return played

    def line(self, selector: str) -> str:
        return self.screen.query_one(selector, StatusLine).content

    def shown(self) -> str:
        strips = self.pilot.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def on_stage(
    scenario: Callable[[Stage], Awaitable[None]],
    path: Path = EXAMPLE,
    size: tuple[int, int] = (120, 40),
    glyphs: Glyphs = UNICODE,
) -> None:
    async def run() -> None:
        clock = ManualClock()
        replay = Replay(open_recording(path, clock), clock)
        screen = replay_workspace(replay, glyphs)
        async with InspectorApp(screen).run_test(size=size) as pilot:
            await pilot.pause()
            tick(screen)
            await pilot.pause()
            await scenario(Stage(pilot, screen, replay, clock))
        replay.close()

    asyncio.run(run())


def test_a_recording_opens_at_its_end_with_every_view_filled() -> None:
    async def scenario(stage: Stage) -> None:
        assert stage.replay.cursor == 115
        assert "116 events" in stage.line("#header")
        assert "1 error " in stage.line("#header")
        assert "event 116 of 116" in stage.line("#transport")
        assert stage.screen.events.panes.focused.cursor == 115
        await stage.press("2")
        assert "Your name is Alice." in stage.shown()
        await stage.press("0")
        assert "1 of 116" in stage.line("#transport")
        await stage.press("p")
        assert stage.replay.is_playing
        assert stage.replay.cursor == 0

    on_stage(scenario)


def test_a_recording_that_is_still_read_stays_at_its_end_until_the_cursor_is_moved() -> None:
    async def scenario(stage: Stage) -> None:
        transport = stage.screen.query_one(ReplayTransport)
        transport._is_opening, transport._end_row = True, 115
        stage.replay.seek_row(115)
        await stage.press("comma")
        assert stage.replay.cursor == 114
        stage.screen.tick()
        assert stage.replay.cursor == 114
        assert not transport._is_opening

    on_stage(scenario)


def test_playing_follows_the_recordings_clock() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("p")
        stage.clock.advance(1000)
        await stage.press("m")
        assert stage.replay.is_playing
        at = stage.replay.cursor
        assert stage.replay.log.t_us[at] <= 1_000_000 < stage.replay.log.t_us[at + 1]
        await stage.press("p")
        assert not stage.replay.is_playing

    on_stage(scenario)


def test_speed_changes_and_as_fast_as_possible_reaches_the_end() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("plus")
        assert "2×" in stage.line("#transport")
        await stage.press(*["plus"] * 6)
        assert "max" in stage.line("#transport")
        await stage.press("p")
        assert stage.replay.cursor == 115

    on_stage(scenario)


def test_steps_move_by_one_event_and_selection_moves_the_cursor() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("0", "full_stop", "full_stop")
        assert stage.replay.cursor == 2
        await stage.press("comma")
        assert stage.replay.cursor == 1
        await stage.press("j")
        assert stage.replay.cursor == stage.screen.selected

    on_stage(scenario)


def test_seeking_by_time_and_by_event() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("colon", *"row 86", "enter")
        assert stage.replay.cursor == 85
        await stage.press("colon", *"seek 2", "enter")
        row = stage.replay.cursor
        assert stage.replay.log.t_us[row] <= 2_000_000 < stage.replay.log.t_us[row + 1]
        await stage.press("colon", *"row 5000", "enter")
        assert stage.replay.cursor == row

    on_stage(scenario)


def test_seeking_works_in_every_view_and_skips_silence(tmp_path: Path) -> None:
    path = tmp_path / "silence.jsonl"
    head = EXAMPLE.read_bytes().splitlines()[0]
    events = [
        f'{{"seq":{n},"t":{t},"dir":"server","origin":"wire","type":"x","event":{{"type":"x"}}}}'
        for n, t in enumerate((0.5, 1.0, 31.0), 1)
    ]
    path.write_text("\n".join([head.decode(), *events, ""]))

    async def scenario(stage: Stage) -> None:
        await stage.press("2", "colon", *"seek 12.5", "enter")
        assert stage.screen.current_view == "conversation"
        assert (stage.replay.cursor, stage.replay.t_us) == (1, 12_500_000)
        assert "12.500 / 31.000 s   event 2 of 3" in stage.line("#transport")
        await stage.press("right", "right", "right", "right")
        assert stage.replay.cursor == 2
        await stage.press("left")
        assert (stage.replay.cursor, stage.replay.t_us) == (1, 26_000_000)

    on_stage(scenario, path)


@pytest.mark.parametrize(
    ("text", "shown"), [("0.25", "0.25×"), ("16x", "16×"), (".5", "0.5×"), ("max", "max")]
)
def test_a_speed_is_set_by_its_name(text: str, shown: str) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("colon", *f"speed {text}", "enter")
        assert f" {shown} " in stage.line("#transport")
        await stage.press("colon", *"speed soon", "enter")
        said = [notice.message for notice in stage.pilot.app._notifications]
        assert said == [
            ":speed: unknown speed; choose one of 0.25×, 0.5×, 1×, 2×, 4×, 8×, 16×, max"
        ]

    on_stage(scenario)


def test_conversation_and_session_follow_the_cursor() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("0", "2")
        assert "The conversation is empty" in stage.shown()
        await stage.press("1", "G", "2")
        assert "Your name is Alice." in stage.shown()
        assert "truncated at" in stage.shown()
        await stage.press("1", "g", "2")
        assert "The conversation is empty" in stage.shown()

    on_stage(scenario)


def test_nothing_can_be_sent_and_the_reason_is_given() -> None:
    async def scenario(stage: Stage) -> None:
        before = len(stage.replay.log)
        await stage.press("s", "c", "t")
        assert len(stage.replay.log) == before
        assert any(
            "no server to send to" in note.message for note in stage.pilot.app._notifications
        )

    on_stage(scenario)


def test_a_refused_event_is_marked() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press("G", "tab", "tab", "G")
        assert "✗ invalid_value" in stage.shown()

    on_stage(scenario, size=(170, 40))


def test_ascii_terminals_get_ascii() -> None:
    async def scenario(stage: Stage) -> None:
        pane = stage.screen.query_one("#server", EventPane)
        text = "".join(
            segment.text for line in pane.render_lines(pane.size.region) for segment in line
        )
        assert not {"→", "←", "┌", "▸", "─", "│"} & set(text)

    on_stage(scenario, glyphs=ASCII)


@pytest.mark.parametrize("text", ["", '{"format":', '{"format":"realtime-session"'])
def test_empty_files_open_to_an_empty_screen(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text)

    async def scenario(stage: Stage) -> None:
        stage.pilot.app.clear_notifications()
        tick(stage.screen)
        assert "no events" in stage.line("#hint")
        for key in ("j", "p", "full_stop", "2", "3", "1", "enter", "space", "e", "y", "G"):
            await stage.press(key)

    on_stage(scenario, path)


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_foreign_recordings_open_in_every_view(path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.press(
            "colon",
            *"speed max",
            "enter",
            "p",
            "2",
            "3",
            "1",
            "v",
            "space",
            "enter",
            "w",
            "escape",
            "e",
        )
        assert len(stage.replay.log)
        assert stage.replay.state.folds == stage.replay.state.every_fold()

    on_stage(scenario, path)


def test_a_recording_without_times_shows_none_and_goes_by_events(tmp_path: Path) -> None:
    item = '{"id":"i","type":"message","role":"user","status":"completed","content":[]}'
    events = [
        '{"type":"session.created","session":{"id":"s","model":"m"}}',
        '{"type":"session.updated","session":{"id":"s","model":"m"}}',
        f'{{"type":"conversation.item.added","item":{item}}}',
        *['{"type":"ping"}'] * 9,
    ]
    path = tmp_path / "untimed.jsonl"
    path.write_text("".join(f'{{"dir":"server","event":{event}}}\n' for event in events))

    async def scenario(stage: Stage) -> None:
        shown = []
        await stage.press("0", *["full_stop"] * 6)
        await stage.press("left")
        assert stage.replay.cursor == 1
        await stage.press("right")
        assert stage.replay.cursor == 6
        await stage.press("enter")
        for key in ("m", "2", "3", "4", "1"):
            await stage.press(key)
            shown.append(stage.shown())
        await stage.press("colon", *"seek 9", "enter")
        assert stage.replay.cursor == 8
        assert "event 9 of 12" in stage.line("#transport")
        stage.pilot.app.clear_notifications()
        tick(stage.screen)
        assert "seek EVENT" in stage.line("#hint")
        await stage.press("p")
        stage.clock.advance(500)
        stage.screen.tick()
        assert stage.replay.cursor == 10
        shown.append(stage.shown())
        assert not [text for text in shown if "0.0" in text or " 0 s" in text]
        assert "#3  user" in shown[1]
        assert "confirmed at #2" in shown[2]

    on_stage(scenario, path, (160, 40))

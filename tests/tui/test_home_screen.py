"""The home screen: its entries, their facts, and what to do next."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from inspector.cli.launch import SessionLauncher
from inspector.cli.new_recording import finish_recording
from inspector.clock import SystemClock
from inspector.config import load_settings
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.folders import Folders
from inspector.muted_rules import MutedRules, MuteScope
from inspector.shipped import shipped_folder
from inspector.tui.app import InspectorApp
from inspector.tui.common.glyphs import UNICODE
from inspector.tui.common.look import Look
from inspector.tui.home.home_screen import HomeScreen
from tests.tui.stages import CONFIG


class Home:
    """The home screen over folders of the test."""

    def __init__(self, pilot: Pilot[int], screen: HomeScreen) -> None:
        self.pilot, self.screen = pilot, screen

    @property
    def lines(self) -> list[str]:
        choices = self.screen.query_one("#choices", OptionList)
        return [str(choices.get_option_at_index(at).prompt) for at in range(choices.option_count)]

    def line(self, words: str) -> str:
        return next(line for line in self.lines if words in line)

    @property
    def hint(self) -> str:
        return str(self.screen.query_one("#home-hint", Static).content)

    @property
    def screen_now(self) -> str:
        return type(self.pilot.app.screen).__name__

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def point_at(self, option: str) -> None:
        choices = self.screen.query_one("#choices", OptionList)
        choices.highlighted = choices.get_option_index(option)
        await self.pilot.pause()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not is_so():
                await self.pilot.pause(0.02)


def launcher_in(folder: Path, environment: Mapping[str, str] | None = None) -> SessionLauncher:
    file = folder / "config.toml"
    folders = Folders(
        folder / "sessions", file, folder / "themes", folder / "state", folder, folder / "cache"
    )
    return SessionLauncher(load_settings({}, {}, file), folders, environment or {}, SystemClock())


def at_home(
    scenario: Callable[[Home], Awaitable[None]],
    folder: Path,
    *,
    config: str = "",
    environment: Mapping[str, str] | None = None,
    keys: Mapping[str, str] | None = None,
    size: tuple[int, int] = (120, 40),
) -> None:
    (folder / "config.toml").write_text(config)
    launch = launcher_in(folder, environment)

    async def run() -> None:
        async with TaskSupervisor() as host:
            screen = HomeScreen(host, launch, UNICODE)
            app = InspectorApp(screen, Look(keys=keys or {}))
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await scenario(Home(pilot, screen))
        for recording in (engine.recording for engine in launch.opened):
            finish_recording(recording)

    asyncio.run(run())


def test_the_first_start_says_what_to_do(tmp_path: Path) -> None:
    async def scenario(home: Home) -> None:
        assert any("No recordings yet" in line for line in home.lines)
        assert any("z write a message" in line for line in home.lines)
        assert "enter start the simulator" in home.hint
        assert home.line("example-truncated-answer")

    at_home(scenario, tmp_path, keys={"session.send": "z"})


def test_recordings_are_listed_with_their_facts(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    example = Path(__file__).parents[2] / "sessions" / "example-truncated-answer.jsonl"
    (folder / "good.jsonl").write_bytes(example.read_bytes())
    (folder / "broken[b].jsonl").write_text("hello\n")
    (folder / "empty.jsonl").write_text("")

    async def scenario(home: Home) -> None:
        await home.until(lambda: "gpt-realtime" in home.line(" good"))
        await home.until(lambda: "$" in home.line(" good"))
        sign, _, *facts = home.line(" good").split()[:7]
        assert sign == "✗"
        assert facts == ["0:07.0", "3", "$0.015", "1", "gpt-realtime-2.1"]
        await home.until(lambda: "not a recording" in home.line("broken[b]"))
        await home.until(lambda: "empty" in home.line(" empty").split()[1:])
        await home.point_at(f"recent-{[p.stem for p in home.screen.list.paths].index('empty')}")
        assert "cannot be replayed: empty" in home.hint
        await home.point_at(f"recent-{[p.stem for p in home.screen.list.paths].index('good')}")
        assert "enter replay" in home.hint
        await home.until(lambda: "✗ audio_end_ms 9,250" in home.hint)
        await home.press("enter")
        assert home.screen_now == "Workspace"
        MutedRules(folder).toggle("truncate-beyond", MuteScope.FOLDER)
        await home.press("q")
        await home.until(lambda: home.screen_now == "HomeScreen")
        await home.until(lambda: "✗" not in home.line(" good"))
        assert "audio_end_ms 9,250" not in home.hint

    at_home(scenario, tmp_path)


def test_examples_in_the_folder_of_recordings_are_listed_once(tmp_path: Path) -> None:
    example = shipped_folder("sessions") / "example-truncated-answer.jsonl"
    (tmp_path / "sessions").symlink_to(example.parent)
    launch = launcher_in(tmp_path)

    assert example in launch.examples()
    assert launch.recent() == []


def test_a_recording_with_the_name_of_an_example_is_listed(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    own = tmp_path / "sessions" / "example-truncated-answer.jsonl"
    own.write_bytes(b"")

    assert launcher_in(tmp_path).recent() == [own]


def test_connections_are_listed_with_their_key_source_and_open_by_a_key(tmp_path: Path) -> None:
    async def scenario(home: Home) -> None:
        assert "WORK_KEY is not set" in home.line(" work ")
        assert "my-deployment" in home.line(" work ")
        assert "session support" in home.line(" work ")
        assert "the simulator · beta" in home.line("rehearsal")
        await home.point_at("connection-1")
        assert "WORK_KEY is not set: set it" in home.hint
        await home.press("1")
        assert home.screen_now == "HomeScreen"
        assert "WORK_KEY is not set" in [n.message for n in home.pilot.app._notifications][-1]
        await home.press("9")
        assert "no connection 9" in [n.message for n in home.pilot.app._notifications][-1]
        await home.press("2")
        assert home.screen_now == "Workspace"

    at_home(scenario, tmp_path, config=CONFIG)


def test_a_key_that_is_there_is_never_shown(tmp_path: Path) -> None:
    async def scenario(home: Home) -> None:
        assert "WORK_KEY is set" in home.line(" work ")
        assert "verysecret" not in "".join(home.lines)

    at_home(scenario, tmp_path, config=CONFIG, environment={"WORK_KEY": "verysecret"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_reported_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir(mode=0o500)

    async def scenario(home: Home) -> None:
        assert "not recorded to disk" in home.hint

    at_home(scenario, tmp_path)


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("")

    async def scenario(home: Home) -> None:
        assert "not recorded to disk" in home.hint

    at_home(scenario, tmp_path)


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (80, 24), (200, 60)])
def test_every_size_of_terminal_shows_something(size: tuple[int, int], tmp_path: Path) -> None:
    async def scenario(home: Home) -> None:
        widths = {len(line) for line in home.lines}
        assert max(widths) <= max(size[0], 130)
        await home.press("j", "k", "question_mark", "escape")
        assert home.screen_now == "HomeScreen"

    at_home(scenario, tmp_path, config=CONFIG, size=size)

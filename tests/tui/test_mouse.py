"""The mouse on a session's screen: rows, tabs, buttons, wheel and scroll bar."""

from __future__ import annotations

from pathlib import Path

from inspector.tui.common.view_tabs import ViewTabs
from inspector.tui.views.events.event_pane import EventPane
from tests.tui.session_stage import Stage, on_stage


def test_a_click_on_its_name_shows_a_view(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        tabs = stage.screen.query_one(ViewTabs)
        for name in ("Conversation", "Session", "Timeline", "Events"):
            at = stage.line("#tabs").index(name)
            await stage.pilot.click(tabs, offset=(at + 1, 0))
            await stage.settle()

            assert stage.screen.current_view == name.lower()
            assert f"{name}]" in stage.line("#tabs")
        await stage.pilot.click(tabs, offset=(100, 0))
        assert stage.screen.current_view == "events"

    on_stage(scenario, tmp_path)


def test_a_click_selects_a_row_and_a_second_one_opens_it(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        pane = stage.screen.query_one("#merged", EventPane)
        await stage.pilot.click(pane, offset=(20, 2))
        await stage.settle()
        assert pane.cursor == pane.rows.rows[1]
        assert not pane.is_following
        await stage.pilot.click(pane, offset=(20, 3), times=2)
        await stage.settle()
        assert stage.screen.query_one("#detail").has_focus

    on_stage(scenario, tmp_path)


def test_a_click_on_a_button_asks_what_the_key_would(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        at = stage.shown().splitlines()
        y = next(y for y, line in enumerate(at) if "c create" in line)
        await stage.pilot.click(offset=(at[y].index("c create") + 1, y))
        await stage.settle()
        assert "Create a response" in stage.shown()
        await stage.press("enter")
        assert stage.last_sent()["type"] == "response.create"

    on_stage(scenario, tmp_path)

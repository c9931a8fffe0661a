"""Keys, tabs, commands and help all follow from the one list of views."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.tui.common.keymap import all_bindings
from inspector.tui.common.view_tabs import ViewTab, ViewTabs
from inspector.tui.views import VIEWS
from inspector.tui.views.view import View
from tests.tui.session_stage import Stage, on_stage


def test_every_view_has_a_key_that_can_be_remapped() -> None:
    found = {binding.id: binding.keys for binding in all_bindings()}

    assert {f"view.{view.id}": (view.key,) for view in VIEWS}.items() <= found.items()
    assert len({view.key for view in VIEWS}) == len({view.id for view in VIEWS}) == len(VIEWS)


def test_a_tab_shows_the_key_of_its_view() -> None:
    tabs = ViewTabs(
        [ViewTab(view.key, view.id, view.title, view.title) for view in VIEWS], id="tabs"
    )
    keys = [view.key for view in VIEWS]

    assert keys == sorted(set(keys))  # a view that is not there yet leaves a gap
    assert all(f"{view.key} {view.title}" in tabs.words("events") for view in VIEWS)


@pytest.mark.parametrize("kind", VIEWS, ids=lambda kind: kind.id)
def test_a_view_is_shown_by_its_key_and_by_command(kind: type[View], tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        screen = stage.screen
        screen.commands()["view"](kind.id)
        await stage.settle()
        assert screen.current_view == kind.id
        assert f"{kind.title}]" in stage.line("#tabs")
        screen.action_view(VIEWS[0].id)
        await stage.press(kind.key)
        assert screen.current_view == kind.id

    on_stage(scenario, tmp_path)


def test_an_unknown_view_is_rejected_with_a_list(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        names = ", ".join(view.id for view in VIEWS)
        with pytest.raises(ValueError, match=f"choose one of {names}$"):
            stage.screen.commands()["view"]("nope")

    on_stage(scenario, tmp_path)


def test_the_names_of_the_views_give_way_to_a_filter(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.speak()
        await stage.settle()
        assert "2 Conv " in stage.line("#tabs")
        assert "8 Sound" in stage.line("#tabs")
        await stage.press("slash", *"type:response.created", "enter")
        assert stage.line("#tabs").startswith(" [1 Events] ")
        assert "7 Usage" not in stage.line("#tabs")
        assert " 1 of " in stage.line("#tabs")
        await stage.pilot.click("#tabs", offset=(stage.line("#tabs").index(" 3 ") + 1, 0))
        assert stage.screen.current_view == "session"

    on_stage(scenario, tmp_path, size=(80, 24))

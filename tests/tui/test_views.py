"""The list of views is the only one: keys, tabs, commands and help follow from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.tui.common.keymap import all_bindings
from inspector.tui.views import VIEWS
from inspector.tui.views.view import View
from tests.tui.session_stage import Stage, on_stage


def test_every_view_has_a_key_that_can_be_remapped() -> None:
    found = {binding.id: binding.keys for binding in all_bindings()}

    assert {f"view.{view.id}": (view.key,) for view in VIEWS}.items() <= found.items()
    assert len({view.key for view in VIEWS}) == len({view.id for view in VIEWS}) == len(VIEWS)


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


def test_a_view_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        with pytest.raises(
            ValueError, match="the views are events, conversation, session, timeline"
        ):
            stage.screen.commands()["view"]("nope")

    on_stage(scenario, tmp_path)

"""The garbage collector is configured in one place, and is on again after every screen."""

from __future__ import annotations

import asyncio
import gc
import os
import re
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.screen import Screen

import inspector
from inspector import collector
from inspector.tui import app as app_module
from inspector.tui.app import InspectorApp
from inspector.tui.common.look import Look

SWITCH = re.compile(r"\bgc\.(?:disable|enable|freeze|set_threshold)\b|^import gc$", re.MULTILINE)


def test_only_one_module_switches_the_collector() -> None:
    root = Path(inspector.__file__).parent
    found = [path.name for path in root.rglob("*.py") if SWITCH.search(path.read_text("utf-8"))]

    assert found == ["collector.py"]


class Broken(Screen[None]):
    def compose(self) -> ComposeResult:
        raise RuntimeError("broken")
        yield


@pytest.mark.filterwarnings("ignore")
def test_a_screen_that_fails_before_its_first_frame_leaves_the_collector_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def die(_: InspectorApp) -> int:
        raise RuntimeError("no terminal")

    monkeypatch.setattr(InspectorApp, "run_async", die)
    collector.pause()
    try:
        with pytest.raises(RuntimeError):
            asyncio.run(app_module._run(InspectorApp(Broken())))

        assert gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("value", ["1", "", None])
def test_child_processes_inherit_the_users_environment(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLORTERM", raising=False)
    if value is None:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", value)
    app = InspectorApp(Broken(), Look(has_colour=not value))

    assert not app.no_color, "colours are taken out where output leaves"
    assert os.environ.get("NO_COLOR") == value
    assert "COLORTERM" not in os.environ

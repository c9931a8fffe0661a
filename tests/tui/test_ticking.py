"""Screens go on by themselves: in the other tests they do so when they are told to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inspector.tui.common.dialog import FormDialog
from inspector.tui.form.form_screen import SessionFormScreen
from inspector.tui.proxy.paused_frames import PausedFramesScreen
from inspector.tui.proxy.proxy_screen import ProxyScreen
from inspector.tui.workspace.workspace import Workspace
from tests.tui.pacing import TICKS
from tests.tui.stages import SMALL, STAGES, Stage


@pytest.mark.parametrize(
    ("kind", "method", "name"),
    [
        (Workspace, "tick", "session-new"),
        (Workspace, "_pull_frame", "session-new"),
        (SessionFormScreen, "tick", "form"),
        (ProxyScreen, "tick", "proxy-empty"),
        (PausedFramesScreen, "tick", "proxy-held-nothing"),
        (FormDialog, "_apply_update", "dialog-truncate"),
    ],
)
def test_a_screen_looks_again_by_itself(
    kind: type, method: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, constant in TICKS:
        monkeypatch.setattr(module, constant, 100)
    looks: list[object] = []
    look = getattr(kind, method)

    def counted(screen: Any) -> None:
        looks.append(screen)
        look(screen)

    monkeypatch.setattr(kind, method, counted)

    async def waited(stage: Stage) -> None:
        await STAGES[name].scene(stage)
        looks.clear()
        async with asyncio.timeout(10):
            while len(looks) < 2:
                await asyncio.sleep(0.005)

    asyncio.run(STAGES[name].setting(SMALL[0], waited))

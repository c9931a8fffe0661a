"""The session form, over a session with the simulator or with a server controlled by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
from textual.pilot import Pilot

from inspector.clock import SystemClock
from inspector.core.event import Direction, Origin
from inspector.engine.live_engine import Engine
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.recording.writer import RecordingFile
from inspector.sim.server import SimSession
from inspector.sim.settings import SimSettings
from inspector.sources.base import Source
from inspector.sources.simulator import SimulatorSource
from inspector.tui.app import InspectorApp
from inspector.tui.common.glyphs import UNICODE
from inspector.tui.form.form_screen import SessionFormScreen
from inspector.tui.form.session_form import FieldRow, SessionForm
from inspector.tui.session.live_workspace import session_workspace
from tests.tui.pacing import tick

SPEED = "audio.output.speed"
VOICE = "audio.output.voice"
DETECTION = "audio.input.turn_detection"


class Stage:
    """An app with a form to drive."""

    def __init__(self, pilot: Pilot[int], engine: Engine | None = None) -> None:
        self.pilot, self.engine = pilot, engine

    @property
    def form(self) -> SessionFormScreen:
        return next(s for s in self.pilot.app.screen_stack if isinstance(s, SessionFormScreen))

    async def settle(self) -> None:
        await self.pilot.pause()
        tick(self.form)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def open(self) -> None:
        for _ in range(40):
            await self.pilot.pause(0.02)
            if self.engine is None or len(self.engine.log) > 1:
                break
        await self.pilot.press("u")
        await self.pilot.pause()
        await self.settle()

    async def go_to(self, path: str) -> None:
        self.row(path).editor.focus()
        await self.pilot.pause()

    async def type_into(self, path: str, text: str) -> None:
        await self.go_to(path)
        await self.press("end", "ctrl+u", *text)

    async def send(self) -> None:
        await self.press("ctrl+s")
        await self.press("ctrl+s")
        await self.settle()

    def row(self, path: str) -> FieldRow:
        row = self.form.query_one(SessionForm).row_of(tuple(path.split(".")))
        assert row is not None
        return row

    def state(self, path: str) -> tuple[str, str]:
        view = self.row(path).view
        return str(view.mark), view.message

    def shown(self) -> str:
        width = self.pilot.app.size.width
        strips = self.pilot.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip)[:width] for strip in strips)

    def sent(self) -> list[dict[str, Any]]:
        assert self.engine is not None
        log = self.engine.log
        rows = [at for at in range(len(log)) if log.direction_of(at) is Direction.CLIENT]
        assert all(log.event(at).origin is Origin.FORM for at in rows)
        return [orjson.loads(log.event(at).data)["session"] for at in rows]


def simulator() -> Source:
    clock = SystemClock()
    return SimulatorSource(
        lambda request: SimSession(
            request, started_unix_s=1, settings=SimSettings(latency_scale=0)
        ),
        clock,
        model="gpt-realtime",
    )


def on_stage(
    scenario: Callable[[Stage], Awaitable[None]],
    tmp_path: Path,
    *,
    size: tuple[int, int] = (120, 40),
    source: Source | None = None,
) -> None:
    async def run() -> None:
        recording = RecordingFile(tmp_path / "a.jsonl", SystemClock())
        engine = Engine(source or simulator(), recording, SystemClock(), strict=True)
        async with TaskSupervisor() as host:
            screen = session_workspace(host, engine, UNICODE)
            async with InspectorApp(screen).run_test(size=size, notifications=True) as pilot:
                stage = Stage(pilot, engine)
                await stage.open()
                await scenario(stage)
                await host.stop(engine)
        recording.close()

    asyncio.run(run())

"""A live session on a screen, with a server controlled by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
from textual.events import Paste
from textual.pilot import Pilot

from inspector.clock import SystemClock
from inspector.engine.live_engine import Engine
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.errors import ConnectError
from inspector.recording.writer import RecordingFile
from inspector.tui.app import InspectorApp
from inspector.tui.common.glyphs import UNICODE
from inspector.tui.common.status_line import StatusLine
from inspector.tui.session.live_workspace import session_workspace
from inspector.tui.workspace.workspace import Workspace
from tests.support import FakeSource
from tests.tui.pacing import tick

SESSION = {"id": "sess_1", "type": "realtime", "model": "gpt-realtime"}
AUDIO = "A" * 6400
"""100 ms of PCM16 silence, base64."""
HOSTILE = "[red]x[/] \x1b[31m\x1b]0;t\x07 \u202e 😀"


class Stage:
    """One screen, its engine and its server."""

    def __init__(
        self, pilot: Pilot[int], screen: Workspace, engine: Engine, source: FakeSource
    ) -> None:
        self.pilot, self.screen, self.engine, self.source = pilot, screen, engine, source

    async def settle(self) -> None:
        await self.pilot.pause()
        tick(self.screen)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            tick(self.screen)
        await self.settle()

    async def write(self, key: str, text: str) -> None:
        """Open a line with a key, write into it at once, and end it with enter."""
        await self.pilot.press(key)
        self.pilot.app.post_message(Paste(text))
        await self.pilot.pause()
        await self.press("enter")

    def line(self, selector: str) -> str:
        return self.screen.query_one(selector, StatusLine).content

    def shown(self) -> str:
        """Return the text of the visible screen."""
        width = self.pilot.app.size.width
        strips = self.pilot.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip)[:width] for strip in strips)

    def last_sent(self) -> dict[str, Any]:
        body: dict[str, Any] = orjson.loads(self.source.sent[-1])
        return body

    def speak(self) -> None:
        """Let the server start an answer, with 800 ms of audio."""
        where = {
            "response_id": "resp_1",
            "item_id": "item_2",
            "output_index": 0,
            "content_index": 0,
        }
        item = {
            "id": "item_2",
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        self.source.say("response.created", response={"id": "resp_1", "status": "in_progress"})
        self.source.say(
            "response.output_item.added", response_id="resp_1", output_index=0, item=item
        )
        for word in ("It", " is", " foggy"):
            self.source.say("response.output_audio_transcript.delta", **where, delta=word)
        for _ in range(8):
            self.source.say("response.output_audio.delta", **where, delta=AUDIO)


def on_stage(
    scenario: Callable[[Stage], Awaitable[None]],
    tmp_path: Path,
    *,
    size: tuple[int, int] = (120, 40),
    refusal: ConnectError | None = None,
    source: FakeSource | None = None,
) -> None:
    async def run() -> None:
        await act(FakeSource() if source is None else source)

    async def act(source: FakeSource) -> None:
        source.refusal = refusal
        recording = RecordingFile(tmp_path / "a.jsonl", SystemClock())
        engine = Engine(source, recording, SystemClock(), strict=True)
        async with TaskSupervisor() as host:
            screen = session_workspace(host, engine, UNICODE)
            async with InspectorApp(screen).run_test(size=size) as pilot:
                stage = Stage(pilot, screen, engine, source)
                if refusal is None:
                    source.say("session.created", session=SESSION)
                await stage.settle()
                await scenario(stage)
                if engine.can_send:
                    source.hang_up()
        recording.close()

    asyncio.run(run())

"""The owner of the tasks in which live sessions run, independent of any screen.

The program runs the TUI or a headless command within ``async with TaskSupervisor()``. Screens may come and go; the task of a
session ends with the session, or when the context is left.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Self

from inspector.errors import ConnectError

if TYPE_CHECKING:
    from inspector.engine.live_engine import Engine

CLOSE_TIMEOUT_S = 2.0
"""How long a server's answer to our close frame may delay the exit."""


class TaskSupervisor:
    """Run each engine in a task of its own."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._running: dict[Engine, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for engine in tuple(self._running):
            await self.stop(engine)
        await self._group.__aexit__(kind, error, trace)

    def start(self, engine: Engine) -> asyncio.Task[None]:
        """Connect an engine, or reconnect it after its connection ended; do nothing if it is running.

        A refused connection does not raise here: the engine stores it as ``refusal``.
        """
        task = self._running.get(engine)
        if task is None:
            task = self._group.create_task(self._run(engine))
            # With Textual's eager tasks (Python 3.12 or newer), an engine that is refused at once has already ended.
            if not task.done():
                self._running[engine] = task
        return task

    async def stop(self, engine: Engine) -> None:
        """Close an engine's connection and wait until its end is recorded."""
        from inspector.engine.record import Connection  # here: a replay needs no engine's modules

        task = self._running.get(engine)
        if task is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if engine.connection is Connection.LIVE:
                    # A proper close, so that the server's answer is recorded; the task then ends by itself.
                    await engine.source.close()
                else:
                    task.cancel()
                await asyncio.wait([task])
        except TimeoutError:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self, engine: Engine) -> None:
        try:
            async with asyncio.TaskGroup() as beside:
                sound = beside.create_task(engine.sound.run()) if engine.sound is not None else None
                try:
                    await engine.run()
                except ConnectError:
                    pass  # recorded by the engine
                finally:
                    if sound is not None:
                        sound.cancel()
        finally:
            self._running.pop(engine, None)

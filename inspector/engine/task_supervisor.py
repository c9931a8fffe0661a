"""TaskSupervisor: the owner of the tasks that live sessions run in, outside of any screen.

The program runs ``async with TaskSupervisor() as host`` around whatever guest it has (the TUI, a headless command). A guest may
come and go; the session's task ends when the session does, or when the host is left.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Self

from inspector.errors import ConnectError

if TYPE_CHECKING:
    from inspector.engine.live_engine import Engine

CLOSE_TIMEOUT_S = 2.0
"""A server that does not answer our close frame must not hold up the user's exit."""


class TaskSupervisor:
    """Owns one task per running engine."""

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
        """Connect an engine, or reconnect it after its connection ended; a running one is left alone.

        A refused connection does not raise here: the engine keeps it as ``refusal``.
        """
        task = self._running.get(engine)
        if task is None:
            task = self._group.create_task(self._run(engine))
            # One that is refused without a wait has ended by now where tasks are eager (under a screen, from Python 3.12 on).
            if not task.done():
                self._running[engine] = task
        return task

    async def stop(self, engine: Engine) -> None:
        """Close an engine's connection and wait until its end is recorded."""
        from inspector.engine.record import Connection  # a replay has no engine to load it for

        task = self._running.get(engine)
        if task is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if engine.connection is Connection.LIVE:
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
                    pass  # recorded by the engine, and shown from there
                finally:
                    if sound is not None:
                        sound.cancel()
        finally:
            self._running.pop(engine, None)

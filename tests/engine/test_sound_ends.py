"""Opening of devices and files in a thread."""

from __future__ import annotations

import asyncio
import threading

from inspector.audio.ends import ClockOutput, SoundOutput
from inspector.engine.sound_ends import opened_end
from inspector.engine.sound_places import SoundEnd, SoundEndKind

END = SoundEnd(SoundEndKind.DEVICE, "slow")


class Output(ClockOutput):
    def __init__(self) -> None:
        super().__init__(24_000)
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def test_what_opens_after_its_session_has_ended_is_closed() -> None:
    output = Output()
    is_opening, may_open = threading.Event(), threading.Event()

    def open_slowly(_: SoundEnd) -> SoundOutput:
        is_opening.set()
        may_open.wait(20)
        return output

    async def scenario() -> None:
        async with asyncio.TaskGroup() as tasks:
            opening = tasks.create_task(opened_end(open_slowly, END))
            await asyncio.to_thread(is_opening.wait, 20)
            opening.cancel()
            await asyncio.sleep(0)
            assert not output.is_closed
            may_open.set()

    asyncio.run(scenario())

    assert output.is_closed


def test_what_cannot_be_opened_after_its_session_has_ended_is_no_matter() -> None:
    is_opening, may_open = threading.Event(), threading.Event()

    def fail_slowly(_: SoundEnd) -> SoundOutput:
        is_opening.set()
        may_open.wait(20)
        raise OSError("unplugged")

    async def scenario() -> None:
        async with asyncio.TaskGroup() as tasks:
            opening = tasks.create_task(opened_end(fail_slowly, END))
            await asyncio.to_thread(is_opening.wait, 20)
            opening.cancel()
            may_open.set()

    asyncio.run(scenario())

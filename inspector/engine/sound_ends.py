"""Opening of the selected microphone and speaker, and reopening of devices that were lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TypeVar

from inspector.audio import device
from inspector.audio.ends import ClockOutput, FileInput, SoundInput, SoundOutput
from inspector.audio.sound_file import WavWriter
from inspector.engine.microphone import Microphone
from inspector.engine.sound_places import SoundEnd, SoundEndKind
from inspector.engine.speaker import Speaker
from inspector.errors import DeviceError, InspectorError
from inspector.folders import path_exists

FILE_RATE_HZ = 24_000
UNUSED_NS = 60_000_000_000
"""An unused microphone is closed after this time, so that the system's recording indicator goes out."""

Tell = Callable[[str], None]


def silent_output() -> SoundOutput:
    """Return an output without a device, which consumes samples in real time."""
    return ClockOutput(FILE_RATE_HZ)


End = TypeVar("End", SoundInput, SoundOutput)


async def opened_end(open_end: Callable[[SoundEnd], End], end: SoundEnd) -> End:
    """Open an input or output in a thread, since opening a device blocks for up to a second.

    If the caller is cancelled meanwhile, what opens afterwards is closed: a microphone must not stay on.
    """
    opening = asyncio.get_running_loop().run_in_executor(None, open_end, end)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_opened)
        raise


def _close_opened(opening: asyncio.Future[End]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


class SoundEnds:
    """The open input and output of one session's sound."""

    def __init__(self, microphone: Microphone, speaker: Speaker, tell: Tell) -> None:
        """Start with nothing open.

        Args:
            microphone: receives the inputs.
            speaker: receives the outputs.
            tell: called with a message about a device, for the recording.
        """
        self.microphone_problem = ""
        """Why the microphone does not work, and what to do; ``""`` if it works or is not needed."""
        self.speaker_problem = ""
        self._microphone = microphone
        self._speaker = speaker
        self._tell = tell
        self._open_output_end: SoundEnd | None = None
        self._has_given_up_input = False
        self._has_given_up_output = False
        self._files: set[Path] = set()
        self._used_ns = 0

    @property
    def needs_attention(self) -> bool:
        """Return True if the input or the output has failed."""
        source = self._microphone.input
        return bool(self._speaker.output.failure or (source is not None and source.failure))

    def reset_input(self, now_ns: int) -> None:
        """Close the microphone, because another one was selected."""
        self._microphone.change_input(None, now_ns)
        self.microphone_problem, self._has_given_up_input = "", False

    def reset_output(self) -> None:
        """Close the speaker, because another one was selected or another connection starts."""
        self._speaker.change_output(silent_output())
        self._open_output_end = None
        self.speaker_problem, self._has_given_up_output = "", False

    async def ensure_output(self, end: SoundEnd) -> None:
        """Open the speaker if it is not open, or was lost."""
        failure = self._speaker.output.failure
        if failure:
            self._speaker.change_output(silent_output())
            self._open_output_end = None
            self._output_failed(failure, must_tell=True, is_final=end.kind is SoundEndKind.FILE)
        if end == self._open_output_end or self._has_given_up_output:
            return
        if end.kind is SoundEndKind.NONE:
            self._open_output_end = end
            return
        try:
            output = await opened_end(self._open_output, end)
        except InspectorError as error:
            is_new = not self.speaker_problem and end.is_explicit
            self._output_failed(error.words, must_tell=is_new, is_final=_is_final(error))
            return
        self._speaker.change_output(output)
        self._open_output_end = end
        if self.speaker_problem:
            self.speaker_problem = ""
            self._tell(f"playing to {output.name} again")

    async def ensure_input(self, end: SoundEnd, now_ns: int, *, is_needed: bool) -> None:
        """Open the microphone if it is needed and not open, or was lost; close it if it has long been unused."""
        microphone = self._microphone
        if is_needed:
            self._used_ns = now_ns
        source = microphone.input
        if (
            source is not None and source.failure
        ):  # unplugged: report it once, then try to reopen below
            self.microphone_problem = source.failure
            self._tell(source.failure)
            microphone.change_input(None, now_ns)
        elif source is not None:
            if not source.supports_backpressure and now_ns - self._used_ns > UNUSED_NS:
                microphone.change_input(None, now_ns)
            return
        if not is_needed or self._has_given_up_input or end.kind is SoundEndKind.NONE:
            return
        try:
            opened = await opened_end(self._open_input, end)
        except InspectorError as error:
            if not self.microphone_problem:
                self._tell(error.words)
            self.microphone_problem = error.words
            self._has_given_up_input = _is_final(error)
            return
        microphone.change_input(opened, now_ns)
        if self.microphone_problem:
            self.microphone_problem = ""
            self._tell(f"recording from {opened.name} again")

    def close(self, now_ns: int) -> None:
        """Close the input and the output."""
        self._microphone.change_input(None, now_ns)
        self._speaker.output.close()
        self._open_output_end = None

    def _output_failed(self, words: str, *, must_tell: bool, is_final: bool) -> None:
        self.speaker_problem = words
        self._has_given_up_output = is_final
        if must_tell:
            self._tell(words)

    def _open_output(self, end: SoundEnd) -> SoundOutput:
        if end.kind is SoundEndKind.FILE:
            path = Path(end.name)
            if path in self._files:
                # A further connection of the same session must not overwrite the audio of the first.
                names = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
                path = next(name for name in names if not path_exists(name))
            self._files.add(Path(end.name))
            return ClockOutput(FILE_RATE_HZ, WavWriter(path, FILE_RATE_HZ))
        self._refresh_devices()
        return device.DeviceOutput(end.name)

    def _open_input(self, end: SoundEnd) -> SoundInput:
        if end.kind is SoundEndKind.FILE:
            return FileInput(Path(end.name))
        self._refresh_devices()
        return device.DeviceInput(end.name)

    def _refresh_devices(self) -> None:
        """Search for devices that were plugged in, unless that would interrupt an open stream."""
        is_playing = isinstance(self._speaker.output, device.DeviceOutput)
        is_hearing = isinstance(self._microphone.input, device.DeviceInput)
        if (self.speaker_problem or self.microphone_problem) and not (is_playing or is_hearing):
            device.refresh()


def _is_final(error: InspectorError) -> bool:
    """Return True if another attempt would fail, too."""
    return not isinstance(error, DeviceError) or error.code == "no_portaudio"

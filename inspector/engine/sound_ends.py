"""SoundEnds: opens the microphone and the speaker that the user chose, and gets them back when they go away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path

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
"""A microphone that nobody talks into is let go of, so that the system's sign for it goes out."""

Tell = Callable[[str], None]


def silent_output() -> SoundOutput:
    """Return an output that nobody hears; the clock of what would have been heard goes on."""
    return ClockOutput(FILE_RATE_HZ)


class SoundEnds:
    """What is open at both ends of the sound."""

    def __init__(self, microphone: Microphone, speaker: Speaker, tell: Tell) -> None:
        """Begin with nothing open.

        Args:
            microphone: gets the inputs.
            speaker: gets the outputs.
            tell: says what became of a device, to be kept in the recording.
        """
        self.microphone_problem = ""
        """Why there is no microphone, and what to do; ``""`` where there is one, or none is wanted."""
        self.speaker_problem = ""
        self._microphone = microphone
        self._speaker = speaker
        self._tell = tell
        self._played_at: SoundEnd | None = None
        self._has_given_up_input = False
        self._has_given_up_output = False
        self._files: set[Path] = set()
        self._used_ns = 0

    @property
    def needs_attention(self) -> bool:
        """Tell whether an end has just failed."""
        source = self._microphone.input
        return bool(self._speaker.output.failure or (source is not None and source.failure))

    def reset_input(self, now_ns: int) -> None:
        """Close the microphone; another one was chosen."""
        self._microphone.change_input(None, now_ns)
        self.microphone_problem, self._has_given_up_input = "", False

    def reset_output(self) -> None:
        """Close the speaker; another one was chosen, or another connection begins."""
        self._speaker.change_output(silent_output())
        self._played_at = None
        self.speaker_problem, self._has_given_up_output = "", False

    async def mend_output(self, place: SoundEnd) -> None:
        """Open the speaker where it is not open, or is gone."""
        failure = self._speaker.output.failure
        if failure:
            self._speaker.change_output(silent_output())
            self._played_at = None
            self._output_failed(failure, must_tell=True, is_final=place.kind is SoundEndKind.FILE)
        if place == self._played_at or self._has_given_up_output:
            return
        if place.kind is SoundEndKind.NONE:
            self._played_at = place
            return
        try:
            output = await asyncio.to_thread(self._open_output, place)
        except InspectorError as error:
            is_new = not self.speaker_problem and place.is_asked_for
            self._output_failed(error.words, must_tell=is_new, is_final=_is_final(error))
            return
        self._speaker.change_output(output)
        self._played_at = place
        if self.speaker_problem:
            self.speaker_problem = ""
            self._tell(f"{output.name} plays")

    async def mend_input(self, place: SoundEnd, now_ns: int, *, is_wanted: bool) -> None:
        """Open the microphone where it is wanted and not open, or is gone; close it where nobody uses it."""
        microphone = self._microphone
        if is_wanted:
            self._used_ns = now_ns
        source = microphone.input
        if source is not None and source.failure:
            self.microphone_problem = source.failure
            self._tell(source.failure)
            microphone.change_input(None, now_ns)
        elif source is not None:
            if not source.supports_backpressure and now_ns - self._used_ns > UNUSED_NS:
                microphone.change_input(None, now_ns)
            return
        if not is_wanted or self._has_given_up_input or place.kind is SoundEndKind.NONE:
            return
        try:
            opened = await asyncio.to_thread(self._open_input, place)
        except InspectorError as error:
            if not self.microphone_problem:
                self._tell(error.words)
            self.microphone_problem = error.words
            self._has_given_up_input = _is_final(error)
            return
        microphone.change_input(opened, now_ns)
        if self.microphone_problem:
            self.microphone_problem = ""
            self._tell(f"{opened.name} hears")

    def close(self, now_ns: int) -> None:
        """Let go of everything."""
        self._microphone.change_input(None, now_ns)
        self._speaker.output.close()
        self._played_at = None

    def _output_failed(self, words: str, *, must_tell: bool, is_final: bool) -> None:
        self.speaker_problem = words
        self._has_given_up_output = is_final
        if must_tell:
            self._tell(words)

    def _open_output(self, place: SoundEnd) -> SoundOutput:
        if place.kind is SoundEndKind.FILE:
            path = Path(place.name)
            if path in self._files:
                # Another connection of the same session: what was heard in the first is kept.
                names = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
                path = next(name for name in names if not path_exists(name))
            self._files.add(Path(place.name))
            return ClockOutput(FILE_RATE_HZ, WavWriter(path, FILE_RATE_HZ))
        self._look_again()
        return device.DeviceOutput(place.name)

    def _open_input(self, place: SoundEnd) -> SoundInput:
        if place.kind is SoundEndKind.FILE:
            return FileInput(Path(place.name))
        self._look_again()
        return device.DeviceInput(place.name)

    def _look_again(self) -> None:
        """Look for devices that were plugged in, where that disturbs no other stream."""
        is_playing = isinstance(self._speaker.output, device.DeviceOutput)
        is_hearing = isinstance(self._microphone.input, device.DeviceInput)
        if (self.speaker_problem or self.microphone_problem) and not (is_playing or is_hearing):
            device.refresh()


def _is_final(error: InspectorError) -> bool:
    """Tell whether trying again is of no use."""
    return not isinstance(error, DeviceError) or error.code == "no_portaudio"

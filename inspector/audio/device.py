"""Microphones and speakers, through PortAudio.

PortAudio runs the callbacks in its own thread; they touch nothing but a ``Ring`` and plain counters. Everything else is called
from one thread at a time, and off the event loop where it may block (opening, ``refresh``, ``close``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector.audio.pcm import Samples
from inspector.audio.portaudio import portaudio
from inspector.audio.ring import Ring
from inspector.core.units import NS_PER_S
from inspector.errors import DeviceError

RATE_HZ = 24_000
"""The API's own rate, so that a card that supports it needs no resampling."""
RING_S = 2
"""Microphone audio that is buffered while the event loop is busy."""
AHEAD_MS = 120
"""Audio that a speaker has in advance, so that shorter stalls of the event loop are inaudible."""
SILENT_S = 1.5
"""A device without a callback for this long counts as disconnected, because some drivers never report it."""
_CHANNELS_TRIED = (1, 2)
"""Mono first; some cards open only with two channels."""


@dataclass(frozen=True, slots=True)
class Device:
    """A sound device as PortAudio lists it."""

    index: int
    """PortAudio's number for it."""
    name: str
    """The system's name for it."""
    inputs: int
    """Number of input channels."""
    outputs: int
    """Number of output channels."""
    rate_hz: int
    """Default sample rate."""
    is_default_input: bool = False
    """True for the system's default microphone."""
    is_default_output: bool = False
    """True for the system's default speaker."""


def find_devices() -> list[Device]:
    """Return the devices that PortAudio found when it was loaded, or at the last ``refresh``.

    Raises:
        DeviceError: PortAudio is not installed, or fails.
    """
    library = portaudio()
    try:
        default_in, default_out = library.default.device
        found = list(library.query_devices())
        # sounddevice's default is -1 unless the user has set one; then the host API's default counts.
        host = library.query_hostapis(0) if found else {}
    except library.PortAudioError as error:
        raise DeviceError(
            f"PortAudio failed: {error}", hint="check the system's sound settings"
        ) from None
    default_in = host.get("default_input_device", -1) if default_in < 0 else default_in
    default_out = host.get("default_output_device", -1) if default_out < 0 else default_out
    return [
        Device(
            index,
            str(each["name"]),
            int(each["max_input_channels"]),
            int(each["max_output_channels"]),
            int(each["default_samplerate"]),
            index == default_in,
            index == default_out,
        )
        for index, each in enumerate(found)
    ]


def refresh() -> None:
    """Detect devices that were connected or disconnected. Close all streams first: PortAudio invalidates them.

    Raises:
        DeviceError: PortAudio is not installed, or fails.
    """
    library = portaudio()
    try:
        # PortAudio lists devices only when it is initialized; sounddevice 0.5 has no public call to do that again.
        library._terminate()  # noqa: SLF001
        library._initialize()  # noqa: SLF001
    except library.PortAudioError as error:
        raise DeviceError(
            f"PortAudio failed: {error}", hint="check the system's sound settings"
        ) from None


class _Stream:
    """Base of both directions: the PortAudio stream and the detection of its failure."""

    failure: str

    def __init__(self, name: str, rate_hz: int) -> None:
        self.name = name
        self.rate_hz = rate_hz
        self.failure = ""
        self._stream: Any = None
        self._calls = 0
        self._seen = (0, 0)
        """Number of callbacks when it last changed, and when that was (session time)."""

    def _finished(self) -> None:
        """Record the failure of a stream that ended by itself, which PortAudio reports when a device is disconnected."""
        # ``close`` clears ``_stream`` first, so that a stream that we stop is not taken for a failure.
        if not self.failure and self._stream is not None:
            self.failure = f"{self.name} was disconnected"

    def _check_alive(self, now_ns: int) -> None:
        """Record the failure of a device that has stopped calling back."""
        if self._seen[0] != self._calls or not self._seen[1]:
            self._seen = (self._calls, now_ns)
        elif now_ns - self._seen[1] > SILENT_S * NS_PER_S and not self.failure:
            self.failure = f"{self.name} has stopped responding"

    def close(self) -> None:
        """Release the device."""
        stream, self._stream = self._stream, None
        if stream is not None:
            library = portaudio()
            try:
                # abort, not stop: stop blocks until all buffered samples were played.
                stream.abort()
                stream.close()
            except library.PortAudioError:
                pass  # the device was disconnected, so nothing is left to release


class DeviceInput(_Stream):
    """A microphone, mono at ``rate_hz``; a ``SoundInput``. Times are session time in nanoseconds."""

    supports_backpressure = False
    is_finished = False

    def __init__(self, wanted: str) -> None:
        """Open a microphone, given by its name, a part of the name or its index; ``""`` opens the system's default.

        Raises:
            DeviceError: PortAudio is not installed, or the device does not exist or is in use.
        """
        library = portaudio()
        device = _choose(wanted, is_input=True)
        super().__init__(device.name, RATE_HZ)
        self._ring = Ring(RING_S * max(RATE_HZ, device.rate_hz))
        self._stream, self.rate_hz = _opened(
            library.InputStream, device, device.inputs, self._record, self._finished
        )

    def start(self, now_ns: int) -> None:
        """Discard what was recorded before."""
        self._ring.read(len(self._ring))
        self._seen = (self._calls, now_ns)

    def read(self, now_ns: int) -> Samples:
        """Return what was recorded since the last call."""
        self._check_alive(now_ns)
        return self._ring.read(len(self._ring))

    def _record(self, data: Any, _frames: int, _time: object, _status: object) -> None:
        self._calls += 1
        mono = data[:, 0] if data.shape[1] == 1 else data.mean(axis=1)
        self._ring.write(mono.astype(np.int16))


class DeviceOutput(_Stream):
    """A speaker, mono at ``rate_hz``; a ``SoundOutput``. Times are session time in nanoseconds."""

    def __init__(self, wanted: str) -> None:
        """Open a speaker, given by its name, a part of the name or its index; ``""`` opens the system's default.

        Raises:
            DeviceError: PortAudio is not installed, or the device does not exist or is in use.
        """
        library = portaudio()
        device = _choose(wanted, is_input=False)
        super().__init__(device.name, RATE_HZ)
        self._ring = Ring(RING_S * max(RATE_HZ, device.rate_hz))
        self._stream, self.rate_hz = _opened(
            library.OutputStream, device, device.outputs, self._play, self._finished
        )
        self._latency = round(float(self._stream.latency) * self.rate_hz)

    def wanted(self, now_ns: int) -> int:
        """Return how many samples it needs now."""
        self._check_alive(now_ns)
        return max(0, AHEAD_MS * self.rate_hz // 1000 - len(self._ring))

    def write(self, samples: Samples) -> None:
        """Queue samples for playback."""
        self._ring.write(samples)

    @property
    def unheard(self) -> int:
        """Return how many samples are queued here and in the device."""
        return len(self._ring) + self._latency

    def flush(self) -> None:
        """Discard the samples that the device has not taken yet."""
        self._ring.clear()

    def _play(self, data: Any, frames: int, _time: object, _status: object) -> None:
        self._calls += 1
        samples = self._ring.read(frames)
        # PortAudio does not clear the buffer: samples that are not written would repeat old sound.
        data[: len(samples)] = samples[:, None]
        data[len(samples) :] = 0


def _opened(
    kind: Any, device: Device, channels: int, callback: Any, finished: Any
) -> tuple[Any, int]:
    """Open and start a stream at ``RATE_HZ``, else at the device's default rate; return it and its rate.

    Raises:
        DeviceError: no combination of rate and channels can be opened.
    """
    library = portaudio()
    problem: Exception | None = None
    for rate_hz in dict.fromkeys((RATE_HZ, device.rate_hz)):
        for count in _CHANNELS_TRIED[: max(1, channels)]:
            try:
                stream = kind(
                    samplerate=rate_hz,
                    device=device.index,
                    channels=count,
                    dtype="int16",
                    latency="low",
                    callback=callback,
                    finished_callback=finished,
                )
                stream.start()
            except library.PortAudioError as error:
                problem = error
            else:
                return stream, rate_hz
    raise DeviceError(
        f"{device.name} cannot be opened: {problem}",
        hint="close other programs that use it, or choose another device",
    )


def _choose(wanted: str, *, is_input: bool) -> Device:
    role = "microphone" if is_input else "speaker"
    usable = [each for each in find_devices() if (each.inputs if is_input else each.outputs)]
    if not usable:
        raise DeviceError(f"no {role} found", hint="connect one, or use FILE.wav")
    if not wanted:
        defaults = [
            each
            for each in usable
            if (each.is_default_input if is_input else each.is_default_output)
        ]
        return (defaults or usable)[0]
    for each in usable:
        if wanted in (str(each.index), each.name):
            return each
    for each in usable:
        if wanted.lower() in each.name.lower():
            return each
    names = ", ".join(f"{each.index} {each.name}" for each in usable)
    raise DeviceError(f"no {role} named {wanted!r}", hint=f"available: {names}")

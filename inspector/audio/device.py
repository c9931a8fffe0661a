"""Sound cards, through PortAudio.

PortAudio calls back in a thread of its own. The callbacks touch nothing but a ``Ring`` and plain counters; everything else here is
called from one thread at a time, off the event loop where it may take long (``open_*``, ``refresh``, ``close``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector.audio.pcm import Samples
from inspector.audio.portaudio import portaudio
from inspector.audio.ring import Ring
from inspector.errors import DeviceError

RATE_HZ = 24_000
RING_S = 2
"""Of microphone sound kept for an event loop that is busy."""
AHEAD_MS = 120
"""Handed to a speaker ahead of time: an event loop that stalls for less is not heard."""
SILENT_S = 1.5
"""A device that has not called back for so long is gone: some drivers never say so."""
_NS_PER_S = 1_000_000_000
_CHANNELS_TRIED = (1, 2)


@dataclass(frozen=True, slots=True)
class Device:
    """A sound card, or a part of one."""

    index: int
    """PortAudio's number of it."""
    name: str
    """As the system calls it."""
    inputs: int
    """Channels that it hears."""
    outputs: int
    """Channels that it plays."""
    rate_hz: int
    """The rate that it likes best."""
    is_default_input: bool = False
    """True for the system's own microphone."""
    is_default_output: bool = False
    """True for the system's own speaker."""


def find_devices() -> list[Device]:
    """Return the sound cards as PortAudio found them when it was loaded, or at the last ``refresh``.

    Raises:
        DeviceError: there is no PortAudio, or it fails.
    """
    library = portaudio()
    try:
        default_in, default_out = library.default.device
        found = list(library.query_devices())
        # Without a choice of the user's the default is -1, and the host API knows.
        host = library.query_hostapis(0) if found else {}
    except library.PortAudioError as error:
        raise DeviceError(
            f"the sound system fails: {error}", hint="check the sound system"
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
    """Look for devices that came or went. All streams must be closed: PortAudio forgets them.

    Raises:
        DeviceError: there is no PortAudio, or it fails.
    """
    library = portaudio()
    try:
        # PortAudio has no other way; sounddevice documents this one (its usage notes on hot-plugging).
        library._terminate()  # noqa: SLF001
        library._initialize()  # noqa: SLF001
    except library.PortAudioError as error:
        raise DeviceError(
            f"the sound system fails: {error}", hint="check the sound system"
        ) from None


class _Stream:
    """What both directions share: the stream, and whether it is alive."""

    failure: str

    def __init__(self, name: str, rate_hz: int) -> None:
        self.name = name
        self.rate_hz = rate_hz
        self.failure = ""
        self._stream: Any = None
        self._calls = 0
        self._seen = (0, 0)

    def _finished(self) -> None:
        """Called by PortAudio when a stream ends by itself: the device is gone."""
        if not self.failure and self._stream is not None:
            self.failure = f"{self.name} is gone"

    def _look(self, now_ns: int) -> None:
        """Notice a device that has gone silent."""
        if self._seen[0] != self._calls or not self._seen[1]:
            self._seen = (self._calls, now_ns)
        elif now_ns - self._seen[1] > SILENT_S * _NS_PER_S and not self.failure:
            self.failure = f"{self.name} does not answer any more"

    def close(self) -> None:
        """Let go of the device."""
        stream, self._stream = self._stream, None
        if stream is not None:
            library = portaudio()
            try:
                stream.abort()
                stream.close()
            except library.PortAudioError:
                pass  # it went away by itself


class DeviceInput(_Stream):
    """A microphone, mono at ``rate_hz``; a ``SoundInput``. Times are session time in nanoseconds."""

    supports_backpressure = False
    is_over = False

    def __init__(self, wanted: str) -> None:
        """Open a microphone: its name, a part of the name, its index, or ``""`` for the system's own choice.

        Raises:
            DeviceError: no PortAudio, no such device, or it is in use.
        """
        library = portaudio()
        device = _choose(wanted, is_input=True)
        super().__init__(device.name, RATE_HZ)
        self._ring = Ring(RING_S * max(RATE_HZ, device.rate_hz))
        self._stream, self.rate_hz = _opened(
            library.InputStream, device, device.inputs, self._heard, self._finished
        )

    def start(self, now_ns: int) -> None:
        """Forget what was heard before."""
        self._ring.read(len(self._ring))
        self._seen = (self._calls, now_ns)

    def read(self, now_ns: int) -> Samples:
        """Return what was heard since the last call."""
        self._look(now_ns)
        return self._ring.read(len(self._ring))

    def _heard(self, data: Any, _frames: int, _time: object, _status: object) -> None:
        self._calls += 1
        mono = data[:, 0] if data.shape[1] == 1 else data.mean(axis=1)
        self._ring.write(mono.astype(np.int16))


class DeviceOutput(_Stream):
    """A speaker, mono at ``rate_hz``; a ``SoundOutput``. Times are session time in nanoseconds."""

    def __init__(self, wanted: str) -> None:
        """Open a speaker: its name, a part of the name, its index, or ``""`` for the system's own choice.

        Raises:
            DeviceError: no PortAudio, no such device, or it is in use.
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
        """Return how many samples keep it supplied."""
        self._look(now_ns)
        return max(0, AHEAD_MS * self.rate_hz // 1000 - len(self._ring))

    def write(self, samples: Samples) -> None:
        """Hand samples over."""
        self._ring.write(samples)

    @property
    def unheard(self) -> int:
        """Return how many samples wait in the ring and in the device."""
        return len(self._ring) + self._latency

    def flush(self) -> None:
        """Throw away what the device has not taken yet."""
        self._ring.clear()

    def _play(self, data: Any, frames: int, _time: object, _status: object) -> None:
        self._calls += 1
        samples = self._ring.read(frames)
        data[: len(samples)] = samples[:, None]
        data[len(samples) :] = 0


def _opened(
    kind: Any, device: Device, channels: int, callback: Any, finished: Any
) -> tuple[Any, int]:
    """Open and start a stream at our rate, or else at the device's own; return it and its rate."""
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
    raise DeviceError(f"{device.name} cannot be opened: {problem}", hint="it may be in use")


def _choose(wanted: str, *, is_input: bool) -> Device:
    what = "microphone" if is_input else "speaker"
    usable = [each for each in find_devices() if (each.inputs if is_input else each.outputs)]
    if not usable:
        raise DeviceError(f"there is no {what}", hint="plug one in, or use a FILE.wav")
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
    raise DeviceError(f"there is no {what} {wanted!r}", hint=f"there are: {names}")

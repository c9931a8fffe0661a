"""Sound cards through a stand-in for the sounddevice package: choosing, opening, both threads' sides, going away."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from inspector.audio.device import AHEAD_MS, SILENT_S, DeviceInput, DeviceOutput, find_devices
from inspector.audio.portaudio import portaudio
from inspector.errors import DeviceError

S = 1_000_000_000
CARDS = [
    {"name": "HDMI", "max_input_channels": 0, "max_output_channels": 8, "default_samplerate": 48e3},
    {
        "name": "USB Mic",
        "max_input_channels": 2,
        "max_output_channels": 0,
        "default_samplerate": 44100.0,
    },
    {
        "name": "Headset",
        "max_input_channels": 1,
        "max_output_channels": 2,
        "default_samplerate": 24e3,
    },
]


class PortAudioError(Exception):
    pass


class FakeStream:
    """A stream whose callbacks the test calls itself."""

    opened: list[FakeStream]
    rates: tuple[float, ...] = (24_000, 44_100, 48_000)

    def __init__(
        self,
        samplerate: int,
        device: int,
        channels: int,
        dtype: str,
        latency: str,
        callback: Callable[..., None],
        finished_callback: Callable[[], None],
    ) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")
        self.rate_hz, self.index, self.channels = samplerate, device, channels
        self.callback, self.finished = callback, finished_callback
        self.latency = 0.02
        self.is_open = False
        FakeStream.opened.append(self)

    def start(self) -> None:
        self.is_open = True

    def abort(self) -> None:
        self.finished()

    def close(self) -> None:
        self.is_open = False


def fake_sounddevice(cards: list[dict[str, Any]]) -> ModuleType:
    module = ModuleType("sounddevice")
    module.PortAudioError = PortAudioError  # type: ignore[attr-defined]  # a module of the test's own
    module.InputStream = module.OutputStream = FakeStream  # type: ignore[attr-defined]
    module.query_devices = lambda: cards  # type: ignore[attr-defined]
    module.query_hostapis = lambda _: {"default_input_device": 2, "default_output_device": 0}  # type: ignore[attr-defined]
    module.default = type("Default", (), {"device": (-1, -1)})()  # type: ignore[attr-defined]
    return module


@pytest.fixture(autouse=True)
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    module = fake_sounddevice(CARDS)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    monkeypatch.setattr(FakeStream, "opened", [], raising=False)
    portaudio.cache_clear()
    yield module
    portaudio.cache_clear()


def test_devices_are_named_and_the_systems_choice_is_known() -> None:
    found = find_devices()

    assert [each.name for each in found] == ["HDMI", "USB Mic", "Headset"]
    assert [each.name for each in found if each.is_default_input] == ["Headset"]
    assert [each.name for each in found if each.is_default_output] == ["HDMI"]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("", "Headset"), ("1", "USB Mic"), ("USB Mic", "USB Mic"), ("usb", "USB Mic")],
)
def test_a_microphone_is_chosen_by_name_part_or_index(wanted: str, name: str) -> None:
    assert DeviceInput(wanted).name == name


@pytest.mark.parametrize("wanted", ["HDMI", "0", "none such"])
def test_a_device_without_inputs_is_not_a_microphone(wanted: str) -> None:
    with pytest.raises(DeviceError, match="no microphone") as refused:
        DeviceInput(wanted)
    assert refused.value.hint == "available: 1 USB Mic, 2 Headset"


def test_a_missing_device_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice([]))

    with pytest.raises(DeviceError, match="no speaker found"):
        DeviceOutput("")


def test_without_portaudio_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice")

    class Finder:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(DeviceError) as refused:
        find_devices()
    assert refused.value.code == "no_portaudio"
    assert "apt install libportaudio2" in refused.value.hint


def test_two_threads_get_the_same_error_without_portaudio(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice")
    is_importing, is_second_there = threading.Event(), threading.Event()

    class Library(Loader):
        def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
            return ModuleSpec(name, self) if name == "sounddevice" else None

        def exec_module(self, module: ModuleType) -> None:
            is_importing.set()
            is_second_there.wait(5)
            threading.Event().wait(0.05)  # the second is on its way into the same import
            raise OSError("PortAudio library not found")

    def look(place: threading.Event) -> str:
        place.set()
        with pytest.raises(DeviceError) as refused:
            find_devices()
        return refused.value.code

    monkeypatch.setattr(sys, "meta_path", [Library(), *sys.meta_path])
    with ThreadPoolExecutor() as pool:
        first = pool.submit(look, threading.Event())
        is_importing.wait(5)
        second = pool.submit(look, is_second_there)

    assert first.result() == second.result() == "no_portaudio"


def test_a_card_without_our_rate_runs_at_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeStream, "rates", (44_100,))

    assert DeviceInput("USB").rate_hz == 44_100
    monkeypatch.setattr(FakeStream, "rates", ())
    with pytest.raises(DeviceError, match="USB Mic cannot be opened: Invalid sample rate"):
        DeviceInput("USB")


def test_recorded_samples_are_delivered_in_order() -> None:
    microphone = DeviceInput("Headset")
    microphone.start(0)
    stream = FakeStream.opened[0]
    for start in range(0, 4800, 480):
        block = np.arange(start, start + 480, dtype=np.int16)[:, None]
        stream.callback(block, 480, None, None)

    assert microphone.read(S // 10).tolist() == list(range(4800))
    assert len(microphone.read(S // 10)) == 0


def test_two_channels_become_one() -> None:
    microphone = DeviceInput("USB")
    FakeStream.opened[0].callback(np.array([[100, 300], [-2, 2]], np.int16), 2, None, None)

    assert microphone.read(0).tolist() == [200, 0]


def test_a_speaker_is_kept_supplied_and_plays_silence_otherwise() -> None:
    speaker = DeviceOutput("HDMI")
    assert speaker.wanted(0) == AHEAD_MS * 24
    speaker.write(np.full(1000, 7, np.int16))
    assert speaker.wanted(0) == AHEAD_MS * 24 - 1000
    assert speaker.unheard == 1000 + 480

    block = np.ones((1500, 1), np.int16)
    FakeStream.opened[0].callback(block, 1500, None, None)
    assert block[:1000].min() == 7
    assert not block[1000:].any()


def test_a_flush_discards_samples_that_the_card_has_not_taken() -> None:
    speaker = DeviceOutput("HDMI")
    speaker.write(np.full(2000, 7, np.int16))
    speaker.flush()
    speaker.write(np.full(100, 9, np.int16))
    block = np.ones((300, 1), np.int16)
    FakeStream.opened[0].callback(block, 300, None, None)

    assert block[:100].min() == block[:100].max() == 9
    assert not block[100:].any()


def test_a_device_that_ends_or_stops_responding_has_failed() -> None:
    unplugged, mute = DeviceInput("USB"), DeviceInput("Headset")
    FakeStream.opened[0].finished()
    assert unplugged.failure == "USB Mic was disconnected"

    mute.start(1 * S)
    mute.read(2 * S)
    assert mute.failure == ""
    mute.read(round((1.1 + SILENT_S) * S))
    assert mute.failure == "Headset has stopped responding"


def test_closing_is_not_a_failure() -> None:
    speaker = DeviceOutput("HDMI")
    speaker.close()
    speaker.close()

    assert speaker.failure == ""
    assert not FakeStream.opened[0].is_open

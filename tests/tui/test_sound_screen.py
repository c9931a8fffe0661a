"""Meters, keys and the devices dialog, on a live session and on a recording."""

from __future__ import annotations

import asyncio
import base64
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import soundfile
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from inspector.audio import device
from inspector.audio.portaudio import INSTALL
from inspector.clock import SystemClock
from inspector.engine.live_engine import Engine
from inspector.engine.replay import Replay
from inspector.engine.session_sound import SessionSound
from inspector.engine.sound_places import (
    DEFAULT_DEVICE,
    NO_SOUND,
    SoundEnd,
    SoundEndKind,
    SoundOptions,
)
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.errors import DeviceError
from inspector.recording.opening import open_recording
from inspector.recording.writer import RecordingFile
from inspector.tui.app import InspectorApp
from inspector.tui.common.glyphs import ASCII, UNICODE
from inspector.tui.common.meter import Meter, Reading
from inspector.tui.common.status_line import StatusLine
from inspector.tui.session.devices import DevicesDialog
from inspector.tui.session.live_workspace import session_workspace
from inspector.tui.session.replay_workspace import replay_workspace
from inspector.tui.workspace.workspace import Workspace
from tests.support import FakeSource, ManualClock
from tests.tui.pacing import tick

RATE_HZ = 24_000
SESSION: dict[str, Any] = {
    "id": "s",
    "type": "realtime",
    "audio": {"input": {"turn_detection": {"type": "server_vad"}}},
}


class Stage:
    """A live session with sound on the screen, and a server controlled by the test."""

    def __init__(
        self,
        pilot: Pilot[int],
        screen: Workspace,
        engine: Engine,
        source: FakeSource,
        clock: ManualClock | None,
    ) -> None:
        self.pilot, self.screen, self.engine, self.source = pilot, screen, engine, source
        self.clock = clock

    @property
    def sound(self) -> SessionSound:
        assert self.engine.sound is not None
        return self.engine.sound

    async def until(self, is_true: Callable[[], object], *, ms: float = 0) -> None:
        """Wait until something is true; a manual clock goes on by so much from look to look."""
        async with asyncio.timeout(60):
            while not is_true():
                if self.clock is not None:
                    self.clock.advance(ms)
                await self.pilot.pause(0.01)
                tick(self.pilot.app.screen)

    def line(self, selector: str) -> str:
        return self.screen.query_one(selector, StatusLine).content

    def meter(self, name: str) -> str:
        return text_of(self.screen.query_one(f"#meter-{name}", Meter))

    def answer(self, ms: int) -> None:
        self.source.say("response.created", response={"id": "r", "status": "in_progress"})
        item = {"id": "i", "type": "message", "role": "assistant"}
        self.source.say("conversation.item.added", item=item)
        self.source.say(
            "response.output_audio.delta",
            response_id="r",
            item_id="i",
            content_index=0,
            delta=tone(ms),
        )

    def sent(self) -> list[str]:
        return [orjson.loads(data)["type"] for data in self.source.sent]


def tone(ms: int, peak: int = 3277) -> str:
    time_s = np.arange(RATE_HZ * ms // 1000) / RATE_HZ
    wave = np.rint(peak * np.sin(2 * np.pi * 500 * time_s)).astype("<i2")
    return base64.b64encode(wave.tobytes()).decode()


def text_of(meter: Meter) -> str:
    region = meter.region.reset_offset
    return "".join(segment.text for segment in meter.render_lines(region)[0])


def on_stage(
    scenario: Callable[[Stage], Awaitable[None]],
    options: SoundOptions,
    *,
    size: tuple[int, int] = (160, 40),
    manual: ManualClock | None = None,
) -> None:
    async def run() -> None:
        source, clock = FakeSource(), manual or SystemClock()
        engine = Engine(source, RecordingFile(None, clock), clock, strict=True)
        engine.sound = SessionSound(engine, options)
        async with TaskSupervisor() as host:
            screen = session_workspace(host, engine, UNICODE)
            async with InspectorApp(screen).run_test(size=size) as pilot:
                source.say("session.created", session=SESSION)
                stage = Stage(pilot, screen, engine, source, manual)
                await stage.until(lambda: engine.state.session.id)
                await scenario(stage)

    asyncio.run(run())


def voice(path: Path) -> SoundEnd:
    wave = 0.1 * np.sin(2 * np.pi * 500 * np.arange(3 * RATE_HZ) / RATE_HZ)
    soundfile.write(path, wave, RATE_HZ, subtype="PCM_16")
    return SoundEnd(SoundEndKind.FILE, str(path))


@pytest.fixture
def no_portaudio(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise DeviceError("no PortAudio", hint=INSTALL, code="no_portaudio")

    monkeypatch.setattr(device, "portaudio", missing)


def test_the_meters_show_microphone_and_speaker_levels(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.until(lambda: "open" in stage.meter("in") and "−20 " in stage.meter("in"))
        assert "silence" in stage.meter("in")
        stage.source.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        await stage.until(lambda: "speech 0." in stage.meter("in"))
        stage.source.say("input_audio_buffer.speech_stopped", item_id="u", audio_end_ms=0)
        stage.answer(4000)
        await stage.until(
            lambda: "of 4,000 ms" in stage.meter("out") and "−20 " in stage.meter("out")
        )

    on_stage(scenario, SoundOptions(voice(tmp_path / "a.wav")))


def test_the_keys_talk_open_mute_and_switch_truncation(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.until(lambda: "the microphone is open" in stage.line("#hint"))
        await stage.pilot.press("M")
        await stage.until(lambda: "MUTED" in stage.meter("in"))
        await stage.pilot.press("M", "o")
        await stage.until(lambda: "ending" in stage.meter("in"))
        await stage.until(lambda: "o open mic" in stage.meter("in"), ms=100)
        await stage.pilot.press("p")
        await stage.until(lambda: "talking" in stage.meter("in"))
        stage.pilot.app.clear_notifications()
        await stage.until(lambda: "p end your turn" in stage.line("#hint"))
        assert stage.sound.truncates
        await stage.pilot.press("T")
        assert not stage.sound.truncates
        await stage.until(lambda: "auto-truncate off" in stage.meter("out"))
        await stage.until(lambda: "input_audio_buffer.append" in stage.sent(), ms=20)

    on_stage(scenario, SoundOptions(voice(tmp_path / "a.wav")), manual=ManualClock())


@pytest.mark.usefixtures("no_portaudio")
def test_without_portaudio_the_screen_says_what_to_install() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.pilot.press("p")
        await stage.until(lambda: stage.meter("in").split() == ["mic", "no", "PortAudio"])
        assert "apt install libportaudio2" in stage.meter("out")
        assert "s write a message" in stage.line("#hint")
        stage.answer(100)
        await stage.until(
            lambda: (
                stage.engine.state.output_audio.items["i"].played_ms is not None
                if stage.engine.state.output_audio.items
                else False
            )
        )

    on_stage(scenario, SoundOptions(DEFAULT_DEVICE, DEFAULT_DEVICE))


@pytest.mark.usefixtures("no_portaudio")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_the_devices_dialog_reports_problems_and_switches_devices(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.until(lambda: stage.sound.microphone)
        await stage.pilot.press("A")
        dialog = stage.pilot.app.screen
        assert isinstance(dialog, DevicesDialog)
        await stage.until(
            lambda: "apt install" in str(dialog.query_one("#problem", Static).content)
        )
        entries = dialog.query_one("#speakers", OptionList)
        assert entries.get_option_at_index(0).prompt == "  none"
        assert str(entries.get_option_at_index(1).prompt).endswith("heard.wav")
        await stage.pilot.press("tab", "home", "enter", "l", "t")
        assert stage.sound.speaker_place.kind is SoundEndKind.NONE
        await stage.pilot.press("escape")
        assert stage.pilot.app.screen is stage.screen

    options = SoundOptions(NO_SOUND, SoundEnd(SoundEndKind.FILE, str(tmp_path / "heard.wav")))
    on_stage(scenario, options, size=size)


def test_commands_choose_files(tmp_path: Path) -> None:
    spoken = voice(tmp_path / "b.wav")

    async def scenario(stage: Stage) -> None:
        stage.screen.commands()["speaker"](str(tmp_path / "heard.wav"))
        stage.screen.commands()["mic"](spoken.name)
        await stage.pilot.press("p")
        await stage.until(lambda: "input_audio_buffer.append" in stage.sent())
        assert (tmp_path / "heard.wav").exists()

    on_stage(scenario, SoundOptions(NO_SOUND, NO_SOUND))


def test_a_session_without_sound_says_so(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.engine.sound = None
        await stage.pilot.press("p", "A", "M")
        await stage.until(lambda: "no audio" in stage.meter("in"))

    on_stage(scenario, SoundOptions())


def line(seq: int, t: float, direction: str, event: dict[str, Any]) -> bytes:
    head = {"seq": seq, "t": t, "dir": direction, "origin": "wire", "type": event["type"]}
    return orjson.dumps({**head, "event": event}) + b"\n"


def recording(path: Path, url: str = "wss://x/v1/realtime?model=m") -> Replay:
    """Write two seconds of speech at −20 dBFS and one of an answer at −14; return a replay of it."""
    header = {"format": "realtime-session", "version": 1, "started_at": "2026-01-01T00:00:00Z"}
    lines = [orjson.dumps({**header, "source": "live", "url": url, "model": "m"}) + b"\n"]
    events: list[tuple[float, str, dict[str, Any]]] = [
        (0.0, "server", {"type": "session.created", "session": SESSION})
    ]
    events += [
        (0.1 * n, "client", {"type": "input_audio_buffer.append", "audio": tone(100)})
        for n in range(1, 21)
    ]
    where = {"response_id": "r", "item_id": "i", "content_index": 0}
    delta = {"type": "response.output_audio.delta", **where, "delta": tone(100, 6538)}
    events += [(2.4, "server", delta)] * 10
    events.append((3.2, "local", {"type": "inspector.note", "text": "here"}))
    lines += [line(n, t, who, event) for n, (t, who, event) in enumerate(events, 1)]
    path.write_bytes(b"".join(lines))
    return Replay(open_recording(path), SystemClock())


def replayed(replay: Replay, check: Callable[[Callable[[float], tuple[str, str]]], None]) -> None:
    """Show a recording; call ``check`` with a function that reads both meters at a time."""

    async def run() -> None:
        screen = replay_workspace(replay, UNICODE)
        async with InspectorApp(screen).run_test(size=(160, 40)) as pilot:
            await pilot.pause()

            def at(seconds: float) -> tuple[str, str]:
                replay.seek_t_us(int(seconds * 1e6))
                while replay.tick() or not replay.is_settled:
                    pass
                for name, reading in zip(
                    ("in", "out"), screen.model.readings(screen.key), strict=True
                ):
                    meter = screen.query_one(f"#meter-{name}", Meter)
                    meter._words_until_ns = 0
                    meter.show(reading)
                mic, out = (
                    text_of(screen.query_one(f"#meter-{name}", Meter)) for name in ("in", "out")
                )
                return mic, out

            check(at)

    asyncio.run(run())


def test_a_recording_shows_the_levels_at_its_cursor(tmp_path: Path) -> None:
    def check(at: Callable[[float], tuple[str, str]]) -> None:
        mic, out = at(1.5)
        assert "−20 " in mic
        assert "−∞" in out
        mic, out = at(3.2)
        assert "−∞" in mic
        assert "−14 " in out
        assert "heard 800 of 1,000 ms" in out
        assert "−20 " in at(1.0)[0]

    replayed(recording(tmp_path / "a.jsonl"), check)


def test_a_sideband_session_reports_that_it_has_no_audio(tmp_path: Path) -> None:
    def check(at: Callable[[float], tuple[str, str]]) -> None:
        assert "not on this connection (sideband)" in at(1.0)[0]

    replayed(recording(tmp_path / "a.jsonl", "wss://x/v1/realtime?call_id=rtc_1"), check)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("width", [1, 7, 20, 40, 60, 200])
def test_a_meter_fills_its_line_at_any_width(width: int, glyphs: Any) -> None:
    async def run() -> None:
        screen = session_workspace(TaskSupervisor(), _engine(), glyphs)
        async with InspectorApp(screen).run_test(size=(200, 40)) as pilot:
            meter = Meter("mic", glyphs)
            await screen.mount(meter)
            meter.styles.width = width
            await pilot.pause()
            for reading in (
                Reading("mic"),
                Reading("mic", -18.2, -3.1, 3, "speech 1.2 s", "active"),
                Reading("mic", 3.01, 0.0, 99999, "x" * 300, "warning"),
                Reading("mic", math.nan, math.inf, note="note", has_level=False),
            ):
                meter._words_until_ns = 0
                meter.show(reading)
                assert len(text_of(meter)) <= width
                if glyphs is ASCII:
                    assert text_of(meter).replace("…", "").isascii()

    asyncio.run(run())


def _engine() -> Engine:
    clock = SystemClock()
    engine = Engine(FakeSource(), RecordingFile(None, clock), clock)
    engine.connection = engine.connection.CLOSED
    return engine

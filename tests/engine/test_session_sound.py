"""Sound beside the engine on a real loop: lazy loading, the order of the log, and failures."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import soundfile

from inspector.audio import device
from inspector.audio.sound_file import WavReader
from inspector.clock import SystemClock
from inspector.core.event import Direction, Origin
from inspector.engine.live_engine import Engine
from inspector.engine.session_sound import SessionSound
from inspector.engine.sound_places import (
    DEFAULT_DEVICE,
    NO_SOUND,
    SoundEnd,
    SoundEndKind,
    SoundOptions,
    sound_end_of,
)
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.errors import DeviceError
from inspector.recording.writer import RecordingFile
from tests.support import FakeSource

RATE_HZ = 24_000
_HAND = Origin.HAND
SESSION = {"id": "s", "type": "realtime"}
VAD = {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}}


class Stage:
    """One session with sound, whose server is controlled by the test."""

    def __init__(
        self, engine: Engine, source: FakeSource, sound: SessionSound, host: TaskSupervisor
    ) -> None:
        self.engine, self.source, self.sound, self.host = engine, source, sound, host

    async def until(self, is_true: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not is_true():
                await asyncio.sleep(0.005)

    def answer(self, ms: int) -> None:
        self.source.say("response.created", response={"id": "r", "status": "in_progress"})
        item = {"id": "i", "type": "message", "role": "assistant"}
        self.source.say("conversation.item.added", item=item)
        where = {"response_id": "r", "item_id": "i", "content_index": 0}
        sound = base64.b64encode(np.full(RATE_HZ * ms // 1000, 5000, "<i2").tobytes()).decode()
        self.source.say("response.output_audio.delta", **where, delta=sound)
        self.source.say("response.output_audio.done", **where)
        self.source.say("response.done", response={"id": "r", "status": "completed"})

    def types(self, *, without: str = "input_audio_buffer.append") -> list[str]:
        log = self.engine.log
        return [log.type_of(row) for row in range(len(log)) if log.type_of(row) != without]

    def sent(self, name: str) -> list[dict[str, Any]]:
        bodies = [orjson.loads(data) for data in self.source.sent]
        return [body for body in bodies if body["type"] == name]


def on_stage(scenario: Callable[[Stage], Awaitable[None]], options: SoundOptions) -> None:
    async def run() -> None:
        clock, source = SystemClock(), FakeSource()
        engine = Engine(source, RecordingFile(None, clock), clock, strict=True)
        engine.sound = SessionSound(engine, options)
        async with TaskSupervisor() as host:
            host.start(engine)
            stage = Stage(engine, source, engine.sound, host)
            await stage.until(lambda: engine.can_send and len(engine.log))
            await scenario(stage)
        assert "failed" not in engine.sound.speaker_problem

    asyncio.run(run())


def voice(path: Path, seconds: float = 0.3) -> SoundEnd:
    soundfile.write(path, np.full(int(RATE_HZ * seconds), 0.25), RATE_HZ, subtype="PCM_16")
    return SoundEnd(SoundEndKind.FILE, str(path))


def test_a_silent_session_loads_nothing() -> None:
    async def scenario(stage: Stage) -> None:
        stage.source.say("session.created", session=SESSION)
        await stage.until(lambda: "session.created" in stage.types())
        assert stage.sound.microphone is None
        assert stage.sound.levels() is None

    on_stage(scenario, SoundOptions())


def test_what_was_heard_is_logged_after_what_caused_it() -> None:
    async def scenario(stage: Stage) -> None:
        stage.source.say("session.created", session=SESSION | VAD)
        stage.answer(3000)
        await stage.until(lambda: "inspector.playing" in stage.types())
        await asyncio.sleep(0.1)
        stage.source.say("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u")
        await stage.until(lambda: stage.sent("conversation.item.truncate"))
        order = stage.types()
        speech = order.index("input_audio_buffer.speech_started")
        assert order[speech : speech + 3] == [
            "input_audio_buffer.speech_started",
            "inspector.played",
            "conversation.item.truncate",
        ]
        played = stage.engine.log.event(order.index("inspector.played"))
        assert played.body is not None
        assert (
            stage.sent("conversation.item.truncate")[0]["audio_end_ms"] == played.body["audio_ms"]
        )
        assert played.direction is Direction.LOCAL

    on_stage(scenario, SoundOptions())


def test_a_file_waits_for_the_session_to_be_settled(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.engine.submit({"type": "session.update", "session": {}}, _HAND)
        stage.source.say("session.created", session=SESSION)
        await stage.until(lambda: stage.sound.is_waiting_to_talk)
        await asyncio.sleep(0.1)
        assert not stage.sent("input_audio_buffer.append")
        stage.source.say("session.updated", session=SESSION | VAD)
        await stage.until(lambda: stage.sent("input_audio_buffer.append"))

    on_stage(scenario, SoundOptions(voice(tmp_path / "a.wav")))


def test_a_file_is_a_whole_turn_where_nothing_detects_turns(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stage.source.say("session.created", session=SESSION)
        await stage.until(lambda: stage.sent("response.create"))
        names = [name for name in stage.types() if name.startswith(("input", "response"))]
        assert names == ["input_audio_buffer.clear", "input_audio_buffer.commit", "response.create"]
        audio = b"".join(
            base64.b64decode(body["audio"]) for body in stage.sent("input_audio_buffer.append")
        )
        # The file is followed by as much silence as the tick that notices its end is late.
        spoken = np.count_nonzero(np.frombuffer(audio, "<i2"))
        assert spoken / RATE_HZ == pytest.approx(0.3, abs=0.03)

    on_stage(scenario, SoundOptions(voice(tmp_path / "a.wav")))


def test_talking_over_the_answer_without_turn_detection_cancels_and_truncates(
    tmp_path: Path,
) -> None:
    async def scenario(stage: Stage) -> None:
        stage.source.say("session.created", session=SESSION)
        await stage.until(lambda: stage.sent("response.create"))
        stage.answer(5000)
        await stage.until(lambda: "inspector.playing" in stage.types())
        stage.source.say("response.created", response={"id": "r2", "status": "in_progress"})
        await asyncio.sleep(0.05)
        assert stage.sound.toggle_talk() == ""
        await stage.until(lambda: stage.sent("conversation.item.truncate"))
        assert len(stage.sent("response.cancel")) == 1
        assert stage.sent("conversation.item.truncate")[0]["audio_end_ms"] < 1000

    on_stage(scenario, SoundOptions(voice(tmp_path / "a.wav")))


def test_each_connection_writes_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "heard-2.wav").write_bytes(b"of another run")

    async def scenario(stage: Stage) -> None:
        for _ in range(2):
            stage.source.say("session.created", session=SESSION)
            stage.answer(100)
            await stage.until(lambda: stage.types().count("inspector.played") >= 1)
            await stage.host.stop(stage.engine)
            stage.host.start(stage.engine)
            await stage.until(lambda: stage.engine.connection.value == "live")
        await asyncio.sleep(0.05)

    on_stage(
        scenario, SoundOptions(NO_SOUND, SoundEnd(SoundEndKind.FILE, str(tmp_path / "heard.wav")))
    )
    with WavReader(tmp_path / "heard.wav") as reader:
        assert np.count_nonzero(reader.read(reader.frames)) == RATE_HZ // 10
    assert (tmp_path / "heard-2.wav").read_bytes() == b"of another run"
    assert (tmp_path / "heard-3.wav").exists()


def test_without_portaudio_the_reason_is_kept_and_the_clock_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Missing:
        def __init__(self, _: str) -> None:
            raise DeviceError("no PortAudio", hint="apt install it", code="no_portaudio")

    monkeypatch.setattr(device, "DeviceOutput", Missing)
    monkeypatch.setattr(device, "DeviceInput", Missing)

    async def scenario(stage: Stage) -> None:
        stage.source.say("session.created", session=SESSION | VAD)
        stage.answer(100)
        stage.sound.toggle_open()
        await stage.until(lambda: stage.sound.microphone_problem)
        await stage.until(lambda: "inspector.played" in stage.types())
        assert stage.sound.speaker_problem == "no PortAudio: apt install it"
        assert not stage.sound.is_waiting_to_talk
        assert stage.types().count("inspector.sound") == 1  # of the microphone, that was asked for

    on_stage(scenario, SoundOptions(DEFAULT_DEVICE, DEFAULT_DEVICE))


class FakeCard:
    """Both directions of a sound card that can be unplugged."""

    supports_backpressure = is_finished = False
    plugged = True

    def __init__(self, wanted: str) -> None:
        if not FakeCard.plugged:
            raise DeviceError(f"there is no {wanted}")
        self.name, self.rate_hz, self._at_ns = wanted or "card", 48_000, 0

    @property
    def failure(self) -> str:
        return "" if FakeCard.plugged else f"{self.name} is gone"

    @property
    def unheard(self) -> int:
        return 0

    def start(self, now_ns: int) -> None:
        self._at_ns = now_ns

    def read(self, now_ns: int) -> np.ndarray:
        return np.full(self.wanted(now_ns), 3000, np.int16)

    def wanted(self, now_ns: int) -> int:
        count = (now_ns - self._at_ns) * self.rate_hz // 1_000_000_000 if self._at_ns else 0
        self._at_ns = now_ns
        return max(0, count)

    def write(self, samples: np.ndarray) -> None:
        pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_device_that_is_unplugged_and_comes_back_is_survived_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "DeviceOutput", FakeCard)
    monkeypatch.setattr(device, "DeviceInput", FakeCard)
    monkeypatch.setattr(device, "refresh", lambda: None)
    monkeypatch.setattr("inspector.engine.session_sound.RETRY_S", 0.05)

    async def scenario(stage: Stage) -> None:
        stage.source.say("session.created", session=SESSION | VAD)
        stage.sound.toggle_open()
        await stage.until(lambda: stage.sent("input_audio_buffer.append"))
        FakeCard.plugged = False
        await stage.until(lambda: stage.sound.microphone_problem and stage.sound.speaker_problem)
        count = len(stage.sent("input_audio_buffer.append"))
        stage.answer(100)
        await stage.until(lambda: "inspector.played" in stage.types())
        assert len(stage.sent("input_audio_buffer.append")) <= count + 1
        FakeCard.plugged = True
        await stage.until(lambda: len(stage.sent("input_audio_buffer.append")) > count + 3)
        await stage.until(
            lambda: not (stage.sound.microphone_problem or stage.sound.speaker_problem)
        )
        told = [
            event.body["message"]
            for row in range(len(stage.engine.log))
            if (event := stage.engine.log.event(row)).type == "inspector.sound" and event.body
        ]
        assert sorted(told) == [
            "playing to usb again",
            "recording from usb again",
            "usb is gone",
            "usb is gone",
        ]

    usb = SoundEnd(SoundEndKind.DEVICE, "usb")
    on_stage(scenario, SoundOptions(usb, usb))


def test_a_failure_in_the_sound_does_not_end_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, _: str) -> None:
            raise RuntimeError("driver bug")

    monkeypatch.setattr(device, "DeviceOutput", Broken)

    async def run() -> None:
        clock, source = SystemClock(), FakeSource()
        engine = Engine(source, RecordingFile(None, clock), clock, strict=True)
        engine.sound = SessionSound(
            engine, SoundOptions(speaker=SoundEnd(SoundEndKind.DEVICE, "x"))
        )
        async with TaskSupervisor() as host:
            host.start(engine)
            stage = Stage(engine, source, engine.sound, host)
            await stage.until(lambda: engine.can_send)
            engine.sound.need()
            await stage.until(lambda: stage.sound.speaker_problem == "the sound failed: driver bug")
            source.say("ping")
            await stage.until(lambda: "ping" in stage.types())
            assert engine.can_send

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("none", NO_SOUND),
        ("NONE", NO_SOUND),
        ("default", SoundEnd(SoundEndKind.DEVICE)),
        ("USB Audio", SoundEnd(SoundEndKind.DEVICE, "USB Audio")),
        ("3", SoundEnd(SoundEndKind.DEVICE, "3")),
        ("a/b.WAV", SoundEnd(SoundEndKind.FILE, "a/b.WAV")),
    ],
)
def test_places_are_read_as_people_write_them(text: str, place: SoundEnd) -> None:
    assert sound_end_of(text) == place

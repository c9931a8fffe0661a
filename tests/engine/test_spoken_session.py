"""A spoken question through the microphone to the simulator, its answer, and a barge-in; in virtual time."""

from __future__ import annotations

import asyncio
import base64
import selectors
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import soundfile

from inspector.audio.pcm import Samples, decoded
from inspector.audio.sound_file import WavReader
from inspector.cli.launch import new_session_maker
from inspector.core.event import Event, Origin
from inspector.core.state import SessionState
from inspector.engine.live_engine import Engine
from inspector.engine.outbox import Outgoing
from inspector.engine.session_sound import SessionSound
from inspector.engine.sound_places import SoundOptions, sound_end_of
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.recording.writer import RecordingFile
from inspector.sim.provider import SimProvider
from inspector.sources.simulator import SimulatorSource
from tests.support import SPEECH, ManualClock

RATE_HZ = 24_000
TOLERANCE_MS = 40
QUIET = 50
"""Level below which a sample counts as silence."""
LONGEST_S = 60


class _Selector(selectors.DefaultSelector):
    """Wait by advancing the clock, unless a thread is running: that takes real time."""

    clock: ManualClock
    at_work: set[asyncio.Future[Any]]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        found = super().select(None if self.at_work else 0)
        if not found:
            self.clock.advance(max(timeout * 1000, 0.001))
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop with the time of a manual clock, which stands still while a thread is running."""

    def __init__(self, clock: ManualClock) -> None:
        selector = _Selector()
        selector.clock = self._manual = clock
        self._at_work: set[asyncio.Future[Any]] = set()
        selector.at_work = self._at_work
        super().__init__(selector)

    def time(self) -> float:
        return self._manual.ns / 1e9

    def run_in_executor(  # type: ignore[override]  # the generic signature adds nothing here
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        future = super().run_in_executor(executor, func, *args)
        self._at_work.add(future)
        future.add_done_callback(self._at_work.discard)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Join the threads in real time: from Python 3.12 on a loop waits 300 s for them, which pass at once here."""
        await super().shutdown_default_executor()


def spoken(
    folder: Path,
    microphone: Path,
    until: Callable[[Engine], bool],
    *,
    session: dict[str, Any] | None = None,
    truncates: bool = True,
) -> list[Event]:
    """Run a session with the simulator until a condition holds; return its events."""
    clock = ManualClock()
    source = SimulatorSource(new_session_maker(clock, SimProvider(0)), clock, model="gpt-realtime")
    engine = Engine(source, RecordingFile(folder / "a.jsonl", clock), clock, strict=True)
    places = sound_end_of(str(microphone)), sound_end_of(str(folder / "heard.wav"))
    engine.sound = SessionSound(
        engine, SoundOptions(*places, truncates=truncates, opens_at_once=True)
    )
    if session is not None:
        update = {"type": "session.update", "session": {"type": "realtime", **session}}
        engine.outbox.put(Outgoing(orjson.dumps(update), Origin.HAND, ""))

    async def run() -> None:
        async with TaskSupervisor() as host:
            host.start(engine)
            async with asyncio.timeout(LONGEST_S):
                while not until(engine):
                    await asyncio.sleep(0.02)

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        runner.run(run())
    assert not engine.sound.microphone_problem + engine.sound.speaker_problem
    return [engine.log.event(row) for row in range(len(engine.log))]


def has(engine: Engine, name: str, count: int = 1) -> bool:
    log = engine.log
    return sum(log.type_of(row) == name for row in range(len(log))) >= count


def of_type(events: list[Event], name: str) -> list[dict[str, Any]]:
    return [dict(event.body) for event in events if event.type == name and event.body is not None]


def audio_of_item(events: list[Event], item_id: str, encoding: str = "pcm16") -> Samples:
    deltas = of_type(events, "response.output_audio.delta")
    data = b"".join(base64.b64decode(d["delta"]) for d in deltas if d["item_id"] == item_id)
    return decoded(data, encoding)


def heard(folder: Path) -> Samples:
    with WavReader(folder / "heard.wav") as reader:
        return reader.read(reader.frames)


def interrupting_question(folder: Path) -> Path:
    """Return the question, a pause in which the answer starts, and the question again."""
    question, rate_hz = soundfile.read(SPEECH)
    path = folder / "twice.wav"
    pause = np.zeros(2 * rate_hz)
    soundfile.write(path, np.concatenate((question, pause, question)), rate_hz, subtype="PCM_16")
    return path


def test_a_spoken_question_is_answered_and_the_answer_is_heard_whole(tmp_path: Path) -> None:
    question = SPEECH
    events = spoken(tmp_path, question, lambda engine: has(engine, "inspector.played"))
    order = [event.type for event in events]
    speech_ns, sound_ns, heard_ns = (
        next(event.stamp_ns for event in events if event.type == name)
        for name in (
            "input_audio_buffer.speech_stopped",
            "response.output_audio.delta",
            "inspector.playing",
        )
    )

    assert order.index("input_audio_buffer.speech_started") < order.index("response.created")
    assert 0 < sound_ns - speech_ns < 2_000_000_000
    assert 0 <= heard_ns - sound_ns < 100_000_000
    played = of_type(events, "inspector.played")[0]
    answer = audio_of_item(events, played["item_id"])
    assert (played["reason"], played["audio_ms"]) == ("finished", len(answer) * 1000 // RATE_HZ)
    start = heard_ns * RATE_HZ // 1_000_000_000
    file = heard(tmp_path)
    around = file[max(0, start - RATE_HZ // 2) :]
    offset = int(np.flatnonzero(around)[0]) - int(np.flatnonzero(answer)[0])
    assert np.array_equal(around[offset : offset + len(answer)], answer)


def test_speaking_over_the_answer_truncates_it_where_the_file_of_the_speaker_ends(
    tmp_path: Path,
) -> None:
    events = spoken(
        tmp_path,
        interrupting_question(tmp_path),
        lambda engine: has(engine, "conversation.item.truncated"),
    )
    truncation = of_type(events, "conversation.item.truncate")[0]
    answer = audio_of_item(events, truncation["item_id"])
    file = heard(tmp_path)
    offset = int(np.flatnonzero(file)[0]) - int(np.flatnonzero(answer)[0])
    file = file[offset:]
    end, slack = (ms * RATE_HZ // 1000 for ms in (truncation["audio_end_ms"], TOLERANCE_MS))

    assert 500 < truncation["audio_end_ms"] < len(answer) * 1000 // RATE_HZ
    assert np.array_equal(file[: end - slack], answer[: end - slack])
    assert not file[end + slack :].any()
    assert of_type(events, "error") == []
    assert of_type(events, "inspector.played")[0]["reason"] == "speech_started"


@pytest.mark.parametrize("encoding", ["pcmu", "pcma"])
def test_a_telephone_answer_is_truncated_where_the_file_of_the_speaker_ends(
    tmp_path: Path, encoding: str
) -> None:
    telephone = {"format": {"type": f"audio/{encoding}"}}
    events = spoken(
        tmp_path,
        interrupting_question(tmp_path),
        lambda engine: has(engine, "conversation.item.truncated"),
        session={"audio": {"input": telephone, "output": telephone}},
    )
    truncation = of_type(events, "conversation.item.truncate")[0]
    answer = np.abs(audio_of_item(events, truncation["item_id"], encoding).astype(int))
    file = np.abs(heard(tmp_path).astype(int))
    # Silence is not quite silent in A-law, and the file is resampled: what is compared is where sound begins and ends.
    began_ms = np.flatnonzero(answer > QUIET)[0] / 8
    lasted_ms = np.ptp(np.flatnonzero(file > QUIET)) * 1000 / RATE_HZ
    cut_ms = truncation["audio_end_ms"]
    last_ms = np.flatnonzero(answer[: cut_ms * 8] > QUIET)[-1] / 8

    assert 500 < cut_ms < len(answer) / 8
    assert lasted_ms == pytest.approx(last_ms - began_ms, abs=TOLERANCE_MS)
    assert of_type(events, "error") == []


def test_a_replay_knows_what_was_heard(tmp_path: Path) -> None:
    events = spoken(
        tmp_path,
        interrupting_question(tmp_path),
        lambda engine: has(engine, "conversation.item.truncated"),
    )
    state = SessionState()
    for event in events:
        state.apply(event, strict=True)
    truncation = of_type(events, "conversation.item.truncate")[0]

    item = state.output_audio.items[truncation["item_id"]]
    assert item.heard_ms(events[-1].t_ns) == truncation["audio_end_ms"]


def test_truncation_can_be_switched_off(tmp_path: Path) -> None:
    events = spoken(
        tmp_path,
        interrupting_question(tmp_path),
        lambda engine: has(engine, "input_audio_buffer.speech_stopped", 2),
        truncates=False,
    )

    assert of_type(events, "conversation.item.truncate") == []
    assert of_type(events, "inspector.played")[0]["reason"] == "speech_started"


@pytest.mark.parametrize("detection", [{"type": "server_vad"}, None])
def test_a_telephone_session_hears_and_speaks_a_law(
    tmp_path: Path, detection: dict[str, str] | None
) -> None:
    telephone = {"format": {"type": "audio/pcma"}}
    question = SPEECH
    events = spoken(
        tmp_path,
        question,
        lambda engine: has(engine, "inspector.played"),
        session={
            "audio": {"input": {**telephone, "turn_detection": detection}, "output": telephone}
        },
    )
    appends = of_type(events, "input_audio_buffer.append")
    sent = b"".join(base64.b64decode(append["audio"]) for append in appends)
    data = question.read_bytes()
    at = data.index(b"data")
    body = data[at + 8 : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]
    played = of_type(events, "inspector.played")[0]
    answer = audio_of_item(events, played["item_id"], "pcma")

    assert sent[: len(body)] == body
    assert of_type(events, "error") == []
    assert played["audio_ms"] == pytest.approx(len(answer) / 8, abs=1)
    assert np.ptp(np.flatnonzero(np.abs(heard(tmp_path)) > 50)) * 1000 / RATE_HZ == pytest.approx(
        np.ptp(np.flatnonzero(np.abs(answer) > 50)) / 8, abs=TOLERANCE_MS
    )

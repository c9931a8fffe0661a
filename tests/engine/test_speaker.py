"""Playback, its reports, and barge-in, in manual time."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.audio.ends import ClockOutput
from inspector.audio.pcm import Samples
from inspector.audio.sound_file import WavReader, WavWriter
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.engine.barge_in import BargeIn
from inspector.engine.speaker import Speaker
from tests.support import client, local, server

MS = 1_000_000
RATE_HZ = 24_000


class Room:
    """A speaker with barge-in, the folds that they read, and a clock."""

    def __init__(self, path: Path | None = None, *, truncates: bool = True) -> None:
        writer = WavWriter(path, RATE_HZ) if path is not None else None
        self.speaker = Speaker(ClockOutput(RATE_HZ, writer))
        self.barge_in = BargeIn(self.speaker, truncates=truncates)
        self.state = SessionState()
        self.ms = 0.0
        self.sent: list[dict[str, Any]] = []
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.speaker.tick(0)
        self.seq = 0

    def take(self, event: Event) -> None:
        self.seq += 1
        now_ns = round(self.ms * MS)
        event = replace(event, seq=self.seq, t_ns=now_ns)
        self.state.apply(event, strict=True)
        self.speaker.on_event(event, self.state, now_ns)
        self.sent += self.barge_in.on_event(event, self.state, now_ns)
        self.flush()

    def wait(self, ms: int, step: int = 20) -> None:
        for _ in range(ms // step):
            self.ms += step
            self.speaker.tick(round(self.ms * MS))
            self.flush()

    def flush(self) -> None:
        for name, facts in self.speaker.reports():
            self.log.append((name, facts))
            self.seq += 1
            self.state.apply(
                replace(local(name, **facts), seq=self.seq, t_ns=round(self.ms * MS)), strict=True
            )

    def answer(self, ms: int, item: str = "i", response: str = "r", *, done: bool = True) -> None:
        """Send an answer with the given length of audio at once."""
        self.take(server("response.created", response={"id": response, "status": "in_progress"}))
        self.take(
            server(
                "conversation.item.added", item={"id": item, "type": "message", "role": "assistant"}
            )
        )
        where = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        for at in range(0, ms, 100):
            self.take(server("response.output_audio.delta", **where, delta=tone(min(100, ms - at))))
        if done:
            self.take(server("response.output_audio.done", **where))
            self.take(server("response.done", response={"id": response, "status": "completed"}))

    def played(self) -> list[tuple[str, int, str]]:
        return [
            (facts["item_id"], facts["audio_ms"], facts["reason"])
            for name, facts in self.log
            if name == "inspector.played"
        ]


def tone(ms: int) -> str:
    samples: Samples = np.full(RATE_HZ * ms // 1000, 5000, np.int16)
    return base64.b64encode(samples.tobytes()).decode()


def test_an_answer_is_reported_when_it_begins_and_when_it_was_heard() -> None:
    room = Room()
    room.answer(300)
    room.wait(400)

    begun, ended = room.log
    assert begun[0] == "inspector.playing"
    assert begun[1] == {
        "item_id": "i",
        "content_index": 0,
        "response_id": "r",
        "audio_ms": 0,
        "received_ms": 300,
        "output": "none",
    }
    assert ended[0] == "inspector.played"
    assert (ended[1]["audio_ms"], ended[1]["reason"]) == (300, "finished")
    assert room.speaker.is_idle


def test_the_folds_know_at_any_moment_what_was_heard() -> None:
    room = Room()
    room.wait(1000)
    room.answer(2000)
    room.wait(720)

    item = room.state.output_audio.items["i"]
    assert item.heard_ms(round(room.ms * MS)) == pytest.approx(room.speaker.heard_ms("i"), abs=20)


def test_speech_cuts_the_answer_and_truncates_it_where_it_was_heard() -> None:
    room = Room()
    room.answer(2000)
    room.wait(700)
    room.ms += 7.5
    room.take(server("input_audio_buffer.speech_started", audio_start_ms=1, item_id="u"))
    room.wait(500)

    assert room.played() == [("i", 707, "speech_started")]
    assert room.sent == [
        {
            "type": "conversation.item.truncate",
            "item_id": "i",
            "content_index": 0,
            "audio_end_ms": 707,
        }
    ]
    assert room.state.output_audio.items["i"].heard_ms(9_000 * MS) == 707


def test_what_is_truncated_by_hand_falls_silent_before_the_server_agrees() -> None:
    room = Room()
    room.answer(2000)
    room.wait(700)
    cut = {"item_id": "i", "content_index": 0, "audio_end_ms": 690}
    room.take(client("conversation.item.truncate", **cut))
    room.wait(300)
    room.take(server("conversation.item.truncated", **cut))
    room.wait(300)

    assert room.played() == [("i", 700, "truncated")]


def test_what_waits_behind_it_is_truncated_to_nothing() -> None:
    room = Room()
    room.answer(1000, "first", "r1")
    room.answer(1000, "second", "r2")
    room.wait(300)
    room.take(server("input_audio_buffer.speech_started", item_id="u"))

    assert [(e["item_id"], e["audio_end_ms"]) for e in room.sent] == [("first", 300), ("second", 0)]


def test_an_answer_that_was_heard_to_its_end_is_left_alone() -> None:
    room = Room()
    room.answer(300)
    room.wait(600)
    room.take(server("input_audio_buffer.speech_started", item_id="u"))

    assert room.sent == []


def test_deltas_that_come_after_speech_began_are_not_heard() -> None:
    room = Room()
    room.answer(1000, done=False)
    room.wait(300)
    room.take(server("input_audio_buffer.speech_started", item_id="u"))
    where = {"response_id": "r", "content_index": 0}
    room.take(server("response.output_audio.delta", **where, item_id="i", delta=tone(500)))
    room.take(server("response.output_audio.delta", **where, item_id="more", delta=tone(500)))
    room.wait(1000)

    assert room.played() == [("i", 300, "speech_started")]
    assert room.speaker.is_idle


def test_without_truncation_the_answer_is_silenced_all_the_same() -> None:
    room = Room(truncates=False)
    room.answer(2000)
    room.wait(300)
    room.take(server("input_audio_buffer.speech_started", item_id="u"))

    assert room.sent == []
    assert room.played() == [("i", 300, "speech_started")]


def test_speech_that_interrupts_nothing_by_the_sessions_will_does_not() -> None:
    room = Room()
    detection = {"type": "server_vad", "interrupt_response": False}
    room.take(
        server(
            "session.created",
            session={"id": "s", "audio": {"input": {"turn_detection": detection}}},
        )
    )
    room.answer(500)
    room.wait(300)
    room.take(server("input_audio_buffer.speech_started", item_id="u"))
    room.wait(400)

    assert room.sent == []
    assert room.played() == [("i", 500, "finished")]


def test_items_outside_the_conversation_are_not_truncated() -> None:
    room = Room()
    room.take(
        server("response.created", response={"id": "oob", "conversation_id": None, "status": "x"})
    )
    where = {"response_id": "oob", "item_id": "aside", "content_index": 0}
    room.take(server("response.output_audio.delta", **where, delta=tone(900)))
    room.wait(200)
    room.take(server("input_audio_buffer.speech_started", item_id="u"))

    assert room.sent == []
    assert room.played() == [("aside", 200, "speech_started")]


def test_a_deleted_item_falls_silent_and_is_not_truncated() -> None:
    room = Room()
    room.answer(900)
    room.wait(200)
    room.take(server("conversation.item.deleted", item_id="i"))
    room.wait(100)
    room.take(server("input_audio_buffer.speech_started", item_id="u"))

    assert room.played() == [("i", 200, "deleted")]
    assert room.sent == []


def test_cancelling_silences_before_the_server_agrees() -> None:
    room = Room()
    room.answer(2000, done=False)
    room.wait(400)
    room.take(client("response.cancel"))
    room.wait(100)
    cancelled = {"id": "r", "status": "cancelled"}
    room.take(server("response.done", response=cancelled))

    assert room.played() == [("i", 400, "response.cancel")]
    assert [(e["type"], e["audio_end_ms"]) for e in room.sent] == [
        ("conversation.item.truncate", 400)
    ]


@pytest.mark.parametrize(
    ("end_ms", "heard"), [(150, ("i", 400, "truncated")), (600, ("i", 600, "finished"))]
)
def test_a_truncation_by_hand_ends_the_item_there(end_ms: int, heard: tuple[str, int, str]) -> None:
    room = Room()
    room.answer(2000)
    room.wait(400)
    room.take(
        server("conversation.item.truncated", item_id="i", content_index=0, audio_end_ms=end_ms)
    )
    room.wait(600)

    assert room.played() == [heard]


@pytest.mark.parametrize("delta", ["not base64!", "A", "é", "=", "AAA*", 7, None, ["x"]])
def test_deltas_that_are_no_audio_are_survived(delta: object) -> None:
    room = Room()
    where = {"response_id": "r", "item_id": "i", "content_index": 0}
    room.take(server("response.output_audio.delta", **where, delta=delta))
    room.take(server("response.output_audio.delta", **where, delta=tone(100)))
    room.take(server("response.output_audio.done", **where))
    room.wait(300)

    assert room.played() == [("i", 100, "finished")]


@pytest.mark.parametrize(
    "event",
    [
        server("response.output_audio.delta"),
        server("response.output_audio.delta", item_id=7, content_index="x", delta=tone(100)),
        server("response.output_audio.done", item_id=None),
        server("response.done", response=3),
        server("response.done", response={"status": "cancelled"}),
        server("conversation.item.truncated", item_id="gone", audio_end_ms=10),
        server("conversation.item.truncated", item_id="i", audio_end_ms=-5),
        server("conversation.item.truncated", item_id="i", audio_end_ms=1e300),
        server("conversation.item.deleted"),
        server("session.output_audio.delta", delta=tone(100), sample_rate="x"),
        server("input_audio_buffer.speech_started"),
        client("response.cancel", response_id=9),
    ],
)
def test_hostile_events_are_survived(event: Event) -> None:
    room = Room()
    room.answer(500)
    room.wait(100)
    room.take(event)
    room.wait(1500)

    assert room.speaker.is_idle


def test_a_response_may_have_a_format_of_its_own() -> None:
    room = Room()
    telephone = {"output": {"format": {"type": "audio/pcmu"}}}
    room.take(server("response.created", response={"id": "r", "audio": telephone}))
    where = {"response_id": "r", "item_id": "i", "content_index": 0}
    data = base64.b64encode(bytes(8000)).decode()
    room.take(server("response.output_audio.delta", **where, delta=data))
    room.take(server("response.output_audio.done", **where))
    room.wait(1200)

    assert room.played() == [("i", 1000, "finished")]


def test_ten_minutes_in_one_second_are_played_in_ten_minutes() -> None:
    room = Room()
    room.answer(1000, done=False)
    where = {"response_id": "r", "item_id": "i", "content_index": 0}
    minute = tone(60_000)
    for _ in range(10):
        room.take(server("response.output_audio.delta", **where, delta=minute))
        room.wait(100)

    assert room.speaker.heard_ms("i") == 1000
    assert room.state.output_audio.items["i"].received_ms == 601_000


def test_a_process_that_stood_still_catches_up() -> None:
    room = Room()
    room.answer(9000)
    room.wait(100)
    room.ms += 8000
    room.wait(40)

    assert room.speaker.heard_ms("i") == 8140


def test_the_file_holds_what_was_heard_where_it_was_heard(tmp_path: Path) -> None:
    room = Room(tmp_path / "heard.wav")
    room.wait(500)
    room.answer(2000)
    room.wait(700)
    room.take(server("input_audio_buffer.speech_started", item_id="u"))
    room.wait(300)
    room.speaker.output.close()

    with WavReader(tmp_path / "heard.wav") as reader:
        assert reader.frames == RATE_HZ * 1500 // 1000
        sounding = np.flatnonzero(reader.read(reader.frames))
    assert sounding[0] == RATE_HZ // 2
    assert len(sounding) * 1000 // RATE_HZ == room.sent[0]["audio_end_ms"] == 700


def test_a_full_disk_is_said_and_the_clock_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(tmp_path / "heard.wav")
    room.answer(300)
    monkeypatch.setattr(
        "wave.Wave_write.writeframes",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    room.wait(400)

    assert "No space left" in room.speaker.output.failure
    assert room.played() == [("i", 300, "finished")]


def test_a_test_of_the_speaker_is_heard_and_not_reported() -> None:
    room = Room()
    room.speaker.play_test(0)
    room.wait(300)
    assert room.speaker.meter.read(round(room.ms * MS)).rms_dbfs > -30

    room.wait(900)
    assert room.log == []

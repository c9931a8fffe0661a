"""What the microphone sends, in which format and order, in manual time."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inspector.audio.pcm import Samples, decoded
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.engine.microphone import TRAIL_LEAST_MS, Microphone, Talk
from tests.support import server

MS = 1_000_000
S = 1_000_000_000


class FakeInput:
    """An endless voice, or like a file one of a given length followed by silence."""

    name = "voice"

    def __init__(self, rate_hz: int = 24_000, *, lasts_s: float | None = None) -> None:
        self.rate_hz = rate_hz
        self.failure = ""
        self.supports_backpressure = lasts_s is not None
        self.is_closed = False
        self._lasts = None if lasts_s is None else int(lasts_s * rate_hz)
        self._start_ns = self._given = 0

    @property
    def is_finished(self) -> bool:
        return self._lasts is not None and self._given >= self._lasts

    def start(self, now_ns: int) -> None:
        self._start_ns, self._given = now_ns, 0

    def read(self, now_ns: int) -> Samples:
        count = (now_ns - self._start_ns) * self.rate_hz // S - self._given
        at = np.arange(self._given, self._given + count)
        self._given += count
        voice = (8000 * np.sin(2 * np.pi * 400 * at / self.rate_hz)).astype(np.int16)
        if self._lasts is not None:
            voice[at >= self._lasts] = 0
        return voice

    def close(self) -> None:
        self.is_closed = True


class Talker:
    """A microphone with the folds that it reads, and a clock."""

    def __init__(self, voice: FakeInput | None = None, *, append_ms: int = 40) -> None:
        self.sent: list[dict[str, Any]] = []
        self.microphone = Microphone(self.sent.append, append_ms=append_ms)
        self.state = SessionState()
        self.ms = 0
        self.seq = 0
        self.room = 48
        self.microphone.change_input(voice or FakeInput(), 0)

    @property
    def now_ns(self) -> int:
        return self.ms * MS

    def take(self, event: Event) -> None:
        self.seq += 1
        event = replace(event, seq=self.seq, t_ns=self.now_ns)
        self.state.apply(event, strict=True)
        self.microphone.on_event(event, self.state)

    def session(
        self, detection: dict[str, Any] | None, kind: str = "audio/pcm", **more: Any
    ) -> None:
        audio_in = {"format": {"type": kind, "rate": 24_000}, "turn_detection": detection}
        session = {"id": "s", "type": "realtime", "audio": {"input": audio_in}, **more}
        self.take(server("session.updated" if self.seq else "session.created", session=session))

    def wait(self, ms: int) -> None:
        for _ in range(ms // 20):
            self.ms += 20
            self.microphone.tick(self.state, self.now_ns, room=self.room)

    def types(self) -> list[str]:
        """Return the types of the sent events, with consecutive appends as one."""
        found: list[str] = []
        for event in self.sent:
            name = event["type"].removeprefix("input_audio_buffer.")
            if not (found and found[-1] == name == "append"):
                found.append(name)
        return found

    def audio(self, encoding: str = "pcm16") -> Samples:
        data = b"".join(base64.b64decode(e["audio"]) for e in self.sent if "audio" in e)
        return decoded(data, encoding)


VAD = {"type": "server_vad"}


def test_an_open_microphone_sends_what_is_said_in_equal_appends() -> None:
    talker = Talker()
    talker.session(VAD)
    talker.microphone.open(0)
    talker.wait(1000)

    assert talker.types() == ["append"]
    assert len(talker.sent) == 25
    assert len(talker.audio()) == 24_000
    assert np.array_equal(talker.audio(), FakeInput().read(1 * S))


@pytest.mark.parametrize(("append_ms", "count"), [(20, 50), (100, 10), (1, 50), (5000, 10)])
def test_the_length_of_an_append_is_chosen_within_bounds(append_ms: int, count: int) -> None:
    talker = Talker(append_ms=append_ms)
    talker.session(VAD)
    talker.microphone.open(0)
    talker.wait(1000)

    assert len(talker.sent) == count


@pytest.mark.parametrize(
    ("kind", "encoding"), [("audio/pcmu", "pcmu"), ("audio/pcma", "pcma"), ("audio/pcm", "pcm16")]
)
@pytest.mark.parametrize("rate_hz", [8_000, 24_000, 44_100, 192_000])
def test_the_session_says_in_what_format(kind: str, encoding: str, rate_hz: int) -> None:
    talker = Talker(FakeInput(rate_hz))
    talker.session(VAD, kind)
    talker.microphone.open(0)
    talker.wait(2000)

    audio = talker.audio(encoding)
    to_hz = 24_000 if encoding == "pcm16" else 8_000
    assert len(audio) / to_hz == pytest.approx(2, abs=0.12)
    spectrum = np.abs(np.fft.rfft(audio[:to_hz]))
    assert int(spectrum.argmax()) == 400
    assert np.abs(audio).max() == pytest.approx(8000, rel=0.05)


def test_a_format_that_changes_in_the_middle_is_followed() -> None:
    talker = Talker()
    talker.session(VAD)
    talker.microphone.open(0)
    talker.wait(200)
    talker.session(VAD, "audio/pcmu")
    talker.wait(200)

    sizes = [len(base64.b64decode(event["audio"])) for event in talker.sent]
    assert set(sizes) == {1920, 320}


def test_push_to_talk_without_turn_detection_frames_the_turn() -> None:
    talker = Talker()
    talker.session(None)
    talker.microphone.push(talker.state, talker.now_ns)
    talker.wait(510)
    assert talker.microphone.release(talker.state, talker.now_ns) == ""
    talker.wait(500)

    assert talker.types() == ["clear", "append", "commit", "response.create"]
    assert len(talker.audio()) == 24_000 // 2
    assert talker.microphone.talk is Talk.OFF


def test_a_turn_that_is_too_short_is_thrown_away() -> None:
    talker = Talker()
    talker.session(None)
    talker.microphone.push(talker.state, talker.now_ns)
    talker.wait(60)

    assert "too short" in talker.microphone.release(talker.state, talker.now_ns)
    assert talker.types() == ["clear", "append", "clear"]


def test_push_to_talk_with_turn_detection_leaves_the_turn_to_the_server() -> None:
    talker = Talker()
    talker.session(VAD)
    talker.microphone.push(talker.state, talker.now_ns)
    talker.wait(400)
    talker.take(server("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0))
    talker.microphone.release(talker.state, talker.now_ns)
    talker.wait(TRAIL_LEAST_MS + 400)
    assert talker.microphone.is_sending
    talker.take(server("input_audio_buffer.speech_stopped", item_id="u", audio_end_ms=0))
    talker.take(server("input_audio_buffer.committed", item_id="u"))
    talker.wait(400)

    assert talker.types() == ["append"]
    assert talker.microphone.talk is Talk.OFF
    assert not talker.audio()[24_000 // 2 :].any()


def test_turn_detection_that_creates_no_response_gets_one_asked_for() -> None:
    talker = Talker()
    talker.session({"type": "server_vad", "create_response": False})
    talker.microphone.push(talker.state, talker.now_ns)
    talker.wait(400)
    talker.microphone.release(talker.state, talker.now_ns)
    talker.take(server("input_audio_buffer.committed", item_id="u"))

    assert talker.types() == ["append", "response.create"]


def test_silence_after_a_turn_in_which_nobody_was_heard_ends() -> None:
    talker = Talker()
    talker.session(VAD)
    talker.microphone.push(talker.state, talker.now_ns)
    talker.wait(200)
    talker.microphone.release(talker.state, talker.now_ns)
    talker.wait(TRAIL_LEAST_MS + 40)

    assert talker.microphone.talk is Talk.OFF


def test_muted_means_silence_not_a_hole() -> None:
    talker = Talker()
    talker.session(VAD)
    talker.microphone.open(0)
    talker.microphone.is_muted = True
    talker.wait(1000)

    assert len(talker.audio()) == 24_000
    assert not talker.audio().any()


def test_a_file_is_spoken_whole_then_silence_keeps_the_line_open() -> None:
    talker = Talker(FakeInput(lasts_s=0.5))
    talker.session(VAD)
    talker.microphone.open(0)
    talker.wait(1520)

    assert len(talker.audio()) == 36_480
    assert talker.audio()[:12_000].any()
    assert not talker.audio()[12_000:].any()
    assert talker.microphone.input_finished


def test_a_file_without_turn_detection_is_one_turn() -> None:
    talker = Talker(FakeInput(44_100, lasts_s=0.5))
    talker.session(None)
    talker.microphone.push(talker.state, talker.now_ns)
    talker.wait(1500)

    assert talker.types() == ["clear", "append", "commit", "response.create"]
    assert len(talker.audio()) == pytest.approx(12_000, abs=500)


def test_a_file_loses_nothing_where_the_connection_is_slow() -> None:
    talker = Talker(FakeInput(lasts_s=2))
    talker.session(VAD)
    talker.microphone.open(0)
    talker.room = 0
    talker.wait(1000)
    assert talker.sent == []
    talker.room = 48
    talker.wait(1500)

    assert np.array_equal(talker.audio()[:48_000], FakeInput().read(2 * S))


def test_transcription_sessions_are_committed_and_not_asked() -> None:
    talker = Talker()
    talker.session(None)
    talker.state.session.config = {"type": "transcription", "audio": {"input": {}}}
    talker.microphone.push(talker.state, talker.now_ns)
    talker.wait(300)
    talker.microphone.release(talker.state, talker.now_ns)

    assert talker.types() == ["clear", "append", "commit"]


def test_a_translation_knows_no_turns_and_hears_silence_after_what_was_said() -> None:
    talker = Talker(FakeInput(lasts_s=1.0))
    talker.session(None, type="translation")
    talker.microphone.push(talker.state, talker.now_ns)
    talker.wait(1000 + TRAIL_LEAST_MS + 100)

    assert {event["type"] for event in talker.sent} == {"session.input_audio_buffer.append"}
    assert len(talker.audio()) >= 24 * (1000 + TRAIL_LEAST_MS - 100)
    assert talker.microphone.talk is Talk.OFF


def test_a_closed_connection_closes_the_microphone() -> None:
    talker = Talker()
    talker.session(VAD)
    talker.microphone.open(0)
    talker.take(server("inspector.closed"))
    talker.wait(200)

    assert talker.sent == []


def test_a_device_that_goes_away_is_replaced_in_the_middle() -> None:
    first = FakeInput(48_000)
    talker = Talker(first)
    talker.session(VAD)
    talker.microphone.open(0)
    talker.wait(200)
    talker.microphone.change_input(None, talker.now_ns)
    talker.wait(200)
    talker.microphone.change_input(FakeInput(16_000), talker.now_ns)
    talker.wait(400)

    assert first.is_closed
    assert len(talker.audio()) / 24_000 == pytest.approx(0.6, abs=0.12)
    assert talker.microphone.meter.read(talker.now_ns).rms_dbfs == pytest.approx(-12.2, abs=0.2)

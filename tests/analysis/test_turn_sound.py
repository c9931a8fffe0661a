"""What can be heard in a turn: where speech ends and where an answer begins to be audible, in every format."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from inspector.analysis.audio_clocks import audio_clocks, clock_words
from inspector.analysis.latency import latency_of
from inspector.analysis.turn_sound import Listener, LoggedSound, first_audible_ms, speech_frames
from inspector.audio.pcm import Samples, encoded
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.recording.format import parse, render
from tests.support import at, client, numbered, server

FORMATS = {
    "pcm16 24 kHz": ({"type": "audio/pcm", "rate": 24_000}, AudioFormat("pcm16", 24_000)),
    "pcm16 16 kHz": ({"type": "audio/pcm", "rate": 16_000}, AudioFormat("pcm16", 16_000)),
    "mu-law": ({"type": "audio/pcmu"}, AudioFormat("pcmu", 8_000)),
    "A-law": ({"type": "audio/pcma"}, AudioFormat("pcma", 8_000)),
}
MS = 1_000_000


def noise(ms: int, rate_hz: int, level: float = 0.2) -> Samples:
    chance = np.random.default_rng(1)
    return (chance.standard_normal(ms * rate_hz // 1000) * level * 32767).clip(-32768, 32767).astype(np.int16)  # fmt: skip


def quiet(ms: int, rate_hz: int) -> Samples:
    return noise(ms, rate_hz, 0.0005)


def base64_of(samples: Samples, form: AudioFormat) -> str:
    return base64.b64encode(encoded(samples, form.encoding)).decode()


class Lines:
    """Rows of a recording in memory."""

    def __init__(self) -> None:
        self.data = b""

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def logged(events: list[Event]) -> tuple[EventLog, SessionState]:
    lines, state = Lines(), SessionState()
    log = EventLog(lines, parse)
    for event in numbered(events):
        line = render(event)[:-1]
        log.append(event, len(lines.data), len(line))
        lines.data += line + b"\n"
        state.apply(event, strict=True)
    return log, state


def spoken(
    described: object, form: AudioFormat, sound: Samples, append_ms: int = 40
) -> list[Event]:
    """Return a session in which some sound is sent in real time, and ends a turn with an answer."""
    detection = {"type": "server_vad", "silence_duration_ms": 500}
    audio = {"input": {"turn_detection": detection, "format": described}, "output": {"format": described}}  # fmt: skip
    events = [server("session.created", session={"id": "s", "audio": audio})]
    size = append_ms * form.rate_hz // 1000
    t_ms = 1000.0
    for begin in range(0, len(sound), size):
        t_ms += append_ms
        piece = base64_of(sound[begin : begin + size], form)
        events.append(at(t_ms, client("input_audio_buffer.append", audio=piece)))
    stopped = server("input_audio_buffer.speech_stopped", audio_end_ms=2500, item_id="u")
    events.append(at(t_ms + 60, stopped))
    return events


@pytest.mark.parametrize("name", FORMATS)
def test_the_end_of_speech_stands_where_its_sample_was_sent(name: str) -> None:
    described, form = FORMATS[name]
    sound = np.concatenate(
        (quiet(500, form.rate_hz), noise(1510, form.rate_hz), quiet(490, form.rate_hz))
    )
    log, state = logged(spoken(described, form, sound))

    heard = Listener(LoggedSound(log, ())).listen(state.turns.all[0])

    # Sent from 1,000 ms on, an append when it is full: 2,010 ms of it were spoken 2,010 ms later.
    assert heard.speech_end is not None
    assert heard.speech_end.t_ns is not None
    assert heard.speech_end.t_ns / MS == pytest.approx(3010, abs=11)
    found = latency_of(state.turns.all[0], heard)
    assert found.anchor == "measured"
    assert found.figures["endpointing_ms"] == pytest.approx(570, abs=31)


@pytest.mark.parametrize("name", FORMATS)
def test_an_answer_is_audible_from_its_first_loud_sample(name: str) -> None:
    described, form = FORMATS[name]
    answer = np.concatenate((quiet(96, form.rate_hz), noise(400, form.rate_hz)))
    events = spoken(described, form, noise(1000, form.rate_hz))
    events.append(at(4000, server("response.created", response={"id": "r"})))
    size = 100 * form.rate_hz // 1000
    for begin in range(0, len(answer), size):
        piece = base64_of(answer[begin : begin + size], form)
        where = {"response_id": "r", "item_id": "a"}
        events.append(at(4100, server("response.output_audio.delta", **where, delta=piece)))
    log, state = logged(events)

    heard = Listener(LoggedSound(log, ())).listen(state.turns.all[0])

    assert heard.leading_ns is not None
    # A window of 10 ms is loud as soon as a few of its samples are.
    assert heard.leading_ns / MS == pytest.approx(96, abs=10)


@pytest.mark.parametrize(
    ("delta", "reason"),
    [
        (base64.b64encode(bytes(48 * 400)).decode(), "nothing of it is audible"),
        (base64.b64encode(bytes(48 * 3100)).decode(), "nothing is audible in the first 3 s"),
        (base64.b64encode(bytes(33)).decode(), "audio is elided in this file"),
        ("not base64 at all!!!", "its audio is not base64"),
    ],
)
def test_an_answer_without_an_audible_sample_says_why(delta: str, reason: str) -> None:
    described, form = FORMATS["pcm16 24 kHz"]
    where = {"response_id": "r", "item_id": "a"}
    log, state = logged(
        [
            *spoken(described, form, noise(1000, form.rate_hz)),
            server("response.created", response={"id": "r"}),
            at(4100, server("response.output_audio.delta", **where, delta=delta)),
            at(4200, server("response.done", response={"id": "r"})),
            at(4300, server("response.output_audio.delta", **where, delta=delta)),
        ]
    )

    heard = Listener(LoggedSound(log, ())).listen(state.turns.all[0])

    assert (heard.leading_ns, heard.no_leading) == (None, reason)


def test_speech_that_is_not_there_is_not_found() -> None:
    described, form = FORMATS["pcm16 24 kHz"]
    log, state = logged(spoken(described, form, quiet(2500, form.rate_hz)))
    listener = Listener(LoggedSound(log, ()))

    assert "no speech" in listener.listen(state.turns.all[0]).no_speech_end
    assert "elided" in listener.listen(state.turns.all[0], is_input_elided=True).no_speech_end
    log, state = logged([server("input_audio_buffer.speech_stopped", item_id="u")])
    nothing = Listener(LoggedSound(log, ())).listen(state.turns.all[0])
    assert nothing.no_speech_end == "no audio was appended before it"
    log, state = logged([server("input_audio_buffer.speech_started", item_id="u")])
    assert "not finished" in Listener(LoggedSound(log, ())).listen(state.turns.all[0]).no_speech_end


class Deaf:
    """Takes nothing for a voice."""

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        return [0.0] * (len(pcm16) // 2 // (rate_hz * 32 // 1000))


def test_a_detector_has_the_last_word() -> None:
    described, form = FORMATS["pcm16 24 kHz"]
    sound = np.concatenate((quiet(500, form.rate_hz), noise(1000, form.rate_hz), quiet(500, form.rate_hz)))  # fmt: skip
    log, state = logged(spoken(described, form, sound))

    heard = Listener(LoggedSound(log, ()), Deaf(), "deaf").listen(state.turns.all[0])

    assert heard.speech_end is None
    assert heard.detector == "deaf"


def test_what_the_server_refused_is_not_heard() -> None:
    described, form = FORMATS["pcm16 24 kHz"]
    log, state = logged(spoken(described, form, noise(1000, form.rate_hz)))
    seqs = range(1, len(log) + 1)

    heard = Listener(LoggedSound(log, seqs)).listen(state.turns.all[0])

    assert heard.no_speech_end == "no audio was appended before it"


def test_levels_have_hysteresis() -> None:
    levels = np.array([-70.0] * 10 + [-20.0, -45.0, -20.0, -58.0, -20.0] + [-70.0] * 5)

    assert speech_frames(levels).tolist() == [False] * 10 + [True, True, True, False, True] + [False] * 5  # fmt: skip
    assert speech_frames(np.full(5, -20.0)).all()
    assert not speech_frames(np.full(5, -80.0)).any()
    assert not len(speech_frames(np.zeros(0)))


def test_a_click_is_not_audible() -> None:
    clicks = np.zeros(24_000, np.int16)
    clicks[2400:2640] = 20_000

    assert first_audible_ms(clicks, 24_000) is None
    assert first_audible_ms(np.full(24_000, 20_000, np.int16), 24_000) is None  # its mean alone


# ── the audio clocks ─────────────────────────────────────────────────────────────────────────────────────────────────


def appends(count: int, size: int, every_ms: float = 40) -> Iterator[Event]:
    for number in range(count):
        piece = base64.b64encode(bytes(size)).decode()
        yield at(1000 + number * every_ms, client("input_audio_buffer.append", audio=piece))


def test_clocks_go_by_the_format_in_force_beside_the_wall_clock() -> None:
    def configured(form: dict[str, object]) -> Event:
        return server("session.updated", session={"id": "s", "audio": {"input": {"format": form}}})

    _, state = logged(
        [
            configured({"type": "audio/pcm", "rate": 24_000}),
            *appends(10, 1920),
            server("input_audio_buffer.committed", item_id="u"),
            configured({"type": "audio/pcmu"}),
            at(
                3000,
                client("input_audio_buffer.append", audio=base64.b64encode(bytes(800)).decode()),
            ),
        ]
    )

    user = audio_clocks(state)["user"]

    assert user["appended_ms"] == 500.0  # 10 × 40 ms and 100 ms of half a byte's width
    assert user["committed_ms"] == 400.0
    assert user["wall_ms"] == 2040.0
    assert user["rate"] == pytest.approx(0.245)
    assert user["elided"] is None
    assert clock_words(state) == ["user: 0.5 s of audio appended in 2.0 s, 0.25× real time"]


def test_audio_that_a_recorder_cut_out_has_no_length() -> None:
    _, state = logged(
        [
            *appends(5, 33),
            server(
                "response.output_audio.delta",
                item_id="a",
                delta=base64.b64encode(bytes(33)).decode(),
            ),
        ]
    )

    clocks = audio_clocks(state)

    assert clocks["user"]["appended_ms"] is None
    assert clocks["assistant"]["received_ms"] is None
    assert all("elided" in line for line in clock_words(state))


def test_audio_that_does_not_hold_the_speech_that_the_server_states_is_elided() -> None:
    events: list[Event] = []
    for number in range(2):
        item = f"u{number}"
        events += appends(20, 480)
        begun = {"audio_start_ms": number * 5000, "item_id": item}
        ended = {"audio_end_ms": number * 5000 + 3000, "item_id": item}
        events += [
            server("input_audio_buffer.speech_started", **begun),
            server("input_audio_buffer.speech_stopped", **ended),
            server("input_audio_buffer.committed", item_id=item),
        ]
    _, state = logged(events)

    assert state.input_audio.is_elided


def test_refused_sound_is_not_on_the_clock() -> None:
    _, state = logged(
        [
            *appends(2, 1920),
            client(
                "input_audio_buffer.append",
                audio=base64.b64encode(bytes(1920)).decode(),
                event_id="x",
                extra=1,
            ),
            server("error", error={"event_id": "x", "param": "extra"}),
        ]
    )

    user = audio_clocks(state)["user"]

    assert (user["appended_ms"], user["refused"], user["refused_ms"]) == (80.0, 1, 40.0)
    assert clock_words(state)[-1] == "user: 1 appends refused, 0.0 s"


def test_clocks_without_times_say_only_lengths() -> None:
    lines = Lines()
    log, state = EventLog(lines, parse), SessionState()
    for seq, event in enumerate(appends(5, 1920), 1):
        state.apply(
            Event(seq, None, event.direction, event.origin, event.type, event.data, body=event.body)
        )

    clocks = audio_clocks(state)

    assert not len(log)
    assert (clocks["user"]["appended_ms"], clocks["user"]["wall_ms"], clocks["user"]["rate"]) == (
        200.0,
        None,
        None,
    )
    assert clocks["assistant"]["played_ms"] is None
    assert clock_words(state) == ["user: 0.2 s of audio appended"]

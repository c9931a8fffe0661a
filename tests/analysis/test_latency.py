"""What a turn's wait consisted of: figures worked out by hand from the events of real and rebuilt sessions, and what always holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inspector.analysis.latency import Heard, Latency, latency_of, turn_json
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.core.turn import Turn, TurnMark
from inspector.recording.reader import RecordingReader
from tests.recording.test_lean import random_recording, sound
from tests.support import SEEDS, at, client, corpus_dir, local, numbered, server

MS = 1_000_000
VAD = {"type": "server_vad", "silence_duration_ms": 200}


def session(detection: dict[str, Any] | None = None, **members: Any) -> Event:
    audio = {"input": {"turn_detection": detection}}
    return server("session.created", session={"id": "s", "model": "m", "audio": audio, **members})


def speech(begin_ms: float, stop_ms: float, commit_ms: float, item: str = "u") -> list[Event]:
    return [
        at(begin_ms, server("input_audio_buffer.speech_started", item_id=item)),
        at(stop_ms, server("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id=item)),
        at(commit_ms, server("input_audio_buffer.committed", item_id=item)),
    ]


def created(ms: float, response: str = "r", **members: Any) -> Event:
    return at(ms, server("response.created", response={"id": response, **members}))


def words(ms: float, response: str = "r", kind: str = "output_audio_transcript") -> Event:
    return at(ms, server(f"response.{kind}.delta", response_id=response, item_id="a", delta="Hi"))


def audio(ms: float, response: str = "r", item: str = "a", length_ms: int = 300) -> Event:
    return at(
        ms,
        server(
            "response.output_audio.delta",
            response_id=response,
            item_id=item,
            delta=sound(length_ms * 48),
        ),
    )


def done(ms: float, response: str = "r", **members: Any) -> Event:
    described = {"id": response, "status": "completed", **members}
    return at(ms, server("response.done", response=described))


def turns(*events: Event) -> list[Turn]:
    state = SessionState()
    for event in numbered(events):
        state.apply(event, strict=True)
    return state.turns.all


def parts(latency: Latency) -> list[tuple[str, float, str]]:
    return [(part.key, round(part.ms, 3), part.owner) for part in latency.parts]


SILENCE = "setting:audio.input.turn_detection.silence_duration_ms"


# ── worked out by hand from recordings ───────────────────────────────────────────────────────────────────────────────


def test_the_first_turn_of_a_slow_call() -> None:
    """The first turn of ``slow3``: its player reports, and its first millisecond is silent."""
    turn = turns(
        session(VAD),
        *speech(1377.7, 3372.714, 3372.889),
        created(3402.389),
        words(3709.349),
        audio(3824.424),
        at(3825.564, local("inspector.playing", item_id="a", audio_ms=0)),
        done(4427.738),
    )[0]

    found = latency_of(turn, Heard(leading_ns=1 * MS))

    assert parts(found) == [
        ("endpointing", 200.0, SILENCE),
        ("commit", 0.175, "server"),
        ("response_start", 29.5, "server"),
        ("model", 422.035, "model"),
        ("leading_silence", 1.0, "model"),
        ("playout", 1.14, "app"),
    ]
    assert found.anchor == "derived"
    assert found.ends == "measured"
    assert found.wait_ms == pytest.approx(653.85)
    assert found.figures["voice_to_voice_ms"] == pytest.approx(653.85)
    assert found.figures["first_delta_ms"] == pytest.approx(306.96)
    assert found.figures["first_audio_ms"] == pytest.approx(422.035)
    assert found.waited_for == "200 ms silence_duration_ms + 422 ms model"


def test_where_own_detection_heard_the_end_the_rest_is_the_servers() -> None:
    turn = turns(session(VAD), *speech(1377.7, 3372.714, 3372.889), created(3402.389))[0]

    found = latency_of(turn, Heard(speech_end=TurnMark(1, round(3111.149 * MS))))

    assert parts(found)[:2] == [
        ("endpointing", 200.0, SILENCE),
        ("endpointing_rest", 61.565, "server"),
    ]
    assert (found.anchor, found.wait_ms) == ("measured", None)
    assert [missing.key for missing in found.unknown] == ["answer"]


def test_the_fourth_turn_of_a_call_whose_answers_crawl() -> None:
    """The fourth turn of ``a10``: half a minute until the response began, and its sound is silence."""
    turn = turns(
        session(VAD),
        *speech(30824, 32324, 32325),
        created(62957),
        words(63312),
        audio(63352, length_ms=2000),
        done(63732),
    )[0]

    found = latency_of(turn, Heard(no_leading="nothing of it is audible"))

    assert parts(found) == [
        ("endpointing", 200.0, SILENCE),
        ("commit", 1.0, "server"),
        ("response_start", 30632.0, "server"),
        ("model", 395.0, "model"),
        ("playout", 0.0, "app"),
    ]
    assert found.wait_ms is None
    assert found.bounds_ms == (31228.0, 33228.0)
    assert found.figures["first_sound_ms"] == 31228.0
    assert found.figures["voice_to_voice_ms"] is None
    assert found.waited_for == "30,632 ms until the response began"


def test_the_first_turn_of_a_push_to_talk_lesson() -> None:
    """The first turn of ``a11``: the app commits and asks by itself."""
    turn = turns(
        session(None),
        at(2680, client("input_audio_buffer.commit")),
        at(2740, server("input_audio_buffer.committed", item_id="u")),
        at(2750, client("response.create")),
        created(2780),
        words(3135),
        audio(3175, length_ms=1400),
        done(3535),
    )[0]

    found = latency_of(turn, Heard(leading_ns=0))

    assert parts(found) == [
        ("commit", 60.0, "server"),
        ("response_start", 10.0, "app"),
        ("response_start", 30.0, "server"),
        ("model", 395.0, "model"),
        ("playout", 0.0, "app"),
    ]
    assert (found.anchor, found.wait_ms) == ("event", 495.0)


def test_two_turns_of_openais_own_idle_timeout() -> None:
    """``openai-idle-timeout-timed`` of the corpus: a text, then nobody speaks; its audio was cut out by the recorder."""
    user = {"id": "u1", "type": "message", "role": "user", "content": [{"type": "input_text"}]}
    heard = {"id": "u2", "type": "message", "role": "user", "content": [{"type": "input_audio"}]}
    found = turns(
        session({"type": "server_vad", "silence_duration_ms": 500, "idle_timeout_ms": 5000}),
        at(72, client("conversation.item.create", item={**user, "id": ""})),
        at(72, client("response.create")),
        at(135, server("conversation.item.added", item=user)),
        created(165, "r1"),
        words(475, "r1"),
        audio(596, "r1", "a1"),
        done(628, "r1"),
        at(6451, server("input_audio_buffer.timeout_triggered", item_id="u2")),
        at(6460, server("input_audio_buffer.committed", item_id="u2")),
        at(6461, server("conversation.item.added", item=heard)),
        created(6461, "r2"),
        words(6824, "r2"),
        audio(6948, "r2", "a2"),
        done(7206, "r2"),
    )

    one, two = (
        latency_of(turn, Heard(no_leading="audio is elided in this file")) for turn in found
    )

    assert [turn.kind.value for turn in found] == ["text", "idle"]
    assert parts(one)[:2] == [("response_start", 93.0, "server"), ("model", 431.0, "model")]
    assert one.bounds_ms == (524.0, None)
    assert parts(two)[:3] == [
        ("commit", 9.0, "server"),
        ("response_start", 1.0, "server"),
        ("model", 487.0, "model"),
    ]
    assert two.figures["first_sound_ms"] == 497.0


def test_a_call_on_azure_whose_recorder_kept_no_times() -> None:
    """``azure-vad-transcription-failed`` of the corpus: the events prove the marks, and nothing has a length."""
    folder = corpus_dir()
    if folder is None:
        pytest.skip("no corpus beside this checkout")
    state = SessionState()
    reader = RecordingReader(folder / "azure-vad-transcription-failed.jsonl")
    for event in reader.events():
        state.apply(event, strict=True)
    reader.close()
    (turn,) = state.turns.all

    found = turn_json(turn, latency_of(turn))

    assert (found["kind"], found["voice_to_voice_ms"], found["bounds_ms"]) == ("speech", None, None)
    assert found["unknown"] == [
        {"key": "start", "reason": "the recording does not say when it happened"}
    ]
    assert not found["parts"]
    assert set(found["figures"].values()) == {None}
    assert {"S": 60, "C": 61}.items() <= {
        name: mark["seq"] for name, mark in found["marks"].items()
    }.items()
    assert state.input_audio.is_elided
    assert state.output_audio.is_elided


# ── kinds of turn ────────────────────────────────────────────────────────────────────────────────────────────────────


def call(ms: float, call_id: str, name: str, response: str = "r") -> Event:
    return at(
        ms,
        server(
            "response.function_call_arguments.done",
            response_id=response,
            call_id=call_id,
            name=name,
        ),
    )


def result(ms: float, call_id: str) -> Event:
    item = {"type": "function_call_output", "call_id": call_id, "output": "1"}
    return at(ms, client("conversation.item.create", item=item))


def test_a_silent_round_of_tools_is_part_of_the_wait() -> None:
    turn = turns(
        session({"type": "semantic_vad", "eagerness": "low"}, reasoning={"effort": "low"}),
        *speech(100, 1000, 1010),
        created(1030),
        call(1400, "c1", "get_weather"),
        call(1410, "c2", "get_time"),
        result(1450, "c2"),
        done(1460),
        result(4300, "c1"),
        at(4310, client("response.create")),
        created(4350, "r2"),
        audio(4800, "r2"),
    )[0]

    found = latency_of(turn, Heard(leading_ns=20 * MS))

    assert parts(found) == [
        ("commit", 10.0, "server"),
        ("response_start", 20.0, "server"),
        ("model", 380.0, "model:reasoning.effort=low"),
        ("tool", 2890.0, "tool:get_weather"),
        ("response_start", 10.0, "app"),
        ("response_start", 40.0, "server"),
        ("model", 450.0, "model:reasoning.effort=low"),
        ("leading_silence", 20.0, "model"),
        ("playout", 0.0, "app"),
    ]
    assert (found.anchor, found.wait_ms) == ("event", 3820.0)
    assert found.waited_for == (
        "380 ms model (reasoning effort low) + 2,890 ms get_weather + 450 ms model (reasoning effort low)"
    )
    assert [tool["ms"] for tool in turn_json(turn, found)["tools"]] == [2900.0, 40.0]


def test_a_follow_up_after_a_spoken_word_is_a_wait_of_its_own() -> None:
    found = turns(
        session(VAD),
        *speech(100, 1000, 1010),
        created(1030),
        at(1100, server("response.output_item.added", response_id="r", item={"type": "message"})),
        audio(1200),
        call(1300, "c", "look"),
        done(1310),
        result(2000, "c"),
        at(2005, client("response.create")),
        created(2040, "r2"),
        audio(2500, "r2", "b"),
    )

    second = latency_of(found[1], Heard(leading_ns=0))

    assert [turn.kind.value for turn in found] == ["speech", "tool follow-up"]
    assert parts(second) == [
        ("tool", 700.0, "tool:look"),
        ("response_start", 5.0, "app"),
        ("response_start", 35.0, "server"),
        ("model", 460.0, "model"),
        ("playout", 0.0, "app"),
    ]
    assert second.figures["voice_to_voice_ms"] is None


def test_a_greeting_counts_from_the_settings() -> None:
    turn = turns(
        at(0, session(VAD)),
        at(80, server("session.updated", session={"id": "s"})),
        at(100, client("response.create")),
        created(130),
        audio(500),
    )[0]

    found = latency_of(turn, Heard(leading_ns=50 * MS))

    assert found.figures["first_greeting_ms"] == 470.0
    assert parts(found)[0] == ("response_start", 20.0, "app")


def test_a_written_answer_ends_with_its_first_word() -> None:
    item = {"id": "u", "type": "message", "role": "user"}
    turn = turns(
        session(VAD),
        at(100, server("conversation.item.added", item=item)),
        created(150),
        words(420, kind="output_text"),
        done(600),
    )[0]

    found = latency_of(turn)

    assert (found.wait_ms, found.ends, found.unknown) == (320.0, "event", ())


def test_an_answer_in_vain_is_waited_for_as_well() -> None:
    turn = turns(
        session(VAD),
        *speech(100, 1000, 1010),
        created(1030),
        done(1500, status="failed", status_details={"error": {"code": "server_error"}}),
        at(1600, client("response.create")),
        created(1640, "r2"),
        audio(2000, "r2"),
    )[0]

    assert parts(latency_of(turn))[3:6] == [
        ("model", 470.0, "model"),
        ("response_start", 100.0, "app"),
        ("response_start", 40.0, "server"),
    ]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([], "no response was created"),
        ([created(1030)], "the response has not said anything yet"),
        ([created(1030), done(1100)], "the response said nothing"),
        ([created(1030), words(1050), done(1100)], "its sound does not come over this connection"),
        ([created(1030), done(1100, status="cancelled")], "the response is cancelled"),
        ([created(1030), call(1050, "c", "look"), done(1100)], "no result of look was sent"),
        (
            [created(1030), call(1050, "c", "look"), done(1100), result(1200, "c")],
            "no answer was asked for after the result of look",
        ),
    ],
)
def test_a_turn_without_an_answer_says_why(events: list[Event], reason: str) -> None:
    turn = turns(session(VAD), *speech(100, 1000, 1010), *events)[0]

    found = latency_of(turn)

    assert [missing.reason for missing in found.unknown] == [reason]
    assert found.wait_ms is None


@pytest.mark.parametrize(
    ("events", "anchor", "reason"),
    [
        (speech(100, 1000, 1010), None, "its turn detection is not known"),
        ([session({"type": "semantic_vad"}), *speech(100, 1000, 1010)], "event", ""),
        ([session({"type": "server_vad"}), *speech(100, 1000, 1010)], None, "does not say its"),
        ([session(VAD), *speech(100, 1000, 1010)[:1]], None, "the user has not finished"),
        ([session(VAD), *speech(100, 1000, 1010)[:1], created(5)], None, "no event says when"),
    ],
)
def test_the_end_of_the_users_sound_is_known_or_not(
    events: list[Event], anchor: str | None, reason: str
) -> None:
    found = latency_of(turns(*events)[0])

    assert found.anchor == anchor
    assert reason in found.unknown[0].reason or not reason


def test_who_interrupted_whom() -> None:
    found = turns(
        session(VAD),
        *speech(100, 1000, 1010, "u1"),
        created(1030),
        audio(1200, length_ms=5000),
        done(1300),
        *speech(3000, 4000, 4010, "u2")[:1],
        at(3050, client("conversation.item.truncate", item_id="a", audio_end_ms=1800)),
        at(3100, created(3100, "r2")),
        audio(3200, "r2", "b"),
        at(3300, client("response.cancel")),
        done(3310, "r2", status="cancelled", status_details={"reason": "client_cancelled"}),
    )

    assert [turn.interrupted for turn in found] == ["caller", "agent"]
    assert latency_of(found[0]).figures["barge_in_stop_ms"] == 50.0
    assert latency_of(found[1]).figures["barge_in_stop_ms"] is None


def test_old_text_that_the_app_puts_in_is_history() -> None:
    events = [
        server("conversation.item.added", item={"id": role, "type": "message", "role": role})
        for role in ("user", "assistant")
    ]

    turn = turns(session(VAD), *events)[0]

    assert turn.is_history
    assert latency_of(turn).unknown[-1].reason == "the app only added history"


# ── what always holds ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_sum_to_the_whole_and_nothing_raises(tmp_path: Path, seed: int) -> None:
    random_recording(tmp_path / "x.jsonl", seed)
    reader = RecordingReader(tmp_path / "x.jsonl")
    state = SessionState()
    for event in reader.events():
        state.apply(event, strict=True)
    reader.close()

    for turn in state.turns.all:
        for heard in (Heard(), Heard(TurnMark(1, 7 * MS), leading_ns=30 * MS)):
            found = latency_of(turn, heard)
            total = sum(part.ms for part in found.parts)
            assert (found.wait_ms is None) == bool(found.unknown)
            assert found.wait_ms is None or found.wait_ms == pytest.approx(total, abs=0.1)
            assert found.bounds_ms is None or found.bounds_ms[0] == pytest.approx(total, abs=0.1)
            assert all(part.ms >= 0 for part in found.parts)
            shown = turn_json(turn, found)
            rounded = sum(part["ms"] for part in shown["parts"])
            assert shown["wait_ms"] is None or abs(shown["wait_ms"] - rounded) <= 0.1

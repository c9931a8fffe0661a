"""The folds on recordings, on hostile events, and one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.core.audio_formats import AudioFormat, audio_format
from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.core.state import SessionState
from inspector.recording.opening import open_recording
from inspector.spec.events import EVENT_TYPES
from tests.support import (
    at,
    client,
    facts,
    folded,
    frame_event,
    local,
    numbered,
    recordings,
    refusals,
    server,
    silence,
)

NOT_A_SESSION = "openapi-spec-examples"


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_a_recording_folds_and_its_deltas_add_up(path: Path) -> None:
    opening = open_recording(path)
    state = SessionState()
    for row in range(len(opening.log)):
        state.apply(opening.log.event(row), strict=True)
    opening.close()

    if path.stem != NOT_A_SESSION:
        assert [item.id for item in state.conversation.items.values() if item.is_mismatched] == []
        assert sorted(state.conversation.order) == sorted(state.conversation.items)


IDS = ["a", "b", "root"]
"""Few, so that events meet in the same items, and items name themselves as those before them."""
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**60)
    | st.text(max_size=6)
    | st.sampled_from(IDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "status", "usage"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = [
    "call_id",
    "previous_item_id",
    "item",
    "item_id",
    "response",
    "response_id",
    "session",
    "error",
    "delta",
    "content_index",
    "usage",
    "rate_limits",
    "output",
]
any_event = st.tuples(
    st.sampled_from(sorted(EVENT_TYPES)),
    st.dictionaries(st.sampled_from(NAMES), json_values, max_size=5),
)


def event_from(seq: int, drawn: tuple[str, dict[str, Any]]) -> Event:
    name, body = drawn
    data = orjson.dumps({**body, "type": name})
    type_, decoded, problem = decode(data)
    return Event(
        seq,
        seq * 1000,
        Direction(EVENT_TYPES[name].direction),
        Origin.WIRE,
        type_,
        data,
        True,
        decoded,
        problem,
    )


@given(st.lists(any_event, max_size=12), st.integers(0, 12))
def test_nothing_breaks_a_fold_and_a_copy_is_independent(
    drawn: list[tuple[str, dict[str, Any]]], cut: int
) -> None:
    events = [event_from(seq, one) for seq, one in enumerate(drawn, 1)]
    whole, first = SessionState(), SessionState()
    for event in events:
        whole.apply(event, strict=True)
    for event in events[:cut]:
        first.apply(event, strict=True)
    kept = facts(first)
    clone = first.copy()
    for event in events[cut:]:
        clone.apply(event, strict=True)

    assert facts(clone) == facts(whole)
    assert facts(first) == kept


def item(item_id: str, **members: Any) -> dict[str, Any]:
    return {
        "id": item_id,
        "type": "message",
        "role": "user",
        "status": "completed",
        "content": [],
        **members,
    }


def test_items_are_in_server_order() -> None:
    state = folded(
        server("conversation.item.added", previous_item_id=None, item=item("b")),
        server("conversation.item.added", previous_item_id="b", item=item("d")),
        server("conversation.item.added", previous_item_id="b", item=item("c")),
        server("conversation.item.added", previous_item_id="root", item=item("a")),
    )

    assert state.conversation.order == ["a", "b", "c", "d"]


@pytest.mark.parametrize("name", ["conversation.item.added", "input_audio_buffer.committed"])
def test_an_item_that_names_itself_as_the_one_before_stays_where_it_is(name: str) -> None:
    state = folded(
        server("conversation.item.added", previous_item_id=None, item=item("a")),
        server(name, previous_item_id="b", item_id="b", item=item("b")),
    )

    assert state.conversation.order == ["a", "b"]


def test_a_done_value_that_differs_from_its_deltas_wins_and_is_marked() -> None:
    where = {"response_id": "r", "item_id": "i", "content_index": 0}
    state = folded(
        server("response.output_text.delta", **where, delta="Hel"),
        server("response.output_text.delta", **where, delta="lo"),
        server("response.output_text.done", **where, text="Hallo"),
    )

    found = state.conversation.items["i"]
    assert (found.text, found.is_mismatched) == ("Hallo", True)


def test_truncated_and_deleted_items_stay_marked() -> None:
    state = folded(
        server("conversation.item.added", previous_item_id=None, item=item("a", role="assistant")),
        server("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=700),
        server("conversation.item.deleted", item_id="a"),
    )

    found = state.conversation.items["a"]
    assert (found.truncated_ms, found.is_deleted) == (700, True)


def test_a_call_is_pending_until_it_has_an_output() -> None:
    call = {
        "id": "c",
        "type": "function_call",
        "status": "completed",
        "name": "f",
        "call_id": "call_1",
        "arguments": "{}",
    }
    output = {"id": "o", "type": "function_call_output", "call_id": "call_1", "output": "x"}
    called = server("conversation.item.added", previous_item_id=None, item=call)

    assert [found.id for found in folded(called).conversation.pending_calls()] == ["c"]
    answered = server("conversation.item.added", previous_item_id="c", item=output)
    assert folded(called, answered).conversation.pending_calls() == []


def test_heard_audio_is_limited_by_playback_time() -> None:
    where = {"response_id": "r", "item_id": "i", "content_index": 0}
    audio = [
        at(1000, server("response.output_audio.delta", **where, delta=silence(100)))
        for _ in range(10)
    ]
    state = folded(*audio)
    playing = state.output_audio.current(1_400_000_000)

    assert playing is not None
    assert playing.received_ms == 1000
    assert playing.heard_ms(1_400_000_000) == 400
    assert playing.heard_ms(9_000_000_000) == 1000


def test_speech_stops_the_playback_clock() -> None:
    where = {"response_id": "r", "item_id": "i", "content_index": 0}
    audio = [
        at(1000, server("response.output_audio.delta", **where, delta=silence(100)))
        for _ in range(10)
    ]
    state = folded(
        *audio, at(1300, server("input_audio_buffer.speech_started", audio_start_ms=1, item_id="u"))
    )

    assert state.output_audio.items["i"].heard_ms(9_000_000_000) == 300


def test_the_report_of_the_player_takes_precedence() -> None:
    where = {"response_id": "r", "item_id": "i", "content_index": 0}
    state = folded(
        at(1000, server("response.output_audio.delta", **where, delta=silence(500))),
        local("inspector.played", item_id="i", content_index=0, audio_ms=120),
    )

    assert state.output_audio.items["i"].heard_ms(9_000_000_000) == 120


def test_playback_continues_from_the_reported_position() -> None:
    where = {"response_id": "r", "item_id": "i", "content_index": 0}
    state = folded(
        at(1000, server("response.output_audio.delta", **where, delta=silence(500))),
        at(1200, local("inspector.playing", item_id="i", content_index=0, audio_ms=0)),
    )
    item = state.output_audio.items["i"]

    assert item.heard_ms(1_450_000_000) == 250
    assert item.heard_ms(9_000_000_000) == 500


def test_an_error_is_linked_to_the_event_that_it_names() -> None:
    state = folded(
        client("session.update", event_id="mine", session={"type": "realtime", "voice": "x"}),
        server(
            "error",
            error={"code": "unknown_parameter", "param": "session.voice", "event_id": "mine"},
        ),
    )

    assert refusals(state) == {1: (2, "certain")}
    assert state.causes.refused_update is state.causes.rejected[1]
    assert state.problems.all[0].cause_seq == 1


def test_an_unreadable_client_frame_and_its_rejection_are_one_error() -> None:
    state = folded(
        frame_event(Direction.CLIENT, b"{nope"),
        client("response.create", event_id="mine"),
        server("error", error={"code": "x", "event_id": "mine"}),
        frame_event(Direction.CLIENT, b"[1]"),
        server("error", error={"code": "input_audio_buffer_commit_empty", "event_id": None}),
        server("error", error={"code": "invalid_json", "event_id": None}),
        server("error", error={"code": "invalid_event", "event_id": None}),
        server("error", error={"code": "invalid_json", "event_id": None}),
    )

    assert refusals(state) == {2: (3, "certain"), 1: (6, "possible"), 4: (7, "likely")}
    assert state.problems.errors == 5
    assert [found.seq for found in state.problems.all if not found.is_error] == [1, 4]


def test_answers_are_linked_to_their_requests() -> None:
    state = folded(
        client("conversation.item.create", item=item("a")),
        client("response.create"),
        server("conversation.item.added", previous_item_id=None, item=item("a")),
        server("response.created", response={"id": "r", "status": "in_progress"}),
        server(
            "conversation.item.added",
            previous_item_id="a",
            item=item("b", role="assistant", status="in_progress"),
        ),
    )

    assert state.causes.cause_of == {3: 1, 4: 2}


def test_cached_tokens_are_not_counted_twice() -> None:
    usage = {
        "total_tokens": 30,
        "input_tokens": 20,
        "output_tokens": 10,
        "input_token_details": {"text_tokens": 20, "cached_tokens": 16},
        "output_token_details": {"text_tokens": 10, "reasoning_tokens": 6},
    }
    done = server("response.done", response={"id": "r", "status": "completed", "usage": usage})
    tokens = folded(done, done).usage.responses

    assert (tokens.total, tokens.input, tokens.cached, tokens.reasoning) == (60, 40, 32, 12)


def test_a_failed_response_is_a_problem_with_its_reason() -> None:
    details = {"type": "failed", "error": {"code": "insufficient_quota", "message": "pay"}}
    state = folded(
        server("response.done", response={"id": "r", "status": "failed", "status_details": details})
    )

    assert [(found.code, found.message) for found in state.problems.all] == [
        ("response_failed", "insufficient_quota: pay")
    ]


def test_another_session_resets_the_state_but_keeps_problems() -> None:
    state = folded(
        server("session.created", session={"id": "one"}),
        server("conversation.item.added", previous_item_id=None, item=item("a")),
        server("error", error={"code": "x"}),
        server("session.created", session={"id": "two"}),
    )

    assert state.conversation.order == []
    assert state.session.id == "two"
    assert len(state.problems.all) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "audio/pcm", "rate": 24000}, AudioFormat("pcm16", 24000)),
        ({"type": "audio/pcmu"}, AudioFormat("pcmu", 8000)),
        ("g711_alaw", AudioFormat("pcma", 8000)),
        ("pcm16", AudioFormat("pcm16", 24000)),
        ("opus", None),
        (None, None),
    ],
)
def test_formats_are_read_by_every_name(value: object, expected: AudioFormat | None) -> None:
    assert audio_format(value) == expected


def test_numbering_keeps_times() -> None:
    assert [event.t_ns for event in numbered([at(5, server("ping"))])] == [5_000_000]


def test_a_failed_transcription_keeps_its_code() -> None:
    where = {"item_id": "a", "content_index": 0}
    words = {"code": "DeploymentNotFound", "message": "Input transcription failed."}
    state = folded(
        server("conversation.item.added", item=item("a")),
        server("conversation.item.input_audio_transcription.failed", **where, error=words),
    )

    error = state.conversation.items["a"].parts[0].error
    assert error == "DeploymentNotFound: Input transcription failed."

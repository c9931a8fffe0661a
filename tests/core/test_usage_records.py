"""What was billed, one record for each time that something was."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.core.usage import (
    CHUNK,
    MAX_METERS,
    ResponseUsage,
    TextItemUsage,
    TimeUsage,
    TranscriptionUsage,
    UsageFold,
    UsageRecord,
    UsageTrail,
)
from tests.billed import answer, session, state_of, usage
from tests.support import client, local, numbered, server, silence

COMPLETED = "conversation.item.input_audio_transcription.completed"
XAI_ANSWER = {
    "response": {"id": "r", "status": "completed", "status_details": "unimplemented", "usage": {}},
    "usage": {"input_tokens": 5, "output_tokens": 42, "billable_audio_seconds": 4},
}


def records(*events: Event) -> list[UsageRecord]:
    return list(state_of(events).usage.records)


def only(*events: Event) -> UsageRecord:
    (found,) = records(*events)
    return found


def responses(*events: Event) -> list[ResponseUsage]:
    return [one for one in records(*events) if isinstance(one, ResponseUsage)]


def test_a_response_is_of_its_session_and_model() -> None:
    (found,) = responses(
        local("inspector.opened", url="wss://x.openai.azure.com/openai/v1/realtime?model=dep"),
        session(type="realtime"),
        *answer("r", usage(3)),
    )

    assert (found.seq, found.response_id, found.status) == (4, "r", "completed")
    assert found.source.model == "gpt-realtime"
    assert found.source.dialect == "azure"
    assert found.source.host == "x.openai.azure.com"
    assert found.source.session == 1


@pytest.mark.parametrize(
    ("url", "model"),
    [
        ("wss://h/v1/realtime?model=gpt-realtime", "gpt-realtime"),
        ("wss://h/openai/realtime?deployment=mine&api-version=1", "mine"),
        ("wss://h/v1/realtime", ""),
        ("wss://[", ""),
    ],
)
def test_without_a_word_of_the_session_the_address_names_the_model(url: str, model: str) -> None:
    (found,) = responses(local("inspector.opened", url=url), *answer("r", usage(3)))

    assert found.source.model == model


def test_an_update_that_does_not_repeat_the_model_leaves_it() -> None:
    silent = server("session.updated", session={"instructions": "x"})
    (found,) = responses(session(), silent, *answer("r", usage(3)))

    assert found.source.model == "gpt-realtime"


def test_no_usage_is_unknown_and_not_zero() -> None:
    (found,) = responses(*answer("r", None, "failed"))

    assert found.tokens is None
    assert found.status == "failed"


def test_xai_reports_beside_the_response() -> None:
    found = only(server("response.done", **XAI_ANSWER))

    assert isinstance(found, ResponseUsage)
    assert found.seconds == 4
    assert found.tokens is not None
    assert found.tokens.output == 42


def test_xai_bills_the_texts_that_the_client_puts_in() -> None:
    def put(text_type: str) -> Event:
        item = {"type": "message", "content": [{"type": text_type, "text": "hi"}]}
        return client("conversation.item.create", item=item)

    grok = session(model="grok-voice-latest", enable_noise_suppression=True)
    found = records(grok, put("input_text"), put("input_audio"))

    assert [type(one) for one in found] == [TextItemUsage]
    assert records(session(type="realtime"), put("input_text")) == []


def test_a_text_answer_is_of_text_only() -> None:
    told = {"input_tokens": 1, "output_tokens": 5, "input_token_details": None}
    (found,) = responses(*answer("r", told, output_modalities=["text"]))

    assert found.tokens is not None
    assert found.tokens.output_by == {"text": 5, "audio": 0}


def test_a_response_out_of_band_is_apart() -> None:
    (found,) = responses(*answer("r", usage(3), conversation_id=None))

    assert found.is_apart


@pytest.mark.parametrize(
    ("told", "seconds", "tokens"),
    [
        ({"type": "duration", "seconds": 3}, 3.0, None),
        ({"type": "tokens", "input_tokens": 38, "output_tokens": 10}, None, 38),
        (None, None, None),
        ({"seconds": -1}, None, None),
    ],
)
def test_a_transcription_is_billed_by_time_or_by_tokens(
    told: dict[str, Any] | None, seconds: float | None, tokens: int | None
) -> None:
    audio = {"input": {"transcription": {"model": "whisper-1"}}}
    found = only(session(audio=audio), server(COMPLETED, item_id="i", usage=told))

    assert isinstance(found, TranscriptionUsage)
    assert found.source.model == "whisper-1"
    assert found.item_id == "i"
    assert found.seconds == seconds
    assert (found.tokens and found.tokens.input) == tokens


def test_the_beta_api_names_its_transcriber_elsewhere() -> None:
    beta = session(input_audio_transcription={"model": "whisper-1"})
    found = only(beta, server(COMPLETED, usage={"seconds": 1}))

    assert found.source.model == "whisper-1"


def test_an_interim_transcript_is_not_billed() -> None:
    assert records(server(COMPLETED, status="in_progress", usage={"seconds": 1})) == []


# ── by the second ──────────────────────────────────────────────────────────────────────────────────────────────────────


def reading(seconds: Any, **more: Any) -> Event:
    return server("session.usage.updated", usage={"seconds": seconds, **more})


def test_readings_are_of_the_whole_session_so_far() -> None:
    started = server("session.started", session={"id": "L", "model": "gpt-live-1"})
    closed = server("session.closed", reason="x", usage={"seconds": 29})
    found = records(started, reading(14), reading(28), reading(28), closed)

    assert [one.seconds for one in found if isinstance(one, TimeUsage)] == [14, 14, 1]
    assert {one.source.model for one in found} == {"gpt-live-1"}


def test_pauses_are_told_apart() -> None:
    found = records(
        reading(10, active_seconds=8, paused_seconds=2),
        reading(30, active_seconds=18, paused_seconds=12),
    )

    assert [
        (one.active_seconds, one.paused_seconds) for one in found if isinstance(one, TimeUsage)
    ] == [(8, 2), (10, 10)]


def test_who_joins_a_session_again_does_not_pay_twice() -> None:
    opened = local("inspector.opened", url="wss://api.openai.com/v1/live/sessions/L7/attach")
    found = records(opened, reading(14), opened, reading(20))

    assert [one.seconds for one in found if isinstance(one, TimeUsage)] == [14, 6]


def test_a_reading_tells_how_full_the_context_is() -> None:
    event = server(
        "session.usage.updated", usage={"seconds": 1}, context_window={"usage_ratio": 0.01}
    )
    found = only(event)

    assert isinstance(found, TimeUsage)
    assert found.context_ratio == 0.01


def test_readings_that_are_none_and_sessions_without_end_do_no_harm() -> None:
    many = [
        event
        for n in range(MAX_METERS + 2)
        for event in (
            local("inspector.opened", url=f"wss://h/v1/live/sessions/S{n}/attach"),
            reading(1),
        )
    ]

    assert len(records(*many)) == MAX_METERS + 2
    assert records(reading(None), reading("x"), reading(-3)) == []


def test_the_backend_of_a_live_session_is_billed_apart() -> None:
    inner = {
        "type": "response.completed",
        "response": {
            "id": "r",
            "model": "gpt-5.6",
            "status": "completed",
            "usage": {"input_tokens": 805, "input_tokens_details": {"cached_tokens": 5}},
        },
    }
    found = only(server("response.event", delegation_id="d", event=inner))

    assert isinstance(found, ResponseUsage)
    assert found.is_apart
    assert found.source.model == "gpt-5.6"
    assert found.tokens is not None
    assert found.tokens.input_by["text"] == 805
    assert records(server("response.event", event={"type": "response.created"})) == []


# ── sessions ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_sessions_of_a_log_are_told_apart() -> None:
    found = responses(
        *[session(), *answer("a", usage(3))],
        *[session(id="t", model="gpt-realtime-mini"), *answer("b", usage(4))],
    )

    assert [(one.source.session, one.source.model) for one in found] == [
        (1, "gpt-realtime"),
        (2, "gpt-realtime-mini"),
    ]


def test_an_attempt_that_failed_is_no_session() -> None:
    attempt = [local("inspector.opened", url="wss://h"), local("inspector.closed", code=1006)]
    (found,) = responses(*attempt, *attempt, session(), *answer("a", usage(3)))

    assert found.source.session == 1


def cut_answer(response_id: str, item_id: str) -> list[Event]:
    """Return an answer of a second that is cut by speech right after it came."""
    return [
        server("response.created", response={"id": response_id}),
        server(
            "response.output_audio.delta",
            response_id=response_id,
            item_id=item_id,
            delta=silence(1000),
        ),
        server("input_audio_buffer.speech_started", item_id="u"),
        server(
            "response.done",
            response={"id": response_id, "status": "cancelled", "usage": usage(3, 0, 9, 20)},
        ),
    ]


def test_sound_that_was_cut_is_remembered_over_a_reconnect() -> None:
    state = state_of(
        [
            *[session(), *cut_answer("a", "x")],
            *[local("inspector.opened", url="wss://h"), session(id="t"), *cut_answer("b", "y")],
        ]
    )
    cuts = state.usage.cut_sounds()

    assert {name: (cut.received_ms, cut.heard_ms, cut.basis) for name, cut in cuts.items()} == {
        "a": (1000, 10, "estimated"),
        "b": (1000, 10, "estimated"),
    }


def test_a_truncation_and_a_player_say_better_what_was_heard() -> None:
    played = [
        local("inspector.playing", item_id="x", audio_ms=0),
        local("inspector.played", item_id="x", audio_ms=400),
    ]
    claimed = server("conversation.item.truncated", item_id="x", audio_end_ms=5)
    by_player = state_of([session(), *cut_answer("a", "x"), *played]).usage.cut_sounds()["a"]
    by_client = state_of([session(), *cut_answer("a", "x"), claimed]).usage.cut_sounds()["a"]

    assert (by_player.heard_ms, by_player.basis) == (400, "measured")
    assert (by_client.heard_ms, by_client.basis) == (5, "event")


def test_sound_that_a_recorder_left_out_tells_nothing() -> None:
    events = [
        server("response.created", response={"id": "a"}),
        server("response.output_audio.delta", response_id="a", item_id="x", delta="AAAA"),
        server("input_audio_buffer.speech_started", item_id="u"),
    ]

    assert state_of(events).usage.cut_sounds() == {}


def test_sound_that_was_heard_in_full_is_not_cut() -> None:
    events = cut_answer("a", "x")
    late = numbered(events[:2]) + numbered(events[2:], start=3, step_ms=1000)

    assert state_of(late).usage.cut_sounds() == {}


# ── keeping ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_trail_is_shared_and_grows_apart() -> None:
    one = TextItemUsage(1, None, UsageFold()._source())
    trail = UsageTrail()
    for _ in range(CHUNK + 1):
        trail = trail.with_record(one)
    longer = trail.with_record(one)

    assert len(trail) == CHUNK + 1
    assert len(longer) == CHUNK + 2
    assert longer.chunks is trail.chunks
    assert trail[0] is trail[CHUNK] is one
    assert list(longer.since(CHUNK)) == [one, one]
    assert len(list(trail)) == CHUNK + 1


def test_a_copy_of_the_state_goes_its_own_way() -> None:
    state = state_of([session(), *answer("a", usage(3))])
    clone = state.copy()
    for event in numbered([*answer("b", usage(4)), *cut_answer("c", "z")], start=4):
        clone.apply(event, strict=True)

    assert len(state.usage.records) == 1
    assert len(clone.usage.records) == 3
    assert state.usage.cut_sounds() == {}
    assert list(clone.usage.cut_sounds()) == ["c"]


def test_a_fold_that_follows_nobody_counts_all_the_same() -> None:
    fold = UsageFold()
    for event in numbered(answer("r", usage(3))):
        fold.apply(event)

    assert len(fold.records) == 1
    assert not SessionState().usage.records

"""Where one session in a log ends and another begins, and when an item of the conversation is complete."""

from __future__ import annotations

import pytest

from inspector.core.event import Event
from inspector.core.state import SessionState
from tests.support import client, folded, local, numbered, server

OPENED = local("inspector.opened", url="ws://x")
CLOSED = local("inspector.closed", code=1000)


def created(session_id: str = "", model: str = "m", name: str = "session.created") -> Event:
    named = {"id": session_id} if session_id else {}
    return server(name, session={**named, "model": model})


def updated(model: str = "m") -> Event:
    return server("session.updated", session={"model": model})


def conversation(conversation_id: str) -> Event:
    return server("conversation.created", conversation={"id": conversation_id})


@pytest.mark.parametrize(
    ("events", "begun"),
    [
        # Every entry of ``begun`` is the number of an event that begins another session.
        ([created("a"), updated(), created("b")], [3]),
        ([created("a"), updated(), CLOSED, created("b")], [4]),
        ([created("a"), created("a")], []),
        ([created("a"), updated(), created("a")], []),
        ([created(), updated(), created()], [3]),
        ([created("a"), created()], [2]),
        ([created(), created("a")], [2]),
        ([updated(), created("a")], [2]),
        ([OPENED, created("a"), OPENED, created("a")], [1, 3]),
        ([created("a", name="session.started"), created("b", name="session.started")], [2]),
        ([created("a", name="transcription_session.created"), created("b")], [2]),
        # xAI sends its conversation after the session, others before it, or nothing else.
        ([created("a"), conversation("c"), created("b"), conversation("d")], [3]),
        ([conversation("c"), created("a"), conversation("d"), created("b")], [3]),
        ([conversation("c"), conversation("d")], [2]),
        ([conversation("c"), conversation("c")], []),
        ([created("a"), client("session.created", session={"id": "b"})], []),
        ([created("a"), updated(), server("session.updated", session={"id": "b"})], []),
    ],
)
def test_a_session_begins_with_the_events_of_the_server(
    events: list[Event], begun: list[int]
) -> None:
    state, found = SessionState(), []
    for event in numbered(events):
        if state.begins(event):
            found.append(event.seq)
        state.apply(event, strict=True)

    assert found == begun


def test_each_session_has_its_own_model() -> None:
    item = {"id": "i1", "type": "message", "role": "user"}
    first = [created("a", "m1"), updated("m1"), server("conversation.item.added", item=item)]
    state = folded(*first, created("b", "m2"))

    assert (folded(*first).session.model, state.session.model) == ("m1", "m2")
    assert state.conversation.order == []
    assert state.session.updates == 0


def test_an_update_without_an_id_keeps_the_session_id() -> None:
    assert folded(created("a"), updated()).session.id == "a"


SPEECH = server("input_audio_buffer.speech_started", item_id="u")
COMMITTED = server("input_audio_buffer.committed", item_id="u")


def heard(step: str, **members: object) -> Event:
    name = f"conversation.item.input_audio_transcription.{step}"
    return server(name, item_id="u", content_index=0, **members)


def added(status: str, role: str = "user") -> Event:
    item = {"id": "u", "type": "message", "role": role, "status": status, "content": []}
    return server("conversation.item.added", item=item)


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([SPEECH], "in_progress"),
        ([SPEECH, heard("updated", transcript="he", status="in_progress")], "in_progress"),
        ([SPEECH, heard("completed", transcript="he", status="in_progress")], "in_progress"),
        ([SPEECH, COMMITTED], "completed"),
        # xAI adds the item at the start of speech, and never says that it is done.
        ([SPEECH, added("in_progress")], "in_progress"),
        ([SPEECH, COMMITTED, added("in_progress")], "completed"),
        (
            [
                SPEECH,
                added("in_progress"),
                heard("completed", transcript="hello", status="completed"),
            ],
            "completed",
        ),
        ([SPEECH, added("in_progress"), heard("completed", transcript="hello")], "completed"),
        ([SPEECH, added("in_progress"), heard("failed", error={"code": "x"})], "completed"),
        ([added("in_progress", "assistant"), heard("completed", transcript="x")], "in_progress"),
        ([added("incomplete"), heard("completed", transcript="x")], "incomplete"),
    ],
)
def test_a_fully_transcribed_item_is_completed(events: list[Event], status: str) -> None:
    assert folded(*events).conversation.items["u"].status == status

"""Which client event an error rejects, and with what confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from inspector.core.event import Direction, Event, Origin
from tests.support import client, folded, frame_event, local, refusals, server

ACTIVE = "conversation_already_has_active_response"
RUNS = "Conversation already has an active response in progress: resp_X. Wait until the response is finished."


def error(code: str | None = None, param: str | None = None, message: str = "", event_id: str | None = None, type_: str = "invalid_request_error") -> Event:  # fmt: skip
    words = {"type": type_, "code": code, "message": message, "param": param, "event_id": event_id}
    return server("error", error=words)


def update(event_id: str | None = None, **session: Any) -> Event:
    ids = {"event_id": event_id} if event_id else {}
    return client("session.update", **ids, session={"type": "realtime", **session})


def updated() -> Event:
    return server("session.updated", session={"id": "s", "type": "realtime"})


def create(**response: Any) -> Event:
    return client("response.create", **({"response": response} if response else {}))


def created(id_: str = "resp_X", **members: Any) -> Event:
    return server("response.created", response={"id": id_, "status": "in_progress", **members})


def append(audio: Any = "AAAA", **members: Any) -> Event:
    return client("input_audio_buffer.append", audio=audio, **members)


def user(text: str = "Hi", **item: Any) -> Event:
    content = [{"type": "input_text", "text": text}]
    whole = {"type": "message", "role": "user", "content": content, **item}
    return client("conversation.item.create", item=whole)


def added(**item: Any) -> Event:
    return server("conversation.item.added", item={"id": "i", "type": "message", "role": "user", **item})  # fmt: skip


def truncate(item_id: str, audio_end_ms: int) -> Event:
    return client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=audio_end_ms)  # fmt: skip


CASES: dict[str, tuple[Sequence[Event], dict[int, tuple[int, str]]]] = {
    # The error names its event.
    "its id": ([update("a"), error("x", event_id="a")], {1: (2, "certain")}),
    "its id after the answer": ([update("a"), updated(), error("x", event_id="a")], {1: (3, "certain")}),
    "GPT-Live's name for the id": (
        [update("a"), server("error", error={"message": "no", "client_event_id": "a"})],
        {1: (2, "certain")},
    ),
    "an id that nobody sent": ([update(voice="x"), error("unknown_parameter", "session.voice", event_id="other")], {}),
    "an id of an earlier connection": (
        [update("a"), local("inspector.opened"), update("b"), error("x", event_id="a")],
        {},
    ),
    "LocalAI's placeholder": (
        [update(voice="x"), error("invalid_value", "session.voice", event_id="event_TODO")],
        {1: (2, "likely")},
    ),
    "one id on several events": (
        [update("a", voice="x"), client("response.create", event_id="a"), error("x", "session.voice", event_id="a")],
        {1: (3, "likely")},
    ),
    "one id on equal events": (
        [update("a", voice="x"), update("a", voice="y"), error("x", "session.voice", event_id="a")],
        {1: (3, "possible")},
    ),
    # param
    "a path that the update holds": ([update(voice="x"), error("unknown_parameter", "session.voice")], {1: (2, "likely")}),
    "a path counted from the session": ([update(voice="x"), error("invalid_value", "voice")], {1: (2, "likely")}),
    "a path that the update does not hold": ([update(), error("invalid_value", "session.voice")], {1: (2, "possible")}),
    "of two updates the one that holds it": (
        [update(instructions="x"), update(voice="x"), error("unknown_parameter", "session.voice")],
        {2: (3, "likely")},
    ),
    "of two that hold it the first": (
        [update(voice="x"), update(voice="y"), error("unknown_parameter", "session.voice")],
        {1: (3, "possible")},
    ),
    "of two that hold it the one with the value": (
        [update(voice="x"), update(voice="y"), error("invalid_value", "session.voice", "Invalid value: 'y'. Supported values are: 'x'.")],
        {2: (3, "likely")},
    ),
    "what is missing": (
        [update(voice="x"), client("session.update", session={"voice": "x"}), error("missing_required_parameter", "session.type")],
        {2: (3, "likely")},
    ),
    "what is missing deep inside": (
        [user(), user(content=[{"type": "output_text"}]), error("missing_required_parameter", "item.content[0].text")],
        {2: (3, "likely")},
    ),
    "a member of a response": ([create(modalities=["text"]), error("unknown_parameter", "response.modalities")], {1: (2, "likely")}),
    "a member beside the type": ([client("session.update", modalities=["text"]), error("unknown_parameter", "modalities")], {1: (2, "likely")}),
    "a member of two kinds of event": (
        [append(session="s"), client("input_audio_buffer.commit", session="s"), error("unknown_parameter", "session"), error("unknown_parameter", "session")],
        {1: (3, "possible"), 2: (4, "likely")},
    ),
    "a hostile path": ([user(), error("x", f"item.content[{'9' * 5000}]")], {1: (2, "possible")}),
    "a path of nothing": ([user(), error("x", "..[]")], {}),
    # code
    "a voice that cannot change": ([update(voice="x"), error("cannot_update_voice")], {1: (2, "likely")}),
    "a voice that cannot change, of two updates": (
        [update(instructions="x"), update(audio={"output": {"voice": "x"}}), error("cannot_update_voice")],
        {2: (3, "likely")},
    ),
    "nothing to commit": (
        [append(), client("input_audio_buffer.commit"), create(), error("input_audio_buffer_commit_empty")],
        {2: (4, "likely")},
    ),
    "nothing to cancel": ([client("response.cancel"), error("response_cancel_not_active")], {1: (2, "likely")}),
    "nothing to cancel, after a cancel that worked": (
        [
            client("response.cancel"),
            server("response.done", response={"id": "r", "status": "cancelled", "status_details": {"reason": "client_cancelled"}}),
            client("response.cancel"),
            error("response_cancel_not_active"),
        ],
        {3: (4, "likely")},
    ),
    "an item that is not there": (
        [client("conversation.item.delete", item_id="item_a"), client("conversation.item.delete", item_id="item_b"),
         error("item_delete_invalid_item_id", None, "Error deleting item: the item with id 'item_b' does not exist.")],
        {2: (3, "likely")},
    ),
    # words
    "words alone": ([truncate("i", 5), error(None, None, "Only model output audio messages can be truncated")], {1: (2, "likely")}),
    "words with the length": (
        [truncate("i", 900), truncate("j", 57340), error("invalid_value", "audio_end_ms", "Audio content of 9250ms is already shorter than 57340ms")],
        {2: (3, "likely")},
    ),
    # sound
    "an append that is an object": (
        [append({"audio": "A"}), append("data:audio/wav;base64,UklG"), append(),
         error("invalid_type", "audio", "Invalid type for 'audio': expected a string, but got an object instead."),
         error("invalid_value", "audio", "Invalid 'audio'. Expected base64-encoded audio bytes but got an invalid value.")],
        {1: (4, "likely"), 2: (5, "likely")},
    ),
    "one of many appends": ([*(append() for _ in range(9)), error("invalid_value", "audio")], {}),
    "an append after one that was taken": (
        [append(), client("input_audio_buffer.commit"), server("input_audio_buffer.committed", item_id="i"), append(), error("invalid_value", "audio")],
        {4: (5, "likely")},
    ),
    # type
    "a type that nobody knows": (
        [update(), client("nope"), error("invalid_value", "type", "Invalid value: 'nope'. Supported values are: 'session.update', 'nope2'.")],
        {2: (3, "likely")},
    ),
    "no type": ([update(), frame_event(Direction.CLIENT, b"{}"), error("invalid_event", None, "The 'type' field is missing.")], {2: (3, "likely")}),
    "a binary frame": (
        [frame_event(Direction.CLIENT, b"{nope"), replace(frame_event(Direction.CLIENT, b"{no"), is_text=False),
         error("invalid_event", None, "Expected a text WebSocket message; binary frames are not supported.")],
        {2: (3, "likely")},
    ),
    # a response that runs already
    "a create while one runs": ([create(), created(), create(), error(ACTIVE, None, RUNS)], {3: (4, "likely")}),
    "the first create of three wins": (
        [create(), create(), create(), error(ACTIVE, None, RUNS), error(ACTIVE, None, RUNS), created()],
        {2: (4, "possible"), 3: (5, "likely")},
    ),
    "the server's own response wins": ([create(), created(), error(ACTIVE, None, RUNS)], {1: (3, "likely")}),
    "older words, without code and id": ([created(), create(), error(None, None, "Conversation already has an active response")], {2: (3, "likely")}),
    "not the one that is out of band": (
        [created(), create(conversation="none"), create(), error(ACTIVE, None, RUNS)],
        {3: (4, "likely")},
    ),
    # near misses
    "an error of the server's": ([create(), error("server_error", None, "The server had an error", type_="server_error")], {}),
    "a limit": ([create(), error("rate_limit_exceeded", None, "Rate limit reached")], {}),
    "the end of the hour": ([create(), error("session_expired", None, "Your session hit the maximum duration of 60 minutes.")], {}),
    "a key": ([update(voice="x"), error("invalid_api_key")], {}),
    "an answered update": ([update(voice="x"), updated(), error("unknown_parameter", "session.voice")], {}),
    "an update of an earlier connection": (
        [update(voice="x"), local("inspector.opened"), error("unknown_parameter", "session.voice")],
        {},
    ),
    "an update of an earlier session of the file": (
        [server("session.created", session={"id": "a"}), update(voice="x"), server("session.created", session={"id": "b"}), error("unknown_parameter", "session.voice")],
        {},
    ),
    "an update sent before the session was described": (
        [update(voice="x"), server("session.created", session={"id": "a"}), error("unknown_parameter", "session.voice")],
        {1: (3, "likely")},
    ),
    "an update that did not go out": (
        [update(voice="x"), local("inspector.send_failed", seq=1), error("unknown_parameter", "session.voice")],
        {},
    ),
    "an error put in by hand": (
        [update(voice="x"), replace(error("unknown_parameter", "session.voice"), origin=Origin.HAND)],
        {},
    ),
    "a code that says nothing, with one event": ([update(), error("weird")], {1: (2, "possible")}),
    "a code that says nothing, with two events": ([update(), create(), error("weird")], {}),
    "an error without words": ([update(), server("error")], {}),
    "errors of the wrong shape": ([update(), server("error", error="no"), server("error", error={"param": 7, "code": []})], {}),
}  # fmt: skip


@pytest.mark.parametrize(("events", "expected"), CASES.values(), ids=CASES)
def test_an_error_rejects(events: Sequence[Event], expected: dict[int, tuple[int, str]]) -> None:
    state = folded(*events)

    assert refusals(state) == expected
    assert {r.error_seq for r in state.causes.rejected.values()} == state.causes.blamed.keys()
    assert all(state.causes.cause_of[r.error_seq] == s for s, r in state.causes.rejected.items())


def test_a_rejected_create_names_the_active_response() -> None:
    state = folded(create(), create(), error(ACTIVE, None, RUNS), created())

    assert state.causes.rejected[2].running_id == "resp_X"
    assert state.causes.cause_of == {3: 2, 4: 1}


def test_a_response_of_turn_detection_is_not_linked_to_a_rejected_create() -> None:
    state = folded(create(), created(), error(ACTIVE, None, RUNS))

    assert state.causes.effects_of == {1: (3,)}


def test_a_rejected_update_is_kept_until_a_later_one_is_accepted() -> None:
    first = [update("e1"), update("e2"), error("x", event_id="e2"), updated()]

    state = folded(*first)
    assert state.causes.refused_update is state.causes.rejected[2]
    assert state.causes.cause_of[4] == 1

    assert folded(*first, update("e3"), updated()).causes.refused_update is None


def test_a_copy_is_independent() -> None:
    state = folded(update(voice="x"))
    clone = state.copy()
    clone.apply(replace(error("unknown_parameter", "session.voice"), seq=2), strict=True)

    assert refusals(clone) == {1: (2, "likely")}
    assert refusals(state) == {}

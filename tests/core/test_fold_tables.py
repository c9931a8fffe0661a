"""Every fold by example: the state after a few events, one row for each branch of a handler."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest

import inspector.core
from inspector.core.causes import REQUEST_OF, CausesFold
from inspector.core.event import Event
from inspector.core.event_keys import EventKeys, NamedIds, keys_of, named_ids, relation
from inspector.core.fold import Fold
from inspector.core.groups import part_key
from inspector.core.input_audio import InputAudioFold
from inspector.core.log import FLAG_ERROR, FLAG_WARNING, flags_of
from inspector.core.output_audio import OutputAudioFold
from inspector.core.session_fold import SessionFold
from inspector.core.state import FOLDS, SessionState
from inspector.core.turn_counter import TurnCounter
from tests.support import at, client, folded, frame_event, local, numbered, server, silence

BROKEN = frame_event(client("x").direction, b"{nope")
NS = 1_000_000
"""Of a millisecond."""


def refusal(**error: Any) -> Event:
    return server("error", error=error)


def create(event_id: str) -> Event:
    return client("response.create", event_id=event_id)


def item(name: str, item_id: str, **members: Any) -> Event:
    make = client if name == "conversation.item.create" else server
    return make(name, item={"id": item_id, **members} if item_id else members)


# ── which event brought which about: effect to cause, by number ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("events", "cause_of", "rejected"),
    [
        pytest.param([server("response.created")], {}, {}, id="nobody-asked"),
        pytest.param([create("a"), server("response.created")], {2: 1}, {}, id="answered"),
        pytest.param(
            [create("a"), create("b"), server("response.created"), server("response.created")],
            {3: 1, 4: 2},
            {},
            id="answered-in-order",
        ),
        pytest.param(
            [create("a"), create("b"), refusal(event_id="a"), server("response.created")],
            {3: 1, 4: 2},
            {1: 3},
            id="a-refusal-takes-its-own-request-only",
        ),
        pytest.param(
            [create("a"), create("b"), refusal(event_id="b"), server("response.created")],
            {3: 2, 4: 1},
            {2: 3},
            id="the-request-before-the-refused-one-is-still-answered",
        ),
        pytest.param(
            [create("a"), local("inspector.opened"), server("response.created")],
            {},
            {},
            id="another-connection-answers-no-old-request",
        ),
        pytest.param(
            [BROKEN, local("inspector.opened"), refusal(code="invalid_json")],
            {},
            {},
            id="another-connection-refuses-no-old-frame",
        ),
        pytest.param([BROKEN, refusal(code="invalid_json")], {2: 1}, {1: 2}, id="unreadable"),
        pytest.param([BROKEN, refusal(code="rate_limit_exceeded")], {}, {}, id="another-code"),
        pytest.param([create("a"), refusal(event_id="zz")], {}, {}, id="an-id-nobody-sent"),
        pytest.param(
            [create("a"), local("inspector.send_failed", seq=1)], {2: 1}, {}, id="not-sent"
        ),
        pytest.param(
            [
                item("conversation.item.create", "one"),
                item("conversation.item.create", "two"),
                item("conversation.item.added", "two"),
                item("conversation.item.added", "one"),
            ],
            {3: 2, 4: 1},
            {},
            id="items-by-their-ids",
        ),
        pytest.param(
            [
                item("conversation.item.create", "", type="message"),
                item("conversation.item.added", "made", role="assistant", status="in_progress"),
                item("conversation.item.added", "call", type="function_call"),
                item("conversation.item.added", "mine", role="user"),
            ],
            {4: 1},
            {},
            id="what-the-model-says-answers-no-request-for-an-item",
        ),
        pytest.param(
            [client("conversation.item.delete", item_id="a"), server("conversation.item.deleted", item_id="b")],
            {},
            {},
            id="another-item",
        ),
    ],
)  # fmt: skip
def test_causes(events: list[Event], cause_of: dict[int, int], rejected: dict[int, int]) -> None:
    causes = CausesFold()
    for event in numbered(events):
        causes.apply(event)

    assert causes.cause_of == cause_of
    assert {seq: found.error_seq for seq, found in causes.rejected.items()} == rejected
    assert {e: c for c, effects in causes.effects_of.items() for e in effects} == cause_of


@pytest.mark.parametrize(("answer", "request_type"), REQUEST_OF.items())
def test_every_answer_is_linked_to_its_request(answer: str, request_type: str) -> None:
    causes = CausesFold()
    for event in numbered([client(request_type, item_id="i"), server(answer, item_id="i")]):
        causes.apply(event)

    assert causes.cause_of == {2: 1}


# ── what was heard of each item: how much came, when it starts, where it was cut ───────────────────────────────────────

FIRST = at(100, server("response.output_audio.delta", item_id="a", response_id="r1", delta=silence(1000)))  # fmt: skip
SECOND = at(200, server("response.output_audio.delta", item_id="b", response_id="r2", delta=silence(500)))  # fmt: skip
SPEECH = at(400, server("input_audio_buffer.speech_started"))


def cancelled(response_id: str, status: str = "cancelled") -> Event:
    return at(400, server("response.done", response={"id": response_id, "status": status}))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([FIRST], {"a": (1000, 100, None)}, id="plays-as-it-comes"),
        pytest.param(
            [FIRST, SECOND], {"a": (1000, 100, None), "b": (500, 1100, None)}, id="one-by-one"
        ),
        pytest.param(
            [FIRST, at(2000, SECOND)], {"a": (1000, 100, None), "b": (500, 2000, None)}, id="late"
        ),
        pytest.param(
            [FIRST, SECOND, SPEECH], {"a": (1000, 100, 400), "b": (500, 1100, 400)}, id="speech"
        ),
        pytest.param(
            [FIRST, SECOND, at(1200, SPEECH)],
            {"a": (1000, 100, None), "b": (500, 1100, 1200)},
            id="speech-leaves-what-has-played-out",
        ),
        pytest.param(
            [FIRST, SECOND, cancelled("r2")],
            {"a": (1000, 100, None), "b": (500, 1100, 400)},
            id="a-cancelled-response-leaves-the-others",
        ),
        pytest.param(
            [FIRST, SECOND, cancelled("r1")],
            {"a": (1000, 100, 400), "b": (500, 1100, None)},
            id="the-response-that-is-cancelled",
        ),
        pytest.param([FIRST, cancelled("r1", "completed")], {"a": (1000, 100, None)}, id="done"),
        pytest.param(
            [FIRST, at(300, server("conversation.item.truncated", item_id="a")), at(350, SECOND)],
            {"a": (1000, 100, 300), "b": (500, 350, None)},
            id="the-next-begins-where-the-last-was-cut",
        ),
        pytest.param(
            [FIRST, at(300, server("conversation.item.truncated", item_id="a")), SPEECH],
            {"a": (1000, 100, 300)},
            id="cut-once",
        ),
        pytest.param(
            [FIRST, at(300, server("conversation.item.truncated", item_id="zz"))],
            {"a": (1000, 100, None)},
            id="an-item-without-sound",
        ),
        pytest.param(
            [FIRST, at(500, local("inspector.playing", item_id="a", audio_ms=0))],
            {"a": (1000, 500, None)},
            id="the-player-says-when-it-begins",
        ),
        pytest.param(
            [FIRST, at(500, local("inspector.played", item_id="a", audio_ms=200))],
            {"a": (1000, 300, 500)},
            id="the-player-says-where-it-ceased",
        ),
        pytest.param(
            [server("response.output_audio.delta", delta=silence(10))], {}, id="sound-of-no-item"
        ),
    ],
)
def test_output_audio(
    events: list[Event], expected: dict[str, tuple[int, int | None, int | None]]
) -> None:
    fold = OutputAudioFold()
    for event in numbered(events):
        fold.apply(event)

    assert {
        name: (
            found.received_ms,
            None if found.starts_t_ns is None else found.starts_t_ns // NS,
            None if found.stopped_t_ns is None else found.stopped_t_ns // NS,
        )
        for name, found in fold.items.items()
    } == expected


@pytest.mark.parametrize(
    ("session", "ms"),
    [
        ({}, 100),
        ({"audio": {"output": {"format": {"type": "audio/pcmu"}}}}, 600),
        ({"output_audio_format": "g711_alaw"}, 600),
        ({"output_audio_format": "unheard of"}, 100),
    ],
)
def test_the_length_of_audio_follows_from_its_format(session: dict[str, Any], ms: int) -> None:
    fold = OutputAudioFold()
    fold.apply(server("session.updated", session=session))
    fold.apply(server("response.output_audio.delta", item_id="a", delta=silence(100)))

    assert fold.items["a"].received_ms == ms


# ── the server's input buffer ────────────────────────────────────────────────────────────────────────────────────────


def append(ms: float) -> Event:
    return client("input_audio_buffer.append", audio=silence(ms))


def buffer(name: str, **members: Any) -> Event:
    return server(f"input_audio_buffer.{name}", **members)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([append(100)], {"appends": 1, "buffered_bytes": 4800, "total_bytes": 4800}),
        (
            [append(100), buffer("committed", item_id="u")],
            {"committed": {"u": 4800}, "buffered_bytes": 0, "total_bytes": 4800},
        ),
        (
            [append(100), buffer("cleared"), append(10), buffer("committed", item_id="u")],
            {"committed": {"u": 480}, "buffered_bytes": 0, "total_bytes": 5280},
        ),
        (
            [buffer("speech_started", item_id="u", audio_start_ms=70)],
            {"speech_item_id": "u", "speech_started_ms": 70, "speech_started_t_ns": 10 * NS},
        ),
        ([buffer("speech_started")], {"speech_item_id": "?"}),
        (
            [
                buffer("speech_started", item_id="u", audio_start_ms=70),
                buffer("speech_stopped", item_id="u", audio_end_ms=270),
            ],
            {"speech_item_id": "", "spoken_ms": {"u": 200}},
        ),
        (
            [
                buffer("speech_started", item_id="u", audio_start_ms=70),
                buffer("speech_stopped", item_id="other", audio_end_ms=270),
            ],
            {"speech_item_id": "", "spoken_ms": {}},
        ),
        (
            [
                buffer("speech_started", item_id="u", audio_start_ms=70),
                buffer("speech_stopped", item_id="u", audio_end_ms=70),
            ],
            {"speech_item_id": "", "spoken_ms": {}},
        ),
        (
            [buffer("speech_started", item_id="u"), buffer("committed", item_id="u")],
            {"speech_item_id": "", "committed": {"u": 0}},
        ),
        ([client("input_audio_buffer.cleared"), append(10)], {"buffered_bytes": 480}),
        ([server("input_audio_buffer.append", audio=silence(10))], {"appends": 0}),
    ],
)
def test_input_audio(events: list[Event], expected: dict[str, Any]) -> None:
    fold = InputAudioFold()
    for event in numbered(events):
        fold.apply(event)

    assert {name: getattr(fold, name) for name in expected} == expected


# ── what a row is flagged as by its body ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("event", "flags"),
    [
        (local("inspector.closed", code=1000), 0),
        (local("inspector.closed", code=1005), 0),
        (local("inspector.closed"), 0),
        (local("inspector.closed", code=1006), FLAG_ERROR),
        (local("inspector.closed", code=1011), FLAG_ERROR),
        (local("inspector.closed", code=3000), FLAG_ERROR),
        (server("response.done", response={"status": "failed"}), FLAG_ERROR),
        (server("response.done", response={"status": "incomplete"}), FLAG_WARNING),
        (server("response.done", response={"status": "completed"}), 0),
        (server("response.done", response={"status": "cancelled"}), 0),
        (server("response.done", response=[]), 0),
        (server("response.done"), 0),
    ],
)
def test_flags(event: Event, flags: int) -> None:
    assert flags_of(event, 0) == flags


@pytest.mark.parametrize(
    ("members", "key"),
    [
        ({"item_id": "i", "content_index": 2}, ("i", 2)),
        ({"item_id": "i"}, ("i", 0)),
        ({"item_id": "i", "content_index": "x"}, ("i", 0)),
        ({"item_id": "i", "content_index": None}, ("i", 0)),
        ({"item_id": 7}, None),
        ({}, None),
    ],
)
def test_deltas_fold_by_item_and_part(members: dict[str, Any], key: tuple[str, int] | None) -> None:
    name = "response.output_text.delta"

    assert part_key(server(name, **members)) == (None if key is None else (name, *key))


# ── what an event is about ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (BROKEN, EventKeys()),
        (server("response.created", response={"id": "r1"}), EventKeys(response_id="r1")),
        (server("session.created", response={"id": "r1"}, event_id="e"), EventKeys(event_id="e")),
        (
            server("response.output_text.delta", response_id="r1", item_id="i1"),
            EventKeys("r1", "i1"),
        ),
        (item("conversation.item.added", "i1", call_id="c1"), EventKeys(item_id="i1", call_id="c1")),
        (server("error", event_id="own", error={"event_id": "meant"}), EventKeys(event_id="meant")),
    ],
)  # fmt: skip
def test_keys(event: Event, expected: EventKeys) -> None:
    assert keys_of(event) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (BROKEN, NamedIds()),
        (
            server(
                "response.done",
                response={"id": "r1", "output": [{"id": "i1", "call_id": "c1"}, {"id": "i2"}]},
            ),
            NamedIds(frozenset({"i1", "i2"}), frozenset({"r1"}), frozenset({"c1"})),
        ),
        (
            client("conversation.item.create", previous_item_id="i0", item={"id": "i1"}),
            NamedIds(frozenset({"i0", "i1"})),
        ),
        (
            server("conversation.item.added", previous_item_id="i0", item={"id": "i1"}),
            NamedIds(frozenset({"i1"})),
        ),
        (
            item("conversation.item.create", "i1", approval_request_id="ask1"),
            NamedIds(frozenset({"i1", "ask1"})),
        ),
        (
            refusal(message="item item_9 does not exist, and 12 are"),
            NamedIds(*[frozenset({"item_9"})] * 3),
        ),
    ],
)
def test_named_ids(event: Event, expected: NamedIds) -> None:
    assert named_ids(event) == expected


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (EventKeys(item_id="i", call_id="c", response_id="r"), "item"),
        (EventKeys(item_id="x", call_id="c", response_id="r"), "call"),
        (EventKeys(response_id="r", event_id="e"), "response"),
        (EventKeys(response_id="x", event_id="e"), "event"),
        (EventKeys(response_id="x"), ""),
        (EventKeys(), ""),
    ],
)
def test_the_relation_is_the_narrowest_shared_id(other: EventKeys, shared: str) -> None:
    assert relation(EventKeys("r", "i", "c", "e"), other) == shared
    assert relation(EventKeys(), other) == ""


# ── the folds together ─────────────────────────────────────────────────────────────────────────────────────────────────

SESSION = [
    server("session.created", session={"id": "s1", "type": "realtime", "audio": {}}),
    append(100),
    buffer("committed", item_id="u"),
    item("conversation.item.added", "u", type="message", role="user", content=[]),
    create("c"),
    server("response.created", response={"id": "r1", "status": "in_progress"}),
    at(70, server("response.output_audio.delta", item_id="a", response_id="r1", delta=silence(10))),
    server("session.input_transcript.delta", delta="hello"),
    server("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 10, "remaining": 4}]),
    server(
        "response.done",
        response={"id": "r1", "status": "failed", "usage": {"total_tokens": 9, "input_tokens": 9}},
    ),
    local("inspector.injected", to="app", by="hand"),
]
"""Events that change the state of every fold."""


def test_every_fold_is_fed_and_copied() -> None:
    before, after = SessionState(), folded(*SESSION)
    clone = after.copy()

    for fresh, fed, copied in zip(
        before.every_fold(), after.every_fold(), clone.every_fold(), strict=True
    ):
        assert fresh.name == fed.name == copied.name
        assert remembered(fed) != remembered(fresh), f"{fed.name} was told nothing"
        assert remembered(copied) == remembered(fed)
        assert copied is not fed


def test_every_fold_that_there_is_belongs_to_the_state() -> None:
    modules = [
        importlib.import_module(f"inspector.core.{module.name}")
        for module in pkgutil.iter_modules(inspector.core.__path__)
    ]
    folds = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type)
        and kind.__module__ == module.__name__
        and kind.__name__.endswith("Fold")
        and kind is not Fold
    }

    assert folds == set(FOLDS.values())
    assert {name: kind.name for name, kind in FOLDS.items()} == {name: name for name in FOLDS}


def remembered(fold: object) -> dict[str, str]:
    """Return the state of a fold in a comparable form."""
    hidden = ("_owner", "_causes", "_followed", "_around")
    held = {name: value for name, value in vars(fold).items() if name not in hidden}
    return {name: _told(value) for name, value in held.items()}


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return str({key: _told(entry) for key, entry in value.items()})
    if isinstance(value, list):
        return str([_told(entry) for entry in value])
    if isinstance(value, TurnCounter | SessionFold):
        return _told(vars(value))
    slots = getattr(type(value), "__slots__", ())
    return str({s: _told(getattr(value, s)) for s in slots if s != "owner"}) if slots else str(value)  # fmt: skip


class _Failing(InputAudioFold):
    def apply(self, event: Event) -> None:
        raise RuntimeError("no")


def test_a_failing_fold_is_switched_off_and_the_others_continue() -> None:
    state = SessionState()
    state.input_audio = _Failing()
    state.folds = state.every_fold()

    failures = state.apply(server("session.created", session={"id": "s1"}))
    assert [(failure.name, str(failure.error)) for failure in failures] == [("input_audio", "no")]
    assert state.session.id == "s1"
    assert state.apply(append(10)) == []
    assert "input_audio" not in {fold.name for fold in state.copy().folds}
    assert state.apply(local("inspector.opened")) == []
    assert "input_audio" not in {fold.name for fold in state.folds}


@pytest.mark.parametrize(
    ("event", "begins"),
    [
        (local("inspector.opened"), True),
        (server("session.created", session={"id": "s2"}), True),
        (server("session.created", session={"id": "s1"}), False),
        (server("session.updated", session={"id": "s2"}), False),
    ],
)
def test_events_that_begin_another_session(event: Event, begins: bool) -> None:
    assert folded(server("session.created", session={"id": "s1"})).begins(event) is begins

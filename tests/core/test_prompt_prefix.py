"""What changes in a prompt that the one before had already contained."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.core.event import Event
from inspector.core.prompt_prefix import (
    MAX_RUNNING_RESPONSES,
    PrefixBreak,
    PromptPrefix,
    difference,
)
from tests.billed import update
from tests.support import client, numbered, server


def created(response_id: str, **more: Any) -> Event:
    return server("response.created", response={"id": response_id, **more})


def added(item_id: str) -> Event:
    return server("conversation.item.added", item={"id": item_id, "type": "message"})


def configured(**members: Any) -> Event:
    return server("session.created", session=members)


def breaks(*events: Event, of: str = "b") -> list[tuple[str, int]]:
    """Return kind and event of what broke the prompt of a response."""
    prefix = PromptPrefix()
    for event in numbered(events):
        prefix.apply(event)
    return [(one.kind, one.seq) for one in prefix.end(of).breaks]


BEFORE = [configured(instructions="Be kind.", tools=[]), added("u"), created("a"), added("x")]
"""A prompt with the item u, whose answer is the item x."""


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(update("Be rude."), [("instructions", 5)], id="instructions"),
        pytest.param(update("Be kind."), [], id="the-same-instructions"),
        pytest.param([*update("Be rude."), *update("Be kind.")], [], id="there-and-back"),
        pytest.param(
            [server("session.updated", session={"instructions": "Be rude."})],
            [("instructions", 5)],
            id="nobody-asked",
        ),
        pytest.param(
            [
                client("session.update", session={"tools": [{"name": "t"}]}),
                server("session.updated", session={}),
            ],
            [("tools", 5)],
            id="tools-that-the-server-does-not-repeat",
        ),
        pytest.param(
            [client("session.update", session={"instructions": "x"})], [], id="not-confirmed"
        ),
        pytest.param(
            [server("session.updated", session={"instructions": 7, "tools": None})],
            [],
            id="hostile",
        ),
        pytest.param(
            [server("conversation.item.deleted", item_id="u")], [("delete", 5)], id="deleted"
        ),
        pytest.param(
            [
                client("conversation.item.delete", item_id="u"),
                server("conversation.item.deleted", item_id="u"),
            ],
            [("delete", 5)],
            id="deleted-by-the-client",
        ),
        pytest.param(
            [server("conversation.item.truncated", item_id="x")], [], id="the-last-answer"
        ),
        pytest.param(
            [server("conversation.item.truncated", item_id="u")], [("truncate", 5)], id="truncated"
        ),
        pytest.param(
            [client("response.create", response={"instructions": "Once."})],
            [("instructions", 5)],
            id="instructions-of-one-response",
        ),
        pytest.param(
            [client("response.create", response={"tools": [{"name": "t"}]})],
            [("tools", 5)],
            id="tools-of-one-response",
        ),
        pytest.param(
            [
                client("response.create", event_id="e", response={"instructions": "Once."}),
                server("error", error={"event_id": "e"}),
            ],
            [],
            id="refused-by-id",
        ),
        pytest.param(
            [
                client("response.create", response={"instructions": "Once."}),
                server("error", error={"param": "response.instructions"}),
            ],
            [],
            id="refused-by-member",
        ),
    ],
)
def test_what_breaks_a_prompt(between: list[Event], expected: list[tuple[str, int]]) -> None:
    assert breaks(*BEFORE, *between, created("b")) == expected


def test_the_first_prompt_breaks_none() -> None:
    assert breaks(configured(instructions="a"), *update("b"), created("b")) == []


def test_a_session_that_was_not_described_before_breaks_none() -> None:
    assert breaks(created("a"), *update("b"), created("b")) == []


def test_a_response_apart_is_no_part_of_the_conversation() -> None:
    prefix = PromptPrefix()
    apart = [
        created("o", conversation_id=None),
        client("response.create", response={"input": []}),
        created("i"),
    ]
    for event in numbered([*BEFORE, *apart, *update("Be rude."), created("b")]):
        prefix.apply(event)

    assert prefix.end("o").is_apart
    assert prefix.end("i").is_apart
    assert [one.kind for one in prefix.end("b").breaks] == ["instructions"]
    assert not prefix.end("b").breaks


def test_a_response_that_never_ends_is_forgotten_in_time() -> None:
    prefix = PromptPrefix()
    for event in numbered(
        [created(f"r{n}", conversation_id=None) for n in range(MAX_RUNNING_RESPONSES + 1)]
    ):
        prefix.apply(event)

    assert not prefix.end("r0").is_apart
    assert prefix.end("r1").is_apart


def test_a_difference_begins_with_the_word_that_it_is_in() -> None:
    found = difference("instructions", 3, "Time now: 10:00:07.", "Time now: 10:01:07. More")

    assert found == PrefixBreak("instructions", 3, 11, 15, "10:00:07", "10:01:07")


@pytest.mark.parametrize(
    ("before", "after", "character", "exact"),
    [
        ("", "new", 1, 1),
        ("same", "same and more", 1, 5),
        ("same ", "same and more", 6, 6),
        ("x" * 50 + "a", "x" * 50 + "b", 51, 51),
        ("a b", "a b", 3, 4),
    ],
)
def test_where_a_difference_is(before: str, after: str, character: int, exact: int) -> None:
    found = difference("instructions", 1, before, after)

    assert (found.character, found.exact) == (character, exact)


def test_tools_with_lone_surrogates_can_differ() -> None:
    told = [{"tools": [{"name": name}]} for name in ("a", "\ud800")]
    prefix = PromptPrefix()
    events = [server("session.updated", session={"x": 1}) for _ in told]
    for event, session in zip(numbered(events), told, strict=True):
        body = {"type": event.type, "session": session}
        prefix.apply(
            Event(event.seq, 0, event.direction, event.origin, event.type, b"", True, body)
        )
        prefix.apply(numbered([created(f"r{event.seq}")], start=9)[0])

    assert [one.kind for one in prefix.end("r2").breaks] == ["tools"]

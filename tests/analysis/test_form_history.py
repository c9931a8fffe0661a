"""The outcome of each session update."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.analysis.form.history import Outcome, UpdateHistory, differences
from inspector.analysis.form.values import ABSENT
from inspector.core.causes import CausesFold
from inspector.core.event import Event
from tests.analysis.test_waveform import log_of
from tests.support import client, local, numbered, server

CREATED = server("session.created", session={"voice": "alloy"})
CONFIRMED = server("session.updated", session={"voice": "marin"})


def update(event_id: str = "", name: str = "session.update") -> Event:
    return client(name, session={"voice": "marin"}, **({"event_id": event_id} if event_id else {}))


def refusal(**error: Any) -> Event:
    return server("error", error=error)


def told(events: list[Event]) -> UpdateHistory:
    """Return the history of some events and their rejections."""
    history, causes = UpdateHistory(), CausesFold()
    for event in numbered(events):
        history.apply(event)
        causes.apply(event)
    history.settle(causes)
    return history


@pytest.mark.parametrize(
    ("events", "outcomes"),
    [
        ([update()], [Outcome.PENDING]),
        ([update(), CONFIRMED], [Outcome.CONFIRMED]),
        ([update(), update(), CONFIRMED], [Outcome.CONFIRMED, Outcome.PENDING]),
        ([update("a"), refusal(event_id="a")], [Outcome.REJECTED]),
        ([update("a"), update("b"), refusal(event_id="b")], [Outcome.PENDING, Outcome.REJECTED]),
        ([update("a"), refusal(param="session.voice")], [Outcome.REJECTED]),
        ([update(), refusal(message="Invalid 'session.voice'")], [Outcome.PENDING]),
        ([update("a"), refusal(param="response.voice")], [Outcome.PENDING]),
        ([refusal(param="session.voice")], []),
        ([update(), local("inspector.closed", code=1006)], [Outcome.LOST]),
        ([update(), local("inspector.opened")], [Outcome.LOST]),
        ([update(), local("inspector.send_failed", seq=1)], [Outcome.LOST]),
        ([update(), local("inspector.send_failed", seq=9)], [Outcome.PENDING]),
        ([update(name="transcription_session.update")], [Outcome.PENDING]),
        ([client("response.create")], []),
    ],
)
def test_outcomes(events: list[Event], outcomes: list[Outcome]) -> None:
    history = told(events)

    assert [found.outcome for found in history.updates] == outcomes


def test_an_update_knows_the_session_before_and_after_it_and_its_answer() -> None:
    history = told([CREATED, update("a"), CONFIRMED])

    (found,) = history.updates
    assert (found.before, found.session, found.after) == (
        {"voice": "alloy"},
        {"voice": "marin"},
        {"voice": "marin"},
    )
    assert (found.seq, found.answer_seq, found.answer_t_ns) == (2, 3, 30_000_000)


@pytest.mark.parametrize(
    ("error", "words"),
    [({"message": "no", "code": "c"}, "no"), ({"code": "c"}, "c"), ({"type": "t"}, "")],
)
def test_a_rejection_has_the_servers_message(error: dict[str, str], words: str) -> None:
    history = told([update("a"), refusal(event_id="a", **error)])

    assert history.updates[0].message == words


def test_a_log_is_read_further_and_again_if_its_end_moves_back() -> None:
    history = UpdateHistory()
    events = numbered([CREATED, update("a"), server("response.done"), CONFIRMED])
    log, _ = log_of(events)

    def causes(end: int) -> CausesFold:
        fold = CausesFold()
        for event in events[:end]:
            fold.apply(event)
        return fold

    assert history.read(log, 2, causes(2))
    assert [found.outcome for found in history.updates] == [Outcome.PENDING]
    assert not history.read(log, 3, causes(3))
    assert history.read(log, 4, causes(4))
    assert [found.outcome for found in history.updates] == [Outcome.CONFIRMED]
    assert history.read(log, 1, causes(1))
    assert history.updates == []


def test_differences_are_listed_as_they_were_written() -> None:
    sent = {"type": "realtime", "audio": {"output": {"voice": "marin", "speed": 1.0}}, "x": 1}
    effective = {"audio": {"output": {"voice": "alloy", "speed": 1}}}

    assert [(d.path[-1], d.effective, d.is_same) for d in differences(sent, effective)] == [
        ("voice", "alloy", False),
        ("speed", 1, True),
        ("x", ABSENT, False),
    ]

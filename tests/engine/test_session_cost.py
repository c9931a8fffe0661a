"""What a session cost, worked out beside it: in slices, back and forth, and with the prices that hold here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from inspector.analysis.prices import shipped_prices
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.engine.session_cost import AT_ONCE, REST_STEPS, SessionCost
from inspector.engine.session_verdict import SessionVerdict
from inspector.folders import config_file
from tests.billed import HEADER, answer, clock_in_the_instructions, session, state_of, usage
from tests.support import numbered, server


def followed(state: SessionState) -> SessionCost:
    cost = SessionCost(HEADER, shipped_prices)
    while cost.is_behind(state):
        cost.step(state)
    return cost


def answers(count: int) -> Sequence[Event]:
    listed = [one for n in range(count) for one in answer(f"r{n}", usage(1000, 0, 100, 0))]
    return numbered([session(), *listed])


def test_nothing_is_loaded_before_anything_was_billed() -> None:
    cost = SessionCost(HEADER, shipped_prices)

    assert not cost.step(state_of([session()]))
    assert cost.ledger is None
    assert (cost.text, cost.context_text) == ("", "")
    assert cost.summary(state_of([session()])) is None


def test_a_long_session_is_priced_in_slices() -> None:
    state, cost = state_of(answers(AT_ONCE + 10)), SessionCost(HEADER, shipped_prices)

    assert cost.step(state)
    assert cost.is_behind(state)
    assert cost.summary(state) is None
    assert cost.step(state)
    assert not cost.is_behind(state)
    assert not cost.step(state)
    assert cost.ledger is not None
    assert len(cost.ledger) == AT_ONCE + 10


def test_the_cost_follows_a_cursor_back_and_forth() -> None:
    events = clock_in_the_instructions()
    cost = followed(state_of(events))
    assert (cost.text, cost.context_text) == ("$1.12", "6.0k/32k")
    early = state_of(events[:8])
    assert cost.step(early)
    assert (cost.text, cost.context_text) == ("$0.024", "1.8k/32k")
    assert cost.step(state_of(events))

    assert cost.text == "$1.12"


def test_a_summary_waits_the_longer_the_more_there_is_to_read() -> None:
    count = 2 * REST_STEPS
    state = state_of(answers(count))
    cost = followed(state)
    first = cost.summary(state)
    for event in numbered(answer("more", usage(1000, 0, 100, 0)), start=2 * count + 2):
        state.apply(event)
    cost.step(state)

    assert first is not None
    assert cost.summary(state) is first
    cost.step(state)
    second = cost.summary(state)
    assert second is not None
    assert second.responses == count + 1


def test_prices_that_cannot_be_read_are_told_and_replaced_by_those_of_the_program(
    home: Path,
) -> None:
    path = config_file().with_name("prices.toml")
    path.parent.mkdir(parents=True)
    path.write_text("[[price]]\n")
    state, cost = state_of(answers(1)), SessionCost(HEADER)
    cost.step(state)

    assert home in path.parents
    assert "model is missing" in cost.problem
    assert cost.text == "$0.0056"


def test_the_users_own_prices_hold(home: Path) -> None:
    path = config_file().with_name("prices.toml")
    path.parent.mkdir(parents=True)
    path.write_text('[[price]]\nmodel = "gpt-realtime"\ntext_in = 1000\ntext_out = 0\n')
    state, cost = state_of(answers(1)), SessionCost(HEADER)
    cost.step(state)

    assert home in path.parents
    assert (cost.problem, cost.text) == ("", "$1.00")


def test_a_verdict_is_another_one_only_where_something_happened() -> None:
    state = state_of(answers(1))
    cost = followed(state)
    judged = SessionVerdict(cost)

    assert judged.update(state, is_over=False)
    assert not judged.update(state, is_over=False)
    state.apply(numbered([server("error", error={"code": "c", "message": "no"})], start=9)[0])
    assert judged.update(state, is_over=False)
    assert judged.parts[0].text == "✗ 1 error: no"

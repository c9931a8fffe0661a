"""Findings in the verdict: they come first, and nothing that they say is said twice."""

from __future__ import annotations

from inspector.analysis.lint.linted_state import LintedState
from inspector.analysis.prices import shipped_prices
from inspector.core.event import Event
from inspector.recording.recorded_verdict import verdict_of
from tests.billed import HEADER, clock_in_the_instructions
from tests.linted import began, colliding_requests, error
from tests.support import client, numbered


def verdict_on(events: list[Event]) -> list[str]:
    state = LintedState()
    for event in events:
        state.apply(event, strict=True)
    return [part.text for part in verdict_of(state, HEADER, shipped_prices())]


def test_an_error_that_a_finding_proves_is_not_repeated() -> None:
    first, *others = verdict_on(colliding_requests())

    assert first.startswith("✗ response.create #13 was refused")
    assert not any("already has an active response" in words for words in others)


def test_an_error_is_not_repeated_if_a_finding_names_what_it_rejects() -> None:
    ask = client("response.create", event_id="e1", response={"modalities": ["text"]})
    refusal = error(
        "unknown_parameter",
        "Unknown parameter: 'response.modalities'.",
        param="response.modalities",
        event_id="e1",
    )
    found = verdict_on(numbered([*began(), ask, refusal]))

    assert found[0].startswith("✗ response.modalities is a name of the beta API")
    assert not any("Unknown parameter" in words for words in found)


def test_what_a_finding_says_about_cost_is_not_repeated() -> None:
    found = verdict_on(clock_in_the_instructions())

    assert found[0].startswith("⚠ 0 of 54,600 input tokens were cached")
    assert not any("cache lost" in words for words in found)
    assert sum("turn 14 costs" in words for words in found) == 1

"""Copies of rules: a replay keeps some, and goes on from each."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from inspector.analysis.lint.lint_run import LintReport, LintRun
from inspector.core.event import Event
from inspector.core.state import SessionState
from tests import spoken
from tests.billed import clock_in_the_instructions
from tests.linted import SERVER_VAD, began
from tests.linted_sound import appends, in_order, started, truncate, voice
from tests.linted_sound import spoken as answered
from tests.support import numbered


def talk() -> list[Event]:
    """Return a session with sound of both sides, interruptions and a wrong rate."""
    answers = [one for n in range(5) for one in answered(1500 + n * 2000, 3000, f"item_{n}", f"resp_{n}")]  # fmt: skip
    speech = [started(1900 + n * 2000, f"item_u{n}", 900) for n in range(5)]
    return numbered(
        in_order(
            began(SERVER_VAD),
            appends(voice(4000), size=640, start_ms=100, every_ms=40),
            answers,
            speech,
            [truncate(4000, 99_000, "item_0")],
        )
    )


def followed(run: LintRun, state: SessionState, events: Sequence[Event]) -> LintReport:
    for event in events:
        state.apply(event, strict=True)
        run.apply(event, state)
    return run.report(state)


@pytest.mark.parametrize("events", [talk(), numbered(spoken.events()), clock_in_the_instructions()])
def test_a_copy_goes_on_by_itself(events: list[Event]) -> None:
    half = len(events) // 2
    run, state = LintRun(is_strict=True), SessionState()
    before = followed(run, state, events[:half])
    kept, kept_state = run.copy(), state.copy()
    whole = followed(run, state, events[half:])

    assert kept.report(kept_state) == before
    assert followed(kept, kept_state, events[half:]) == whole
    assert whole.findings

"""What was generated, received, played and remembered of an answer: lengths and words worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest

from inspector.analysis.heard_answers import Claim, heard_answers, heard_row
from inspector.analysis.totals import totals
from inspector.core.event import Event
from inspector.core.state import SessionState
from tests.core.test_output_audio import SPEECH, delta, played, playing, truncate
from tests.support import at, folded, numbered, server

WORDS = "one two three four five six seven eight nine ten"
"""48 characters in 5 s: the word before character 1 + ms × 48 / 5000 is the last that was spoken whole."""


def said(text: str = WORDS) -> Event:
    where = {"response_id": "r", "item_id": "a", "output_index": 0, "content_index": 0}
    return at(1100, server("response.output_audio_transcript.done", **where, transcript=text))


def done(tokens: int = 100, status: str = "completed") -> Event:
    usage = {"output_tokens": tokens, "output_token_details": {"audio_tokens": tokens}}
    response = {"id": "r", "status": status, "output": [], "usage": usage}
    return at(1200, server("response.done", response=response))


ANSWER = (delta(1000, 5000), said(), done())


def state_of(events: Sequence[Event], *, has_times: bool) -> SessionState:
    state = SessionState()
    for event in numbered(events):
        state.apply(event if has_times else replace(event, t_ns=None), strict=True)
    return state


class Truth(NamedTuple):
    """What is true of an answer."""

    played: tuple[int | None, int | None]
    claim: Claim | None
    remembered_ms: int | None
    unheard_ms: int
    forgotten_ms: int
    remembered: str | None
    heard: str | None
    """At most."""


CASES: dict[str, tuple[Sequence[Event], Truth]] = {
    "not interrupted": (
        ANSWER,
        Truth((0, 5000), None, 5000, 0, 0, WORDS, WORDS),
    ),
    # 1.5 s after the first sound: at most 1,500 ms were heard.
    "cut as it was heard": (
        [*ANSWER, *truncate(2500, 1400)],
        Truth((0, 1500), Claim.POSSIBLE, 1400, 0, 0, "one two three", "one two three"),
    ),
    "cut later than the clock allows": (
        [*ANSWER, *truncate(2500, 4000)],
        Truth((0, 1500), Claim.TOO_LATE, 4000, 2500, 0, "one two three four five six seven", "one two three"),
    ),
    "cut long before what was likely heard": (
        [*ANSWER, *truncate(5500, 500)],
        Truth((0, 4500), Claim.TOO_EARLY, 500, 0, 0, "one", "one two three four five six seven eight"),
    ),
    "refused": (
        [*ANSWER, truncate(9000, 56_000)[0]],
        Truth((0, 5000), Claim.BEYOND, 5000, 0, 0, WORDS, WORDS),
    ),
    "measured by the player": (
        [*ANSWER, playing(1060, 0), played(2500, 1440), *truncate(2510, 1440)],
        Truth((1440, 1440), Claim.POSSIBLE, 1440, 0, 0, "one two three", "one two three"),
    ),
    "measured, and cut beyond it": (
        [*ANSWER, playing(1060, 0), played(2500, 1440), *truncate(2510, 3000)],
        Truth((1440, 1440), Claim.TOO_LATE, 3000, 1560, 0, "one two three four five six", "one two three"),
    ),
    "measured, and cut before it": (
        [*ANSWER, playing(1060, 0), played(4000, 2900), *truncate(4010, 900)],
        Truth((2900, 2900), Claim.TOO_EARLY, 900, 0, 2000, "one two", "one two three four five six"),
    ),
    "measured, and not truncated": (
        [*ANSWER, playing(1060, 0), SPEECH, played(1510, 450)],
        Truth((450, 450), None, 5000, 4550, 0, WORDS, "one"),
    ),
    "still playing": (
        [*ANSWER, playing(1060, 200)],
        Truth((200, 5000), None, 5000, 0, 0, WORDS, WORDS),
    ),
    "in progress": (
        [
            at(900, server("response.created", response={"id": "r", "status": "in_progress"})),
            delta(1000, 5000),
            said(),
        ],
        Truth((0, 5000), None, None, 0, 0, None, WORDS),
    ),
    "elided": (
        [*(delta(1000 + n, 0.2) for n in range(9)), said(), done(), *truncate(2500, 4000)],
        Truth((None, None), Claim.UNKNOWN, None, 0, 0, None, None),
    ),
    "without times": (
        [delta(1000, 5000), said(), done(), *truncate(2500, 4000)],
        Truth((0, 5000), Claim.UNKNOWN, 4000, 0, 0, "one two three four five six seven", WORDS),
    ),
    # In whole seconds 2 s may be 2.99 s.
    "times in whole seconds": (
        [*ANSWER, *truncate(3000, 2900)],
        Truth((0, 2000), Claim.POSSIBLE, 2900, 0, 0, "one two three four five six", "one two three four"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_was_heard_and_what_is_remembered(name: str) -> None:
    events, truth = CASES[name]
    times = name != "without times"
    [found] = heard_answers(state_of(events, has_times=times))

    assert (
        Truth(
            (found.least_played_ms, found.most_played_ms),
            found.claim,
            found.remembered_ms,
            found.unheard_ms,
            found.forgotten_ms,
            found.words(found.remembered_ms),
            found.words(found.most_played_ms),
        )
        == truth
    )
    assert found.is_desynced == bool(truth.unheard_ms or truth.forgotten_ms)


def test_generated_audio_is_counted_by_its_tokens() -> None:
    [alone] = heard_answers(folded(*ANSWER))
    two = heard_answers(folded(delta(1000, 500), delta(1100, 500, "b"), done()))
    [unreported] = heard_answers(folded(delta(1000, 500)))

    assert alone.generated_ms == 5000
    assert [one.generated_ms for one in two] == [None, None]  # whose tokens they are is not said
    assert unreported.generated_ms is None


def test_where_the_server_truncates_by_itself_nobody_claims_anything() -> None:
    detection = {"type": "azure_semantic_vad", "auto_truncate": True}
    session = {"id": "s", "turn_detection": detection}
    state = folded(
        at(0, server("session.created", session=session)), *ANSWER, truncate(2500, 1400)[1]
    )
    [found] = heard_answers(state)

    assert (found.claim, found.claimed_ms, found.truncated_ms) == (None, None, 1400)


def test_the_totals_hold_every_answer_as_json() -> None:
    state = folded(*ANSWER, *truncate(2500, 4000))
    [row] = totals(state)["output_audio"]["items"]

    assert row == heard_row(next(heard_answers(state)))
    assert row["played_ms"] == {"least": 0, "most": 1500, "basis": "clock"}
    assert (row["claim"], row["unheard_ms"], row["truncated_ms"]) == ("too late", 2500, 4000)
    assert row["words"]["heard_at_most"] == "one two three"

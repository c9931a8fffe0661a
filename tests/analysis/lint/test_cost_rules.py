"""Rules about cost and context, each with a session that triggers it and a near miss."""

from __future__ import annotations

from typing import Any

from inspector.analysis.lint.cost_rules import (
    CacheBroken,
    ContextTrimmed,
    CostGrowth,
    PaidNotHeard,
)
from inspector.analysis.lint.finding import Severity
from inspector.core.error_attribution import Confidence
from inspector.core.event import Event
from tests.billed import answer, session, spoken, update, usage
from tests.linted import SERVER_VAD, began, created, done, findings_of
from tests.linted_sound import delta, started, transcribed, truncate, truncated
from tests.support import at, server


def turns(*used: dict[str, Any], between: tuple[list[Event], ...] = ()) -> list[Event]:
    """Return pushed turns, each billed as given, with events before some of them."""
    events = [session()]
    for n, one in enumerate(used):
        if n < len(between):
            events += between[n]
        events += [*spoken(f"item_u{n}"), *answer(f"resp_{n}", one)]
    return events


def growing(count: int, step: int, cached: bool = False) -> list[dict[str, Any]]:
    return [
        usage(1000, 500 + n * step, 50, 200, (1000 if n else 0, max(0, 500 + (n - 1) * step)) if cached else (0, 0))
        for n in range(count)
    ]  # fmt: skip


def test_a_turn_that_costs_several_times_the_first_is_reported() -> None:
    [found] = findings_of(CostGrowth, turns(*growing(6, 1500)))

    assert found.severity is Severity.WARNING
    assert found.text == (
        "turn 6 costs 8.1× turn 1 ($0.27 against $0.034): 9,000 tokens go in, 8,000 of them audio, 0 cached; audio in $0.82, "
        "audio out $0.077, all $0.92"
    )


def test_a_session_whose_turns_are_cached_or_few_or_cheap_does_not_grow() -> None:
    assert findings_of(CostGrowth, turns(*growing(6, 300, cached=True))) == []
    assert findings_of(CostGrowth, turns(*growing(3, 5000))) == []
    assert findings_of(CostGrowth, turns(*(usage(100 + n * 400, 0, 5) for n in range(6)))) == []


def test_a_clock_in_the_instructions_breaks_the_cache() -> None:
    text = "You teach French. Time now: 10:0{}:07. Be brief."
    between = tuple(update(text.format(n)) for n in range(6))
    [found] = findings_of(CacheBroken, turns(*growing(6, 300), between=between))

    assert found.severity is Severity.WARNING
    assert found.text.startswith(
        "0 of 13,500 input tokens were cached in 6 responses: the instructions changed 5 times, first at character 29 "
        "(“10:00:07” → “10:01:07”, a clock); 10,500 tokens were billed in full again, about $0.19"
    )
    assert "conversation.item.create" in found.fix


def test_a_small_change_or_one_that_the_cache_survives_is_not_reported() -> None:
    between = tuple(update(f"Be brief. Round {n}.") for n in range(6))
    small = [usage(80, 10, 5, 5) for _ in range(5)]
    assert findings_of(CacheBroken, turns(*small, between=between)) == []
    assert findings_of(CacheBroken, turns(*growing(6, 300, cached=True), between=between)) == []


def test_the_same_instructions_again_change_nothing() -> None:
    between = tuple(update("Be brief.") for _ in range(6))
    assert findings_of(CacheBroken, turns(*growing(6, 300), between=between)) == []


def interrupted(*rest: Event) -> list[Event]:
    return [
        *began(SERVER_VAD),
        at(100, created()),
        delta(150, 9000),
        at(300, done(usage=usage(100, 100, 50, 180))),
        started(3150),
        *rest,
    ]


def test_sound_that_nobody_heard_is_priced() -> None:
    [found] = findings_of(PaidNotHeard, interrupted())

    assert found.severity is Severity.NOTE
    assert found.confidence is Confidence.LIKELY
    assert found.text == (
        "$0.0077 for 6.0 s of sound in 1 interrupted answer that nobody heard (estimated); it is still in the context, not "
        "truncated"
    )


def test_half_a_minute_that_nobody_heard_is_a_warning() -> None:
    events = [*began(SERVER_VAD), at(100, created()), delta(150, 30_000), at(300, done(usage=usage(100, 100, 50, 600))), started(2150)]  # fmt: skip
    [found] = findings_of(PaidNotHeard, events)

    assert found.severity is Severity.WARNING


def test_what_was_truncated_is_no_longer_in_the_context() -> None:
    [found] = findings_of(PaidNotHeard, interrupted(truncate(3200, 3000), truncated(3250, 3000)))

    assert "still in the context" not in found.text


def test_an_answer_that_was_heard_nearly_to_its_end_was_not_paid_in_vain() -> None:
    events = [*interrupted()[:-1], started(8900)]
    assert findings_of(PaidNotHeard, events) == []


def conversation(*used: dict[str, Any]) -> list[Event]:
    """Return pushed turns with items and the user's words."""
    events = [session()]
    for n, one in enumerate(used):
        item = {"id": f"item_a{n}", "type": "message", "role": "assistant", "content": []}
        begin, end = answer(f"resp_{n}", one, output=[item])
        output = server("response.output_item.added", response_id=f"resp_{n}", output_index=0, item=item)  # fmt: skip
        events += [*spoken(f"item_u{n}"), transcribed(0, f"Order number {n}", f"item_u{n}")]
        events += [begin, output, server("conversation.item.added", item=item), end]
    return events


def test_items_that_left_the_context_are_named() -> None:
    grown = [usage(1200, 4800 + n * 4900, 120, 900) for n in range(5)]
    events = conversation(*grown, usage(1200, 27_000, 120, 900), usage(1200, 22_900, 120, 900))
    [found] = findings_of(ContextTrimmed, events)

    assert found.severity is Severity.WARNING
    assert found.confidence is Confidence.CERTAIN
    assert found.text == (
        "input fell from 28,200 to 24,100 tokens at #50, and nothing was deleted: at least items 1–2 (“Order number 0”) left the "
        "context; 0 tokens of it were cached"
    )


def test_a_prompt_far_below_the_limit_was_not_trimmed() -> None:
    events = conversation(usage(1200, 5000), usage(1200, 9000), usage(1200, 7000))
    assert findings_of(ContextTrimmed, events) == []


def test_a_deletion_is_no_trim() -> None:
    deleted = server("conversation.item.deleted", item_id="item_u0")
    events = conversation(usage(1200, 22_000), usage(1200, 27_000))
    last = conversation(usage(1200, 20_000))[1:]
    assert findings_of(ContextTrimmed, [*events, deleted, *last]) == []


def test_the_limit_that_a_session_sets_counts() -> None:
    truncation = {"type": "retention_ratio", "retention_ratio": 0.8, "token_limits": {"post_instructions": 8000}}  # fmt: skip
    described = server("session.created", session={"id": "s", "model": "gpt-realtime", "truncation": truncation})  # fmt: skip
    events = conversation(usage(200, 5000), usage(200, 7500), usage(200, 6000))
    assert len(findings_of(ContextTrimmed, [described, *events[1:]])) == 1


def test_without_a_known_limit_much_must_be_missing() -> None:
    described = server("session.created", session={"id": "s", "model": "a-model-of-my-own"})
    little = conversation(usage(200, 9000), usage(200, 8000))[1:]
    much = conversation(usage(200, 9000), usage(200, 5000))[1:]
    assert findings_of(ContextTrimmed, [described, *little]) == []
    [found] = findings_of(ContextTrimmed, [described, *much])

    assert found.confidence is Confidence.LIKELY

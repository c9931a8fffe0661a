"""Several actions on one frame: nothing is lost, duplicated or reordered, and each action has its author."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, product
from pathlib import Path

import orjson
import pytest

from inspector.core.event import Direction, Origin
from inspector.engine.paused_frame import PausedFrame
from inspector.engine.proxied_session import FrameRules
from tests.engine.intercept_stage import GateStage, on_stage, read_faults

BEFORE, FRAME, BEHIND = (
    orjson.dumps({"type": name, "value": 0}).decode() for name in ("before", "matched", "behind")
)
RULES = {
    "drop": 'do="drop"',
    "delay": 'do="delay"\nseconds=0.5',
    "replace": 'do="replace"\npointer="/value"\nvalue={n}',
    "inject to the api": 'do="inject"\nto="api"\nevent={{type="from rule {n}"}}',
    "inject to the app": 'do="inject"\nto="app"\nevent={{type="from rule {n}"}}',
    "close": 'do="close"\ncode=400{n}',
}
HANDS = ("forward", "edit", "drop", "duplicate", "delay", "answer")
TOGETHER = [*chain(product(RULES), product(RULES, repeat=2), product(RULES, repeat=3))]
DELAY_S = 0.5


@dataclass
class Expected:
    """The documented outcome of one frame."""

    goes_on: str | None = FRAME
    added: list[str] = field(default_factory=list)
    """Frames after it in its direction."""
    elsewhere: list[str] = field(default_factory=list)
    """Frames in the opposite direction."""
    delay_s: float = 0.0
    close_code: int = 0
    altered: list[tuple[str, str]] = field(default_factory=list)
    """Actions and their authors."""
    injected_by: list[str] = field(default_factory=list)
    hits: list[int] = field(default_factory=list)


def expected_of(direction: Direction, rules: tuple[str, ...], hand: str) -> Expected:
    expected = Expected()
    for number, rule in enumerate(rules, 1):
        expected.hits.append(_rule(expected, direction, rule, number))
    if hand and expected.goes_on is not None:
        _hand(expected, hand)
    return expected


def _rule(expected: Expected, direction: Direction, rule: str, number: int) -> int:
    name = f"rule {number}"
    if rule.startswith("inject"):
        is_same = (rule == "inject to the api") is (direction is Direction.CLIENT)
        text = orjson.dumps({"type": f"from {name}"}).decode()
        (expected.added if is_same else expected.elsewhere).append(text)
        expected.injected_by.append(name)
    elif rule == "close":
        if expected.close_code:
            return 0
        expected.close_code = 4000 + number
    elif expected.goes_on is None:
        return 0
    elif rule == "drop":
        expected.goes_on = None
        expected.altered.append(("drop", name))
    elif rule == "delay":
        expected.delay_s += DELAY_S
        expected.altered.append(("delay 0.5 s", name))
    else:
        expected.goes_on = FRAME.replace('"value":0', f'"value":{number}')
        expected.altered.append(("replace /value", name))
    return 1


def _hand(expected: Expected, hand: str) -> None:
    going = expected.goes_on or ""
    if hand == "edit":
        expected.goes_on = "edited"
    elif hand == "drop":
        expected.goes_on = None
    elif hand == "duplicate":
        expected.added += [going, going]
        expected.injected_by += ["hand", "hand"]
    elif hand == "delay":
        expected.delay_s += DELAY_S
    elif hand == "answer":
        expected.goes_on = None
        expected.elsewhere.append("answer")
        expected.injected_by.append("hand")
    what = {"forward": "", "delay": "delay 0.5 s"}.get(hand, hand)
    if what:
        expected.altered.append((what, "hand"))


def act(stage: GateStage, paused: PausedFrame, hand: str) -> None:
    points = stage.session.breakpoints
    match hand:
        case "edit":
            points.edit(paused, b"edited")
        case "drop":
            points.drop(paused)
        case "duplicate":
            points.duplicate(paused, 2)
        case "delay":
            points.delay(paused, DELAY_S)
        case "answer":
            points.answer(paused, b"answer")
        case _:
            points.forward(paused)


def faults_of(folder: Path, rules: tuple[str, ...]) -> FrameRules:
    text = "\n".join(
        '[[rule]]\nmatch="type:matched"\n' + RULES[rule].format(n=number)
        for number, rule in enumerate(rules, 1)
    )
    return read_faults(folder, text)


def play(
    faults: FrameRules, direction: Direction, rules: tuple[str, ...], hand: str = ""
) -> tuple[GateStage, Expected]:
    """Send three frames, of which all rules match the second, and advance the time past all delays."""
    expected = expected_of(direction, rules, hand)

    async def scenario(stage: GateStage) -> None:
        if hand:
            stage.session.breakpoints.arm("type:matched")
        stage.say(direction, BEFORE, FRAME, BEHIND)
        for paused in stage.session.breakpoints.paused:
            act(stage, paused, hand)
        if expected.delay_s:
            await stage.wait(expected.delay_s - 0.01)
            assert stage.got(direction) == [BEFORE], "sooner than the delays together"
            await stage.wait(0.02)
        assert not stage.session.breakpoints.waiting

    return on_stage(faults, scenario), expected


def check(stage: GateStage, expected: Expected, direction: Direction) -> None:
    other = Direction.SERVER if direction is Direction.CLIENT else Direction.CLIENT
    going = [expected.goes_on] if expected.goes_on is not None else []
    behind = [] if expected.close_code else [BEHIND]

    assert stage.got(direction) == [BEFORE, *going, *expected.added, *behind]
    assert stage.got(other) == expected.elsewhere
    for way in (direction, other):
        assert stage.logged(way) == stage.got(way), "the log shows what the receiver got"
        assert stage.closes(way) == ([expected.close_code] if expected.close_code else [])
    undelivered = [fact["original"] for fact in stage.facts("inspector.undelivered")]
    assert undelivered == ([BEHIND] if expected.close_code else [])
    altered = stage.facts("inspector.altered")
    assert [(fact["change"], fact["by"]) for fact in altered] == expected.altered
    assert all(fact["original"] == FRAME for fact in altered)
    injected = stage.facts("inspector.injected")
    assert [fact["by"] for fact in injected] == expected.injected_by
    assert stage.session.rules.hits == expected.hits


@pytest.mark.parametrize("direction", [Direction.CLIENT, Direction.SERVER])
@pytest.mark.parametrize("first", RULES)
def test_rules_together_do_what_each_of_them_says(
    first: str, direction: Direction, tmp_path: Path
) -> None:
    """Check every rule, every pair and every triple of rules, in each order."""
    for rules in TOGETHER:
        if rules[0] == first:
            stage, expected = play(faults_of(tmp_path, rules), direction, rules)

            check(stage, expected, direction)


@pytest.mark.parametrize("hand", HANDS)
def test_a_hand_adds_to_what_rules_have_done(hand: str, tmp_path: Path) -> None:
    for rules in [rules for rules in TOGETHER if len(rules) < 3]:
        stage, expected = play(faults_of(tmp_path, rules), Direction.CLIENT, rules, hand)

        check(stage, expected, Direction.CLIENT)


def test_what_was_made_or_changed_is_told_apart_from_what_came(tmp_path: Path) -> None:
    rules = ("replace", "inject to the app", "inject to the api")
    stage, _ = play(faults_of(tmp_path, rules), Direction.SERVER, rules)
    log, made = stage.session.log, stage.session.state.interventions.of

    events = [log.event(row) for row in range(len(log))]
    frames = [event for event in events if event.direction is not Direction.LOCAL]
    assert [(event.type, str(made.get(event.seq, ""))) for event in frames] == [
        ("before", ""),
        ("matched", "changed (rule 1)"),
        ("from rule 2", "injected (rule 2)"),
        ("from rule 3", "injected (rule 3)"),
        ("behind", ""),
    ]
    assert [event.origin for event in frames] == [
        Origin.WIRE, Origin.RULE, Origin.RULE, Origin.RULE, Origin.WIRE,
    ]  # fmt: skip
    assert [fact["rule"] for fact in stage.facts("inspector.injected")] == [
        "inject type:matched",
        "inject type:matched",
    ]


def test_an_added_event_id_survives_rules(tmp_path: Path) -> None:
    text = '[[rule]]\nmatch="type:x"\ndo="replace"\npointer="/a"\nvalue=1\n'
    faults = read_faults(tmp_path, text, adds_event_ids=True)

    async def scenario(stage: GateStage) -> None:
        stage.say(Direction.CLIENT, '{"type":"x"}')

    stage = on_stage(faults, scenario)

    assert [orjson.loads(text) for text in stage.got(Direction.CLIENT)] == [
        {"event_id": "evt_inspector_000001", "type": "x", "a": 1}
    ]


def test_a_rule_that_cannot_be_applied_costs_nothing(tmp_path: Path) -> None:
    text = '[[rule]]\nmatch="x"\ndo="replace"\npointer="/a"\nvalue=1\ntimes=1\n'

    async def scenario(stage: GateStage) -> None:
        stage.say(Direction.SERVER, "no json x", '{"type":"x"}')

    stage = on_stage(read_faults(tmp_path, text), scenario)

    assert stage.got(Direction.SERVER) == ["no json x", '{"type":"x","a":1}']
    assert [fact["name"] for fact in stage.facts("inspector.rule_failed")] == ["rule 1"]
    assert stage.session.rules.hits == [1]
    assert stage.session.rules.is_exhausted(0)

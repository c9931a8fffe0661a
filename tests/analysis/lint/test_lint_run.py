"""All rules together: order, guards, coverage, sessions, copies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from inspector.analysis.lint.appended_sound import AppendedSound
from inspector.analysis.lint.catalogue import RULES
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.lint_run import LintRun, lint
from inspector.analysis.lint.sound_content_rules import InputContent
from inspector.analysis.lint.tool_rules import ToolResultUnspoken
from inspector.analysis.lint.visibility import Sight
from inspector.core.event import Event
from inspector.core.state import SessionState
from tests.linted import OPENED, began, called, created, done, later, linted, result, said
from tests.linted_sound import append
from tests.support import numbered, server


class Faulty(LintRule):
    id, title, severity, why = "faulty", "raises", Severity.ERROR, "It tests the guard."
    types = frozenset({"response.done"})

    def apply(self, event: Event, state: SessionState) -> None:
        raise ValueError("a bug")

    def findings(self, moment: Moment) -> Iterable[Finding]:
        return ()


class Counting(LintRule):
    id, title, severity, why = "counting", "counts", Severity.NOTE, "It tests the run."
    types = frozenset({"response.done"})
    needs = frozenset({Sight.TIMES})

    def __init__(self) -> None:
        self.count = 0

    def apply(self, event: Event, state: SessionState) -> None:
        self.count += 1

    def findings(self, moment: Moment) -> Iterable[Finding]:
        if self.count:
            yield self.found(Severity.NOTE, (1,), f"{self.count} answers")


def test_every_rule_describes_itself() -> None:
    ids = [rule.id for rule in RULES]

    assert len(set(ids)) == len(ids)
    for rule in RULES:
        assert rule.id == rule.id.lower().replace("_", "-").replace(" ", "-")
        assert rule.title
        assert not rule.title.endswith(".")
        assert rule.why.endswith(".")
        assert rule.links
        assert all(link.startswith("https://") for link in rule.links)
        assert rule.types or rule.reads_appends
        assert rule.severity in Severity


def test_findings_come_worst_first() -> None:
    cut = {"type": "incomplete", "reason": "max_output_tokens"}
    short = [created(), done(status="incomplete", status_details=cut)]
    report = linted([*began(), *short, *said(), later(5000)])

    assert [(one.rule, one.severity.value) for one in report.findings] == [
        ("nobody-asked", "error"),
        ("failed-answer-hidden", "warning"),
    ]
    assert report.worst is Severity.ERROR


def test_a_rule_that_raises_is_disabled_and_reported_and_the_others_go_on() -> None:
    events = numbered([*began(), created(), done(), created("r2"), done("r2")])
    report = lint(events, [Faulty, Counting])

    assert [failure.rule for failure in report.failures] == ["faulty"]
    assert [one.text for one in report.findings] == ["2 answers"]
    with pytest.raises(ValueError, match="a bug"):
        lint(events, [Faulty], is_strict=True)


def test_where_appends_cannot_be_read_the_rules_about_them_are_disabled_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(sound: AppendedSound, event: Event, state: SessionState) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(AppendedSound, "apply", fail)
    events = numbered([*began(), append(bytes(960)), created(), done()])
    report = lint(events, [InputContent, Counting])

    assert [failure.rule for failure in report.failures] == ["input-content"]
    assert [one.text for one in report.findings] == ["1 answers"]
    with pytest.raises(ValueError, match="a bug"):
        lint(events, [InputContent], is_strict=True)


def test_what_a_recording_does_not_show_silences_the_rules_that_need_it() -> None:
    events = [replace(one, t_ns=None) for one in numbered([*began(), created(), done()])]
    report = lint(events, [Counting])

    assert report.findings == ()
    assert [spot.words for spot in report.coverage] == ["the recording has no times: 1 rule silent"]


def test_the_findings_of_a_session_stay_when_another_one_begins() -> None:
    second = [OPENED, server("session.created", session={"id": "sess_2", "type": "realtime"})]
    events = [*began(), created(), done(), *second, created("r2"), done("r2")]
    report = lint(numbered(events), [Counting])

    assert [one.text for one in report.findings] == ["1 answers", "1 answers"]


def test_a_live_session_finds_what_does_not_come() -> None:
    state, run = SessionState(), LintRun([ToolResultUnspoken])
    for event in numbered([*began(), *called(), result()]):
        state.apply(event)
        run.apply(event, state)

    assert run.report(state).findings == ()
    assert len(run.report(state, now_ns=5_000_000_000).findings) == 1


def test_a_copy_is_independent() -> None:
    state, run = SessionState(), LintRun([ToolResultUnspoken, Counting])
    *events, last = numbered([*began(), *called(), result()])
    for event in events:
        state.apply(event)
        run.apply(event, state)
    copied, copied_state = run.copy(), state.copy()
    state.apply(last)
    run.apply(last, state)

    assert len(run.report(state, 5_000_000_000).findings) == 2
    assert len(copied.report(copied_state, 5_000_000_000).findings) == 1


def test_another_protocol_gets_no_findings() -> None:
    events = [server("", setupComplete={}), server("", serverContent={}), later(60_000)]

    assert linted(events).findings == ()

"""Which findings an event proves, and which errors only look like faults."""

from __future__ import annotations

import pytest

from inspector.analysis.lint.dialect_rules import BenignRed
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.linted_state import LintedState, faults_of
from inspector.analysis.lint.proofs import NO_PROOFS, Proofs, fault_count
from inspector.core.event import Event
from inspector.core.state import SessionState
from tests.linted import began, created, done, error, linted, said
from tests.support import client, local, numbered

BAD = Finding("update-void", Severity.ERROR, (5, 2, 5), "")
CALM = Finding("benign-red", Severity.HARMLESS, (2, 7), "")
PROOFS = Proofs([BAD, CALM])


def late_cancel() -> list[Event]:
    """Return a session whose only error is a cancel that crossed the end of its answer."""
    over = error("response_cancel_not_active", event_id="c1")
    cancel = client("response.cancel", event_id="c1")
    return numbered([*began(), client("response.create"), created(), done(), cancel, over])


@pytest.mark.parametrize(
    ("seq", "findings", "is_harmless"),
    [(1, [], False), (2, [BAD, CALM], False), (5, [BAD], False), (7, [CALM], True)],
)
def test_an_event_has_what_it_proves_the_worst_first(
    seq: int, findings: list[Finding], is_harmless: bool
) -> None:
    assert list(PROOFS.of(seq)) == findings
    assert PROOFS.worst(seq) == (findings[0].severity if findings else None)
    assert PROOFS.is_harmless(seq) is is_harmless


def test_proofs_are_found_by_place_and_by_kind() -> None:
    assert list(PROOFS.within(2, 5)) == [2, 5]
    assert list(PROOFS.within(3, 4)) == []
    assert sorted(PROOFS.where(lambda one: one.rule == "benign-red")) == [2, 7]
    assert dict(PROOFS.worst_by_seq()) == {2: "error", 5: "error", 7: "harmless"}
    assert (len(PROOFS), bool(NO_PROOFS)) == (3, False)


def test_a_harmless_error_is_not_counted_as_a_fault() -> None:
    events, state = late_cancel(), SessionState()
    for event in events:
        state.apply(event, strict=True)
    proofs = Proofs(linted(events, BenignRed).findings)

    assert fault_count(state, NO_PROOFS) == 1
    assert fault_count(state, proofs) == 0


def test_a_state_counts_faults_by_its_own_rules() -> None:
    plain, ruled, calm = SessionState(), LintedState(), LintedState()
    for event in late_cancel():
        plain.apply(event, strict=True)
        ruled.apply(event, strict=True)
    calm.apply(late_cancel()[0], strict=True)

    assert [faults_of(state) for state in (plain, ruled, calm, LintedState())] == [1, 0, 0, 0]


def test_rules_remember_the_log_before() -> None:
    lost = local("inspector.closed", code=1006, by="network")
    update = client("session.update", session={"type": "realtime", "instructions": "x"})
    before, own = LintedState(), "Your knowledge cutoff is 2023-10. You are helpful."
    assert before.next_log() is None
    for event in numbered([*began(), update, *said(), lost]):
        before.apply(event, strict=True)
    run = before.next_log()
    assert run is not None
    after = [*began(id="sess_2", instructions=own), client("response.create"), created(), done()]
    for _ in range(2):  # a copy each time: the rules themselves must not change
        state = LintedState(run=run.copy())
        for event in numbered(after):
            state.apply(event, strict=True)
        report = state.report(is_over=True)
        assert report is not None
        assert "connection-lost" in {finding.rule for finding in report.findings}

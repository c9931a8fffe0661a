"""The readings behind the Sound view: what is read once, what is read again, and when they stop."""

from __future__ import annotations

import pytest

from inspector.engine.session_bench import SessionBench, SessionVadLab
from tests.detected import talk
from tests.linted_sound import append
from tests.support import logged


@pytest.fixture(autouse=True)
def by_loudness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every machine listen with the same detectors."""
    monkeypatch.setattr(
        "inspector.sources.speech.detectors.installed_detectors", lambda: ["energy"]
    )


def never() -> bool:
    return False


def test_a_log_that_grows_is_read_on_and_at_rest_nothing_is_due() -> None:
    log = logged(talk())
    bench, lab = SessionBench(log), SessionVadLab(log)
    for reading in (bench, lab):
        assert reading.is_due
        reading.compute(never)
        assert (reading.is_due, reading.progress) == (False, 1.0)
    more = logged([append(bytes(1536))])
    log.append(more.read(0), 0, 0)

    assert bench.is_due
    assert lab.is_due
    assert bench.report is not None
    assert bench.report.microphone.figures["events"].value == 22
    assert lab.lab is not None
    assert lab.lab.agreement.agreed == 1


def test_what_is_cancelled_publishes_nothing_and_goes_on_later() -> None:
    log = logged(talk())
    bench = SessionBench(log)
    bench.compute(lambda: True)
    assert (bench.report, bench.progress) == (None, 0.0)
    bench.compute(never)

    assert bench.revision == 1


def test_nothing_is_read_before_the_log_is_whole() -> None:
    assert not SessionBench(logged(talk()), lambda: False).is_due


def test_another_detector_listens_anew() -> None:
    lab = SessionVadLab(logged(talk()))
    lab.compute(never)
    assert lab.next_detector() == "energy"

    assert (lab.lab, lab.revision, lab.is_due) == (None, 0, True)

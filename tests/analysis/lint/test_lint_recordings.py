"""What the rules say about sessions of real apps, and about sessions rebuilt from reports of faults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from inspector.analysis.lint.finding import Severity
from tests.linted import linted_file, shared_dir
from tests.support import recordings

TRUE_FINDINGS: Mapping[str, tuple[str, ...]] = {
    # Its session names a transcriber for which the resource has no deployment.
    "azure-vad-transcription-failed": ("transcription-failed",),
}
"""By recording the errors and warnings of the corpus, all of which are true."""
NO_SESSIONS = frozenset({"openapi-spec-examples"})
"""Files that hold an example of each event type, errors among them, and no session."""
FIRST_FINDINGS: Mapping[str, str] = {
    "a01": "input-rate",
    "a03": "update-omits",
    "a04": "echo-loop",
    "a05": "truncate-beyond",
    "a06": "active-response-collision",
    "a08": "tool-result-unspoken",
    "a09": "transcript-order",
    "a10": "audio-backlog",
    "a11": "cache-broken",
    "a13-1": "connection-lost",
    "a13-2": "never-configured",
    "a14": "bad-frame",
    "a16": "failed-answer-hidden",
    "a17": "tool-output-shape",
    "a18": "nobody-asked",
    "a20": "closed-by-whom",
    "a19": "context-trimmed",
    "a21": "create-before-commit",
    "a23": "request-refused",
    "cut-max": "failed-answer-hidden",
    "noanswer-quota": "failed-answer-hidden",
    "noanswer-stalled": "answer-stalled",
    "slow3": "slow-turn",
    "tool-a": "tool-call-unanswered",
    "update-beta": "update-void",
}
"""By rebuilt session the rule that names its cause, which is the first finding."""


@pytest.mark.parametrize(
    "path",
    [path for path in recordings() if path.stem not in NO_SESSIONS],
    ids=lambda path: path.stem,
)
def test_a_session_of_a_real_app_gets_no_error_or_warning_that_is_not_true(path: Path) -> None:
    report = linted_file(path)

    bad = [
        one.rule for one in report.findings if one.severity in (Severity.ERROR, Severity.WARNING)
    ]
    assert tuple(bad) == TRUE_FINDINGS.get(path.stem, ())


@pytest.mark.parametrize("name", FIRST_FINDINGS)
def test_the_first_finding_of_a_rebuilt_session_names_its_cause(name: str) -> None:
    folder = shared_dir("cases")
    if folder is None:
        pytest.skip("the rebuilt sessions are not beside this checkout")
    report = linted_file(folder / "recordings" / f"{name}.jsonl")

    assert report.findings[0].rule == FIRST_FINDINGS[name]

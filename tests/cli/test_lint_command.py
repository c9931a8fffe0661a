"""``inspector lint``: its forms, its choice of rules, its exit status, and files that are none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_run import lint
from inspector.cli.lint_baseline import known_as, read_baseline, write_baseline
from inspector.cli.linted_recording import lint_file
from inspector.muted_rules import MutedRules, MuteScope
from inspector.recording.format import Header, render, render_header
from tests.cli.conftest import Run
from tests.cli.far_end import objects
from tests.linted import began, called, created, done, error, later, result, said
from tests.support import client, local, numbered, recording, server

HEADER = Header(started_at="2026-11-27T10:00:00.000000Z", source="live")


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """A session in which a tool's result is never spoken."""
    events = numbered([*began(), *called(), result(), later(5000)])
    path = tmp_path / "silent.jsonl"
    path.write_bytes(render_header(HEADER) + b"".join(map(render, events)))
    return path


def test_the_text_names_rule_event_time_cause_and_fix(inspector: Run, silent: Path) -> None:
    outcome = inspector("lint", silent)
    rows = outcome.out.decode().splitlines()

    assert outcome.status == 1
    assert rows[:4] == [
        f"{silent}: 1 error",
        "  error tool-result-unspoken: a tool's result was never spoken",
        "    #8  0.080 s  the result of search_film was never spoken: no response.create followed in 4.9 s",
        '      fix: {"type": "response.create"}',
    ]


def test_json_and_the_stream_say_the_same(inspector: Run, silent: Path) -> None:
    whole = json.loads(inspector("lint", silent, "--json").out)
    [row] = objects(inspector("lint", silent, "--jsonl").out)
    [found] = whole["recordings"][0]["findings"]

    assert whole["schema"] == row["schema"] == 1
    assert {**found, "schema": 1, "recording": str(silent)} == row
    assert (found["rule"], found["seq"], found["line"], found["t"]) == (
        "tool-result-unspoken",
        [8],
        9,
        0.08,
    )
    assert whole["rules"]["tool-result-unspoken"]["links"]


def test_sarif_points_at_the_line_of_the_event(inspector: Run, silent: Path) -> None:
    document = json.loads(inspector("lint", silent, "--sarif").out)
    [run] = document["runs"]
    [found] = run["results"]
    rules = run["tool"]["driver"]["rules"]

    assert document["version"] == "2.1.0"
    assert rules[found["ruleIndex"]]["id"] == found["ruleId"] == "tool-result-unspoken"
    assert found["level"] == "error"
    assert found["locations"][0]["physicalLocation"]["region"] == {"startLine": 9}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A session with an error, a warning, a note and what is harmless."""
    too_late = error("response_cancel_not_active", "Cancellation failed: no active response found")
    cut = {"type": "incomplete", "reason": "max_output_tokens"}
    events = [
        *began(),
        created(),
        done(status="incomplete", status_details=cut),
        client("response.cancel"),
        too_late,
        *said("Hello\nthere"),
        later(5000),
    ]
    path = tmp_path / "many ü.jsonl"
    path.write_bytes(render_header(HEADER) + b"".join(map(render, numbered(events))))
    return path


def test_sarif_has_no_level_for_what_is_harmless(inspector: Run, many: Path) -> None:
    [run] = json.loads(inspector("lint", many, "--sarif").out)["runs"]

    assert {(found["kind"], found["level"]) for found in run["results"]} == {
        ("fail", "error"),
        ("fail", "warning"),
        ("informational", "none"),  # the specification allows no other level for it
    }


def test_sarif_is_valid_by_the_schema_of_its_standard(
    inspector: Run, silent: Path, many: Path
) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="it is an extra of developers")
    path = os.environ.get("SARIF_SCHEMA")
    if not path:
        pytest.skip("SARIF_SCHEMA does not name sarif-schema-2.1.0.json, which is OASIS's to ship")
    schema = json.loads(Path(path).read_bytes())
    document = json.loads(inspector("lint", silent, many, "--sarif").out)
    kind = jsonschema.validators.validator_for(schema)

    found = kind(schema, format_checker=kind.FORMAT_CHECKER).iter_errors(document)
    assert [(list(one.path), one.message) for one in found] == []


def test_junit_has_a_case_per_rule(inspector: Run, silent: Path) -> None:
    root = ET.fromstring(inspector("lint", silent, "--junit").out)
    [suite] = root
    failed = [case.get("name") for case in suite if case.find("failure") is not None]

    assert failed == ["tool-result-unspoken"]
    assert suite.get("failures") == "1"
    assert int(suite.get("tests", "0")) == len(list(suite))


def test_lines_are_those_of_the_file_even_with_blank_ones(tmp_path: Path) -> None:
    events = numbered([*began(), *said(), later(5000)])
    path = tmp_path / "blank.jsonl"
    path.write_bytes(render_header(HEADER) + b"\n\n".join(map(render, events)))
    [placed] = lint_file(str(path)).placed

    assert placed.finding.seqs == (3,)
    assert b"conversation.item.create" in path.read_bytes().splitlines()[placed.line - 1]


def test_rules_can_be_chosen_and_ignored(inspector: Run, silent: Path) -> None:
    ignored = inspector("lint", silent, "--ignore", "tool-result-unspoken")
    chosen = inspector("lint", silent, "--rule", "nobody-asked")

    assert (ignored.status, chosen.status) == (0, 0)
    assert f"{silent}: nothing found" in ignored.out.decode()


def test_the_exit_status_follows_the_limit(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "note.jsonl"
    events = numbered([*began(), *said(), *called("hang_up"), later(500)])
    path.write_bytes(render_header(HEADER) + b"".join(map(render, events)))

    assert inspector("lint", path).status == 0
    assert inspector("lint", path, "--fail-on", "note").status == 1


def test_a_rule_explains_itself(inspector: Run) -> None:
    outcome = inspector("lint", "--explain", "tool-result-unspoken")

    assert outcome.status == 0
    assert outcome.out.startswith(b"tool-result-unspoken: a tool's result was never spoken\n")


@pytest.mark.parametrize(
    "arguments",
    [["--rule", "nonsense", "x"], ["--explain", "nonsense"], ["--json", "--sarif", "x"], [], ["x", "--fail-on", "much"]],
    ids=lambda arguments: " ".join(arguments) or "none",
)  # fmt: skip
def test_wrong_arguments_are_usage_errors(inspector: Run, arguments: list[str]) -> None:
    assert inspector("lint", *arguments).status == 2


def test_a_file_that_is_no_recording_is_reported_and_the_others_are_read(
    inspector: Run, silent: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("hello\n")
    outcome = inspector("lint", bad, silent)

    assert outcome.status == 4
    assert b"tool-result-unspoken" in outcome.out


def test_a_foreign_file_is_read_from_stdin(program: Run) -> None:
    data = recording("openai-tool-call-round").read_bytes()
    outcome = program("lint", "-", stdin=data)

    assert outcome.status == 0
    assert outcome.out.startswith(b"-: nothing found\n  not judged: the recording has no times")


def test_a_reconnect_in_the_next_file_that_forgot_its_settings_is_seen(
    inspector: Run, tmp_path: Path
) -> None:
    lost = local("inspector.closed", code=1006, by="network")
    update = client("session.update", session={"type": "realtime", "instructions": "x"})
    own = "Your knowledge cutoff is 2023-10. You are helpful."
    first = numbered([*began(), update, *said(), lost])
    second = numbered(
        [*began(id="sess_2", instructions=own), client("response.create"), created(), done()]
    )
    files = []
    for number, (seconds, events) in enumerate((("00", first), ("09", second))):
        header = Header(started_at=f"2026-11-27T10:00:{seconds}.000000Z", source="proxy")
        files.append(tmp_path / f"{number}.jsonl")
        files[-1].write_bytes(render_header(header) + b"".join(map(render, events)))
    together = inspector("lint", *files).out.decode()
    alone = inspector("lint", files[1]).out.decode()

    assert "The connection before had one, and 1 item of the app's" in together
    assert "1 item of the conversation on the connection that was lost was not put back" in together
    assert "connection before" not in alone


def test_a_baseline_leaves_only_what_is_new(inspector: Run, silent: Path, tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    written = inspector("lint", silent, "--write-baseline", known)
    again = inspector("lint", silent, "--baseline", known)
    other = tmp_path / "other.jsonl"
    events = numbered([*began(), *said(), later(9000)])
    other.write_bytes(render_header(HEADER) + b"".join(map(render, events)))
    new = inspector("lint", other, silent, "--baseline", known)

    assert (written.status, again.status, new.status) == (0, 0, 1)
    assert f"{silent}: nothing found" in again.out.decode()
    assert "nobody-asked" in new.out.decode()
    assert "tool-result-unspoken" not in new.out.decode()


def test_a_finding_is_known_whatever_its_numbers(tmp_path: Path) -> None:
    def found(text: str) -> Finding:
        return Finding("answer-stalled", Severity.WARNING, (1,), text)

    one = found("resp_aB1 began at 3.182 s and has produced nothing for 4.8 s")
    other = found("resp_Xy9 began at 0.031 s and has produced nothing for 12.0 s")
    write_baseline(tmp_path / "known.json", [one])

    assert known_as(other) in read_baseline(tmp_path / "known.json")
    assert known_as(found("another text")) not in read_baseline(tmp_path / "known.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 9}'])
def test_a_file_that_is_no_baseline_is_a_usage_error(
    inspector: Run, silent: Path, tmp_path: Path, text: str
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(text)

    assert inspector("lint", silent, "--baseline", bad).status == 2
    assert inspector("lint", silent, "--baseline", tmp_path / "none.json").status == 2


def test_a_headless_session_ends_with_its_findings(inspector: Run, tmp_path: Path) -> None:
    wanted = tmp_path / "session.json"
    wanted.write_text('{"type": "realtime", "voice": "marin", "instructions": "Be brief."}')
    run = ("sim", "--headless", "--jsonl", "--until", "error", "-o", tmp_path / "try.jsonl")
    outcome = inspector(*run, "--session", wanted, "--lint")

    assert outcome.status == 1
    assert "error update-void: a session.update had no effect" in outcome.err
    assert b"update-void" not in outcome.out
    assert inspector("sim", "--lint").status == 2


def test_text_deltas_need_not_be_read(tmp_path: Path) -> None:
    head = {"response_id": "resp_1", "item_id": "item_a", "output_index": 0, "content_index": 0}
    deltas = [server("response.output_text.delta", **head, delta=f"word{n} ") for n in range(40)]
    events = numbered(
        [*began(), *said(), created(), *deltas, done(), later(9000), *said(), later(20_000)]
    )
    path = tmp_path / "text.jsonl"
    path.write_bytes(render_header(HEADER) + b"".join(map(render, events)))
    found = lint_file(str(path)).report

    assert found == lint(events)
    assert [one.rule for one in found.findings] == ["nobody-asked"]


def test_muted_rules_are_left_out_only_if_asked(inspector: Run, silent: Path) -> None:
    muted = MutedRules(silent.parent)
    muted.toggle("tool-result-unspoken", MuteScope.FOLDER)

    assert inspector("lint", silent).status == 1
    outcome = inspector("lint", silent, "--muted")
    assert outcome.status == 0
    assert b"tool-result-unspoken" not in outcome.out
    muted.path.write_text("everywhere = 1")
    outcome = inspector("lint", silent, "--muted")
    assert outcome.status == 2
    assert "cannot read" in outcome.err

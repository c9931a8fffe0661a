"""``inspector cat``: rows, verbatim forms, filters, and files that are not recordings."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from inspector.recording.format import Header, render_header
from tests.billed import clock_in_the_instructions, write_recording
from tests.cli.conftest import FRAMES, Run
from tests.cli.far_end import objects
from tests.linted import colliding_requests


def test_cat_prints_aligned_sanitized_rows(inspector: Run, recording: Path) -> None:
    outcome = inspector("cat", recording)
    rows = outcome.out.decode().splitlines()

    assert outcome.status == 0
    assert len(rows) == len(FRAMES)
    assert [row[:10].strip() for row in rows] == ["0.500", "1.500", "2.500", "3.500"]
    assert "→ response.create" in rows[1]
    assert "!← error" in rows[3]
    assert "boom" in rows[3]
    assert "\\x1b" in rows[2]
    assert not any(
        ord(character) < 32 or 127 <= ord(character) < 160 for row in rows for character in row
    )


def test_cat_forms_keep_the_frames_verbatim(inspector: Run, recording: Path) -> None:
    raw = inspector("cat", recording, "--raw").out.decode().splitlines()
    stream = inspector("cat", recording, "--jsonl").out.splitlines()
    whole = json.loads(inspector("cat", recording, "--json").out)

    assert raw == [event for _, _, event in FRAMES]
    assert stream == [
        b'{"schema":1,' + line[1:] for line in recording.read_bytes().splitlines()[1:]
    ]
    assert whole["schema"] == 1
    assert [event["type"] for event in whole["events"]] == [name for _, name, _ in FRAMES]


def test_cat_reports_an_incomplete_line_and_inferred_directions(
    inspector: Run, recording: Path, tmp_path: Path
) -> None:
    with recording.open("a") as file:
        file.write('{"seq":5,"t":')
    bare = tmp_path / "bare.jsonl"
    bare.write_text('{"type":"session.update"}\n')

    assert "incomplete" in inspector("cat", recording).err
    assert "inferred" in inspector("cat", bare).err


def test_cat_rejects_files_that_are_not_recordings(inspector: Run, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("hello\n")
    for path in (tmp_path / "x.jsonl", tmp_path, tmp_path / "none"):
        assert inspector("cat", path).status == 4


@pytest.mark.parametrize(
    ("options", "types"),
    [
        (["--no-deltas"], ["session.created", "response.create", "error"]),
        (["--filter", "dir:client"], ["response.create"]),
        (["--filter", "err"], ["error"]),
        (["--filter", "type:response.* !type:*.delta"], ["response.create"]),
        (["--filter", "t>2"], ["response.output_text.delta", "error"]),
        (["--filter", "dt>5"], []),
    ],
)
def test_cat_filters(options: list[str], types: list[str], inspector: Run, recording: Path) -> None:
    outcome = inspector("cat", recording, "--jsonl", *options)

    assert [event["type"] for event in objects(outcome.out)] == types


def test_a_filter_that_does_not_parse_is_status_2(inspector: Run, recording: Path) -> None:
    outcome = inspector("cat", recording, "--jsonl", "--filter", "type:x t>y")

    assert outcome.status == 2
    error = json.loads(outcome.err)["error"]
    assert error["code"] == "bad_filter"
    assert "at character 10: t: 'y' is not a number" in error["message"]


def lines_of(*events: tuple[str, dict[str, object]]) -> str:
    """Return tagged lines."""
    tagged = [{"dir": direction, "event": event} for direction, event in events]
    return "".join(f"{json.dumps(line)}\n" for line in tagged)


REFUSED = lines_of(
    ("client", {"type": "session.update", "session": {"voice": "x"}}),
    ("client", {"type": "response.create"}),
    ("server", {"type": "error", "error": {"code": "unknown_parameter", "param": "session.voice"}}),
)


def test_cat_links_an_error_to_the_rejected_event(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(REFUSED)
    rows = inspector("cat", path).out.decode().splitlines()
    stream = objects(inspector("cat", path, "--jsonl").out)
    whole = json.loads(inspector("cat", path, "--json").out)

    assert "(probably rejected by #3: unknown_parameter)" in rows[0]
    assert "refused" not in rows[1]
    assert "(probably caused by #1)" in rows[2]
    by = {"seq": 3, "confidence": "likely", "code": "unknown_parameter"}
    of = {"seq": 1, "confidence": "likely"}
    for events in (stream, whole["events"]):
        assert [event.get("refused_by") for event in events] == [by, None, None]
        assert [event.get("caused_by") for event in events] == [None, None, of]


def test_cat_names_the_response_in_progress(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    words = "Conversation already has an active response in progress: resp_X. Wait."
    error = {"code": "conversation_already_has_active_response", "message": words}
    create: tuple[str, dict[str, object]] = ("client", {"type": "response.create"})
    path.write_text(lines_of(create, create, ("server", {"type": "error", "error": error})))
    (last,) = objects(inspector("cat", path, "--jsonl", "--filter", "type:error").out)

    assert last["caused_by"] == {"seq": 2, "confidence": "likely", "running": "resp_X"}


def test_a_stream_with_rejections_opens_as_a_recording(inspector: Run, tmp_path: Path) -> None:
    path, copy = tmp_path / "r.jsonl", tmp_path / "copy.jsonl"
    path.write_text(REFUSED)
    copy.write_bytes(inspector("cat", path, "--jsonl").out)

    assert inspector("cat", copy).out == inspector("cat", path).out


def test_cat_names_the_dialect_with_its_proof(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(lines_of(("server", {"type": "session.created", "session": {"avatar": None}})))
    whole = json.loads(inspector("cat", path, "--json").out)

    assert whole["dialect"] == {
        "name": "voice-live",
        "title": "Azure Voice Live",
        "proof": "the session in session.created has avatar",
        "seq": 1,
    }


def test_rows_of_another_protocol_show_their_first_key(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(lines_of(("client", {"setup": {"model": "m"}}), ("server", {"a\x1b": 1})))
    rows = inspector("cat", path).out.decode().splitlines()

    assert "→ {setup} " in rows[0]
    assert rows[0].endswith(" model")
    assert "← {a\\x1b}" in rows[1]
    assert json.loads(inspector("cat", path, "--json").out)["dialect"]["name"] == "gemini-live"


def test_errors_are_never_omitted(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(REFUSED)

    assert b" error " in inspector("cat", path, "--no-deltas").out


HOSTILE = "\x7f\x9b31m\x90q\x9c\u202eevil\u2066\u200b\ufeff\u2028\xad\U000e0041e" + "\u0301" * 200


@pytest.mark.parametrize("form", ["--json", "--jsonl", "--raw", ""])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_gets_sanitized_text_and_a_pipe_verbatim_frames(
    inspector: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, is_terminal: bool
) -> None:
    file = tmp_path / "hostile.jsonl"
    frame = json.dumps({"type": HOSTILE, "event_id": HOSTILE}, ensure_ascii=False).encode()
    line = b'{"seq":1,"t":0.000000,"dir":"server","origin":"wire","type":%b,"event":%b}\n'
    name = json.dumps(HOSTILE, ensure_ascii=False).encode()
    header = render_header(Header("2026-11-20T23:12:00.000000Z", "sim", HOSTILE, HOSTILE))
    file.write_bytes(header + line % (name, frame))
    for module in ("printing", "listing"):
        monkeypatch.setattr(f"inspector.cli.{module}.to_terminal", lambda: is_terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    shown = inspector("cat", file, *([form] if form else [])).out.decode()

    if is_terminal or not form:
        kinds = [unicodedata.category(character) for character in shown if character != "\n"]
        assert not {"Cc", "Cf", "Zl", "Zp"}.intersection(kinds)
        assert "\u0301" * 8 in shown
        assert "\u0301" * 9 not in shown
    else:
        assert HOSTILE in shown
    if form in ("--json", "--jsonl"):
        told = json.loads(shown)
        event = told["events"][0] if form == "--json" else told
        assert event["event"]["event_id"] == HOSTILE
        assert told.get("recording", {}).get("model", HOSTILE) == HOSTILE


UNTIMED = '{"dir":"client","event":{"type":"response.create"}}\n{"dir":"server","event":{"type":"ping"}}\n'


def test_cat_shows_no_times_for_files_without_times(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "untimed.jsonl"
    path.write_text(UNTIMED)
    rows = inspector("cat", path).out.decode().splitlines()
    stream = [json.loads(line) for line in inspector("cat", path, "--jsonl").out.splitlines()]
    whole = json.loads(inspector("cat", path, "--json").out)

    assert [row.split()[:3] for row in rows] == [
        ["#1", "→", "response.create"],
        ["#2", "←", "ping"],
    ]
    assert [row.index(arrow) for row, arrow in zip(rows, "→←", strict=True)] == [21, 21]
    assert not any("t" in event for event in (*stream, *whole["events"]))
    assert inspector("cat", path, "--filter", "t>=0").out == b""


def test_cat_reports_unreadable_times(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text(
        '{"dir":"client","time":1.5,"event":{"type":"a"}}\n'
        '{"dir":"client","time":"noon","event":{"type":"b"}}\n'
        '{"dir":"client","time":2.5,"event":{"type":"c"}}\n'
    )
    outcome = inspector("cat", path)

    assert [row.split()[0] for row in outcome.out.decode().splitlines()] == ["1.500", "#2", "2.500"]
    assert 'line 2: time "noon" is not a readable time' in outcome.err


def test_what_cat_prints_without_times_reads_the_same(inspector: Run, tmp_path: Path) -> None:
    path, again = tmp_path / "untimed.jsonl", tmp_path / "again.jsonl"
    path.write_text(UNTIMED)
    again.write_bytes(inspector("cat", path, "--jsonl").out)

    assert inspector("cat", again, "--jsonl").out == again.read_bytes()


def test_cat_tells_the_verdict_before_the_rows(inspector: Run, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "lesson.jsonl", clock_in_the_instructions())
    words = (
        "0 of 54,600 input tokens were cached in 14 responses: the instructions changed 13 times"
    )
    whole = json.loads(inspector("cat", path, "--json").out)

    assert inspector("cat", path).err.startswith(f"⚠ {words}")
    first = whole["verdict"][0]
    assert first["words"].startswith(words)
    assert (first["tone"], first["seq"]) == ("warning", 9)
    assert inspector("cat", path, "--raw").err == ""
    assert inspector("cat", path, "--jsonl").err == ""


def test_cat_has_no_verdict_on_nothing(inspector: Run, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "empty.jsonl", [])

    assert inspector("cat", path).err == ""
    assert json.loads(inspector("cat", path, "--json").out)["verdict"] == []


def test_cat_finds_events_by_what_they_prove(inspector: Run, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "call.jsonl", colliding_requests())
    lint = objects(inspector("lint", path, "--rule", "active-response-collision", "--jsonl").out)
    proved = {seq for finding in lint for seq in finding["seq"]}

    outcome = inspector("cat", path, "--filter", "rule:active-*", "--jsonl")
    assert {event["seq"] for event in objects(outcome.out)} == proved
    outcome = inspector("cat", path, "--filter", "rule:active")
    assert outcome.status == 2
    assert "no rule is called 'active'" in outcome.err

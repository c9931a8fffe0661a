"""``inspector cost``: its forms, its prices, and files of all dialects."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.analysis.cost_rows import cost_row, summary_object
from inspector.analysis.prices import shipped_prices
from inspector.cli.costing import read_cost, table
from inspector.core.state import SessionState
from inspector.folders import config_file
from inspector.recording.reader import RecordingReader
from tests.billed import (
    DAY,
    HEADER,
    answer,
    clock_in_the_instructions,
    json_of,
    ledger_of,
    session,
    spoken,
    usage,
    write_recording,
)
from tests.cli.conftest import Run
from tests.cli.far_end import objects
from tests.core.test_usage_records import COMPLETED, cut_answer
from tests.support import corpus_dir, numbered, server

CORPUS = corpus_dir()
needs_corpus = pytest.mark.skipif(CORPUS is None, reason="no recorded sessions beside the checkout")


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "lesson.jsonl", clock_in_the_instructions())


def test_a_table_begins_with_what_it_comes_to(inspector: Run, lesson: Path) -> None:
    outcome = inspector("cost", lesson)
    rows = outcome.out.decode().splitlines()

    assert outcome.status == 0
    assert rows[0] == (
        f"{lesson}  gpt-realtime · prices of 2026-11-27 · $1.12 · instructions differ at character 29 "
        "(10:00:07 became 10:01:07), 13 times from #9 on: about $0.75 more · turn 14 costs 5.6× turn 1"
    )
    assert len([row for row in rows if " completed " in row]) == 14
    last = next(row for row in rows if "#99" in row).split()
    assert last[:1] + last[-7:] == ["14", "5,980", "0", "(0%)", "300", "18.7%", "5,660", "$0.14"]
    assert "audio in $0.77" in rows[-3]
    assert "audio out $0.22; $1.12 in total" in rows[-3]
    assert "cached 0 of 54,600 input tokens" in rows[-2]
    assert "the next response: about $0.14" in rows[-1]


def test_one_object_holds_all_recordings(inspector: Run, lesson: Path) -> None:
    whole = json_of(inspector("cost", lesson, lesson, "--json").out)
    first = whole["recordings"][0]

    assert whole["schema"] == 1
    assert whole["total"] == {
        "usd": 2.2344,
        "usd_low": 2.2344,
        "usd_high": 2.2344,
        "currency": "USD",
    }
    assert first["recording"] == str(lesson)
    assert first["summary"]["usd"] == 1.1172
    assert first["summary"]["breaks"][0]["character"] == 29
    assert first["summary"]["growth"]["times"] == pytest.approx(5.606, abs=0.001)
    assert [row["turn"] for row in first["charges"]] == list(range(1, 15))
    assert first["charges"][1]["breaks"][0]["first_difference"] == 33


def test_a_stream_and_cells_have_a_row_a_charge(inspector: Run, lesson: Path) -> None:
    stream = objects(inspector("cost", lesson, "--jsonl").out)
    rows = list(csv.DictReader(inspector("cost", lesson, "--csv").out.decode().splitlines()))

    assert [row["schema"] for row in stream] == [1] * 14
    assert [float(row["usd"]) for row in rows] == [row["usd"] for row in stream]
    assert rows[0]["rebilled_tokens"] == ""
    assert rows[13]["rebilled_tokens"] == "5660"
    assert {row["recording"] for row in rows} == {str(lesson)}


def test_several_recordings_are_added_up(inspector: Run, lesson: Path) -> None:
    rows = inspector("cost", lesson, lesson).out.decode().splitlines()

    assert rows[-1] == "2 recordings: $2.23"


def test_what_no_recording_is_fails_and_the_others_are_told(
    inspector: Run, lesson: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.jsonl").write_text("hello\n")
    outcome = inspector("cost", tmp_path / "x.jsonl", lesson, "--json")

    assert outcome.status == 4
    assert json.loads(outcome.err)["error"]["code"] == "not_a_recording"
    assert len(json_of(outcome.out)["recordings"]) == 1
    assert inspector("cost", tmp_path / "none").status == 4


def test_a_recording_without_use_is_no_failure(inspector: Run, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "r.jsonl", numbered([session()]))
    outcome = inspector("cost", path)
    told = json_of(inspector("cost", path, "--json").out)

    assert outcome.status == 0
    assert "no event reports anything" in outcome.out.decode()
    assert told["total"]["usd"] is None
    assert told["recordings"][0]["summary"]["input_tokens"] is None


def test_a_torn_recording_and_one_of_the_simulator_say_so(inspector: Run, tmp_path: Path) -> None:
    header = HEADER.__class__(started_at=HEADER.started_at, source="sim")
    path = write_recording(tmp_path / "r.jsonl", numbered(answer("a", usage(5))), header)
    with path.open("ab") as file:
        file.write(b'{"seq":3,"t":')
    outcome = inspector("cost", path, path)

    assert "the last line is incomplete" in outcome.err
    assert "recorded with the simulator" in outcome.err
    assert f"note: {path}: " in outcome.err
    assert outcome.status == 0


def test_an_empty_file_costs_nothing(inspector: Run, tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(b"")

    assert inspector("cost", tmp_path / "e.jsonl").status in (0, 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no recording is given"),
        (["f", "--json", "--csv"], "cannot be combined"),
        (["f", "--zone", "mars"], "unknown zone 'mars'"),
        (["-", "-"], "stdin can be read only once"),
        (["--explain", "nonsense"], "nothing is called 'nonsense'"),
    ],
)
def test_what_makes_no_sense_is_status_2(inspector: Run, options: list[str], words: str) -> None:
    outcome = inspector("cost", *options)

    assert outcome.status == 2
    assert words in outcome.err


@pytest.mark.parametrize("form", ["--json", "--jsonl", "--csv", ""])
def test_no_text_of_the_wire_or_of_a_name_breaks_the_output(
    inspector: Run, tmp_path: Path, form: str
) -> None:
    odd = r"\ud800\u001b[31m=1"
    lines = [
        f'{{"type":"session.created","session":{{"model":"{odd}","instructions":"{odd} a"}}}}',
        f'{{"type":"response.created","response":{{"id":"{odd}"}}}}',
        f'{{"type":"response.done","response":{{"id":"{odd}","status":"{odd}","usage":{{"input_tokens":900}}}}}}',
        f'{{"type":"session.updated","session":{{"model":"{odd}","instructions":"{odd} b"}}}}',
        '{"type":"response.created","response":{"id":"b"}}',
        f'{{"type":"response.done","response":{{"id":"b","usage":{json.dumps(usage(900))}}}}}',
    ]
    path = tmp_path / "r.jsonl"
    path.write_text("".join(f'{{"dir":"server","event":{line}}}\n' for line in lines))
    outcome = inspector("cost", path, *([form] if form else []))

    assert outcome.status == 0
    assert b"\x1b" not in outcome.out


# ── what a number means ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_definition_needs_no_file(inspector: Run) -> None:
    outcome = inspector("cost", "--explain", "rebilled")
    told = json_of(inspector("cost", "--explain", "rebilled", "--json").out)

    assert outcome.out.decode().startswith("rebilled: Of the input, ")
    assert told["definition"].startswith("Of the input, ")


@pytest.mark.parametrize("name", ["resp_1", "#8", "8", "turn:1"])
def test_the_formula_of_a_response_has_its_numbers(inspector: Run, lesson: Path, name: str) -> None:
    rows = inspector("cost", lesson, "--explain", name).out.decode().splitlines()

    assert rows == [
        f"{lesson} #8 resp_1: gpt-realtime",
        "  text in       1,800 tokens × $4 / 1M = $0.0072",
        "  audio in      20 tokens × $32 / 1M = $0.00064",
        "  text out      60 tokens × $16 / 1M = $0.00096",
        "  audio out     240 tokens × $64 / 1M = $0.01536",
        "  sum           $0.02416",
        "  source        https://developers.openai.com/api/docs/models/gpt-realtime",
    ]


def test_the_formula_of_all_comes_with_the_definition(inspector: Run, lesson: Path) -> None:
    text = inspector("cost", lesson, "--explain", "cost").out.decode()
    told = json_of(inspector("cost", lesson, "--explain", "cost", "--json").out)

    assert text.startswith("cost: Σ by modality")
    assert text.count("  sum  ") == 14
    assert len(told["charges"]) == 14


def test_a_formula_says_what_was_assumed(inspector: Run, tmp_path: Path) -> None:
    used = {"input_tokens": 10, "output_tokens": 5}
    events = numbered([session(model="gpt-realtime-2026-12-01"), *answer("a", used)])
    path = write_recording(tmp_path / "r.jsonl", events)
    text = inspector("cost", path, "--explain", "a").out.decode()

    assert "priced as gpt-realtime" in text
    assert "  sum           between $0.000084 and $0.00064" in text
    assert "  note          input_token_details is missing" in text


# ── prices ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_prices(text: str) -> Path:
    path = config_file().with_name("prices.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_users_prices_count(inspector: Run, lesson: Path) -> None:
    write_prices('[[price]]\nmodel = "gpt-realtime"\naudio_in = 1\ntext_in = 0\ntext_out = 0\n')
    told = json_of(inspector("cost", lesson, "--json").out)["recordings"][0]["summary"]

    # 23,940 × 1; audio that comes out has no price
    assert (told["usd"], told["usd_low"]) == (None, 0.02394)
    assert told["reasons"] == {"gpt-realtime has no price for audio out": 14}


def test_the_rules_about_cost_use_the_users_prices(inspector: Run, lesson: Path) -> None:
    chosen = ("--rule", "cache-broken", "--jsonl")
    [before] = objects(inspector("lint", lesson, *chosen).out)
    write_prices(
        '[[price]]\nmodel = "gpt-realtime"\naudio_in = 320\naudio_cached = 4\ntext_in = 40\ntext_cached = 4\n'
        "text_out = 160\naudio_out = 640\n"
    )
    [after] = objects(inspector("lint", lesson, *chosen).out)

    # ten times the list price, and so is what was billed again
    assert before["text"].endswith("billed in full again, about $0.75")
    assert after["text"].endswith("billed in full again, about $7.50")


@pytest.mark.parametrize("text", ["[[price]]\n", "\udcff"])
def test_a_bad_file_of_prices_is_named(inspector: Run, lesson: Path, text: str) -> None:
    path = write_prices("")
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    outcome = inspector("cost", lesson, "--json")

    assert outcome.status == 2
    error = json.loads(outcome.err)["error"]
    assert error["code"] == "bad_prices"
    assert str(path) in error["message"]


def test_a_zone_and_a_deployments_model_can_be_told(inspector: Run, tmp_path: Path) -> None:
    used = answer("a", usage(1000))
    azure = server("response.content_part.added", content=None, part={})
    path = write_recording(tmp_path / "r.jsonl", numbered([session(model="dep"), azure, *used]))
    options = ("--zone", "eu", "--price-as", "gpt-realtime", "--json")

    assert json_of(inspector("cost", path, "--json").out)["total"]["usd"] is None
    assert json_of(inspector("cost", path, *options).out)["total"]["usd"] == 0.0044


# ── the same, however it is read ───────────────────────────────────────────────────────────────────────────────────────


def test_headless_says_what_the_session_says(tmp_path: Path) -> None:
    audio = {"input": {"transcription": {"model": "whisper-1"}}}
    events = numbered(
        [
            session(audio=audio),
            *spoken("u"),
            server(COMPLETED, item_id="u", usage={"type": "duration", "seconds": 2}),
            *answer("r", usage(100, 20, 5, 9)),
            *cut_answer("a", "x"),
        ]
    )
    path = write_recording(tmp_path / "r.jsonl", events)
    found = read_cost(path, shipped_prices(), "", "")
    state = SessionState()
    for event in events:
        state.apply(event, strict=True)
    live = ledger_of(state)

    assert [cost_row(line) for line in found.ledger.lines] == [
        cost_row(line) for line in live.lines
    ]
    assert summary_object(found.summary, unit="") == summary_object(
        live.summary(state.usage), unit=""
    )
    assert [found.turn_of(line.record) for line in found.ledger.lines] == [1, 1, 1]


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=30), st.integers(0, 20_000))  # fmt: skip
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_recording_is_priced_as_far_as_it_goes(
    lesson: Path, changes: list[tuple[int, int]], end: int
) -> None:
    whole = bytearray(write_recording(lesson, clock_in_the_instructions()).read_bytes())
    first = whole.index(b"\n") + 1
    for at, value in changes:
        whole[first + at % (len(whole) - first)] = value
    lesson.write_bytes(whole[: max(first, len(whole) - end)])
    found = read_cost(lesson, shipped_prices(), "", "")

    assert not [note for note in found.notes if "gave up" in note]
    for line in found.ledger.lines:
        money = line.charge.money
        assert money is None or money.high is None or 0 <= money.low <= money.high + 1e-9
    assert list(table(found))


HAND: dict[str, float] = {
    # 63 × 4 + 22 × 16; 32 × 4 + 64 × 0.40 + 13 × 16
    "azure-tool-call-round": 0.000604 + 0.0003616,
    # 14 × 4 + 26 × 32 + 28 × 16 + 80 × 64
    "azure-vad-transcription-failed": 0.006456,
    # 23 × 0.60 + 44 × 2.40 + 16 × 20; 89 × 0.60 + 51 × 10 + 54 × 2.40 + 60 × 20; nothing transcribed
    "openai-idle-timeout-timed": 0.0004394 + 0.001893,
    # 111 × 5 + 18 × 20 + 37 × 80; 11 × 5 + 128 × 2.50 + 48 × 40 + 24 × 20 + 55 × 80; 53 × 5 + 192 × 2.50 + 50 × 40 + 40 × 20 + 117 × 80
    "beta-semantic-kernel": 0.003875 + 0.007175 + 0.012905,
    # one text message; 1 s of sound
    "xai-text-in-audio-out": 0.004 + 0.08 / 60,
    # 18 s
    "live-fork-then-close-timed": 0.015,
}


@needs_corpus
@pytest.mark.parametrize("name", HAND)
def test_recorded_sessions_cost_what_was_worked_out_by_hand(name: str) -> None:
    found = read_cost((CORPUS or Path()) / f"{name}.jsonl", shipped_prices(), "", "")

    assert found.summary.total is not None
    assert found.summary.total.exact == pytest.approx(HAND[name], abs=1e-10)


CASES: dict[str, Any] = {
    # 42 × 4 + 24 × 32 + 24 × 16 + 125 × 64; 28 × 4 + 42 × 0.40 + 153 × 32 + 22 × 0.40 + 24 × 16 + 125 × 64;
    # 28 × 4 + 70 × 0.40 + 202 × 32 + 122 × 0.40 + 22 × 16 + 66 × 64
    "slow3": 0.00932 + 0.0134176 + 0.0112288,
    # text in 2,800 × 4, out 160 × 16; sound in 4,800 × 32, out 600 × 64
    "a10": 0.0112 + 0.00256 + 0.1536 + 0.0384,
    "a11": 1.1172,
}


@needs_corpus
@pytest.mark.parametrize("name", CASES)
def test_cases_cost_what_was_worked_out_by_hand(name: str) -> None:
    path = (CORPUS or Path()).parent / "cases" / "recordings" / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("no cases beside the recorded sessions")
    found = read_cost(path, shipped_prices(), "", "")

    assert found.summary.total is not None
    assert found.summary.total.exact == pytest.approx(CASES[name], abs=1e-10)


@needs_corpus
def test_every_recorded_session_costs_the_same_live_and_headless() -> None:
    for path in sorted((CORPUS or Path()).glob("*.jsonl")):
        found = read_cost(path, shipped_prices(), "", "")
        reader, state = RecordingReader(path), SessionState()
        for event in reader.events():
            state.apply(event, strict=True)
        day = found.ledger.day
        live = ledger_of(state, day=day, model=reader.header.model)
        reader.close()

        assert [cost_row(line) for line in found.ledger.lines] == [
            cost_row(line) for line in live.lines
        ], path.stem
        assert found.summary.total == live.total
        assert (day or DAY) <= DAY

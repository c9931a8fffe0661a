"""Rules about the calendar, each with a session that triggers it and a near miss."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from inspector.analysis.lint import calendar_rules
from inspector.analysis.lint.calendar_rules import (
    ConnectorIdDeprecated,
    ModelRetires,
    PromptObjectRetired,
    TranscriberRetires,
)
from inspector.analysis.lint.finding import Severity
from inspector.analysis.lint.shutdowns import day_of, shutdowns
from inspector.analysis.prices import shipped_prices
from inspector.core.event import Event
from tests.linted import OPENED, began, findings_of, session
from tests.support import client, local, server


def on(day: str, **members: Any) -> list[Event]:
    """Return the beginning of a session of gpt-realtime, or of what the members say, on a day."""
    expires_at = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    return began(**{"model": "gpt-realtime", "expires_at": expires_at, **members})


@pytest.mark.parametrize(
    ("day", "severity", "words"),
    [
        ("2026-11-27", Severity.NOTE, "gpt-realtime ends on 2027-01-20, 54 days after this session"),
        ("2027-01-19", Severity.WARNING, "gpt-realtime ends on 2027-01-20, 1 day after this session"),
        ("2027-01-20", Severity.ERROR, "gpt-realtime ended on 2027-01-20, before this session"),
    ],
)  # fmt: skip
def test_a_model_that_ends_is_graver_the_nearer_its_end(
    day: str, severity: Severity, words: str
) -> None:
    [found] = findings_of(ModelRetires, on(day))

    assert (found.severity, found.text) == (severity, words)
    assert found.fix == "connect with ?model=gpt-realtime-2.1"


def test_a_model_that_stays_or_ends_in_a_year_is_not_mentioned() -> None:
    assert findings_of(ModelRetires, on("2026-11-27", model="gpt-realtime-2.1")) == []
    assert findings_of(ModelRetires, on("2025-11-27")) == []
    assert findings_of(ModelRetires, on("2026-10-21")) == []
    assert len(findings_of(ModelRetires, on("2026-10-22"))) == 1


def test_the_calendar_is_openais_and_not_azures() -> None:
    opened = local("inspector.opened", url="wss://my.openai.azure.com/openai/v1/realtime?model=x")

    assert findings_of(ModelRetires, [opened, *on("2027-01-10")[1:]]) == []


@pytest.mark.parametrize(
    ("as_of", "count"), [("2026-10-21", 0), ("2026-10-22", 1), ("2027-03-01", 1)]
)
def test_without_a_day_the_day_of_the_table_decides_whether_an_end_is_near(
    as_of: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar_rules, "table_day", lambda: date.fromisoformat(as_of))

    assert len(findings_of(ModelRetires, began(model="gpt-realtime"))) == count


def test_without_a_day_the_date_is_a_note() -> None:
    [found] = findings_of(ModelRetires, began(model="gpt-realtime"))

    assert (found.severity, found.text) == (Severity.NOTE, "gpt-realtime ends on 2027-01-20")


def test_a_transcriber_that_ends_is_found_in_both_shapes() -> None:
    nested = {"input": {"transcription": {"model": "whisper-1"}}}
    flat = {"id": "s", "modalities": ["text"], "input_audio_transcription": {"model": "whisper-1"}}
    expires_at = int(datetime(2026, 12, 27, tzinfo=UTC).timestamp())
    beta = [OPENED, server("session.created", session={**flat, "expires_at": expires_at})]
    [ga] = findings_of(TranscriberRetires, on("2026-12-27", audio=nested))
    [old] = findings_of(TranscriberRetires, beta)

    assert ga.text == "whisper-1 ends on 2027-02-26, 61 days after this session"
    assert '"transcription": {"model": "gpt-transcribe"}' in ga.fix
    assert '"input_audio_transcription": {"model": "gpt-transcribe"}' in old.fix


def test_a_stored_prompt_ends_and_instructions_do_not() -> None:
    ask = client("response.create", response={"prompt": {"id": "pmpt_1"}})
    [found] = findings_of(PromptObjectRetired, [*on("2026-11-27"), ask])

    assert found.severity is Severity.WARNING
    assert "ends on 2026-11-30, 3 days after this session" in found.text
    assert findings_of(PromptObjectRetired, on("2026-11-27", prompt=None)) == []


def test_a_connector_is_deprecated_and_an_address_is_not() -> None:
    def update(**tool: Any) -> Event:
        tools = [{"type": "mcp", "server_label": "mail", **tool}]
        return client("session.update", session={"type": "realtime", "tools": tools})

    [found] = findings_of(ConnectorIdDeprecated, [*began(), update(connector_id="connector_gmail")])

    assert "'mail' is named by connector_id" in found.text
    assert findings_of(ConnectorIdDeprecated, [*began(), update(server_url="https://x")]) == []


def test_the_calendar_agrees_with_the_price_list() -> None:
    ends = {**shutdowns("model"), **shutdowns("transcriber")}
    priced = {row.model: row.shutdown for row in shipped_prices().rows if row.shutdown is not None}

    assert {name: day for name, day in priced.items() if ends[name].day != day} == {}


def test_a_day_out_of_range_is_unknown() -> None:
    assert day_of(0) is day_of(1 << 62) is None
    assert session(expires_at=0)["expires_at"] == 0

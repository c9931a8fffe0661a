"""The tables are complete, consistent, and match the SDK version that they name."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import orjson
import pytest

from inspector.analysis.schema import document
from inspector.analysis.validate import check
from inspector.spec.events import ACCEPTED_BY_SERVER, EVENT_TYPES, Vocabulary
from inspector.spec.templates import TEMPLATES, Template

GENERATOR = Path(__file__).with_name("generate_schema.py")


def test_the_schema_matches_the_installed_sdk() -> None:
    generated: Any = runpy.run_path(str(GENERATOR))

    assert orjson.loads(generated["render"]()) == document()


def test_every_type_of_the_sdk_is_in_the_table() -> None:
    for direction in ("client", "server"):
        for name in document()[direction]:
            assert EVENT_TYPES[name.partition(" ")[0]].direction == direction


def test_the_ga_api_has_eleven_client_and_forty_six_server_events() -> None:
    ga = [row for row in EVENT_TYPES.values() if row.dialect is Vocabulary.GA]

    assert sum(row.direction == "client" for row in ga) == 11
    assert sum(row.direction == "server" for row in ga) == 46


def test_beta_names_map_to_known_event_types() -> None:
    beta = [row for row in EVENT_TYPES.values() if row.dialect is Vocabulary.BETA]

    assert all(row.ga and set(row.ga) <= EVENT_TYPES.keys() for row in beta)


@pytest.mark.parametrize("row", EVENT_TYPES.values(), ids=list(EVENT_TYPES))
def test_a_row_can_be_shown(row: Any) -> None:
    assert 0 < len(row.short) <= 24
    assert row.summary.endswith(".")
    assert not row.is_delta or row.increment


@pytest.mark.parametrize("template", TEMPLATES, ids=[template.name for template in TEMPLATES])
def test_a_template_is_valid_without_edits(template: Template) -> None:
    assert check(dict(template.body)) == []


def test_there_is_a_template_for_every_client_event() -> None:
    types = {str(template.body["type"]) for template in TEMPLATES}

    assert types == {name.partition(" ")[0] for name in document()["client"]}
    assert types >= set(ACCEPTED_BY_SERVER)


def message(role: str, part: dict[str, Any]) -> dict[str, Any]:
    item = {"type": "message", "role": role, "content": [part]}
    return {"type": "conversation.item.create", "item": item}


@pytest.mark.parametrize(
    ("event", "missing"),
    [
        (message("user", {"text": "x"}), "item.content[0].type"),
        (message("user", {"type": "input_text"}), "item.content[0].text"),
        (message("user", {"type": "input_audio"}), "item.content[0].audio"),
        (message("user", {"type": "input_image"}), "item.content[0].image_url"),
        (message("system", {"type": "input_text"}), "item.content[0].text"),
        (message("assistant", {"type": "output_audio", "audio": ""}), "item.content[0].text"),
        (
            {"type": "session.update", "session": {"type": "realtime", "tools": [{"name": "x"}]}},
            "session.tools[0].type",
        ),
        (
            {"type": "response.create", "response": {"tools": [{"type": "function"}]}},
            "response.tools[0].name",
        ),
        (
            {"type": "response.create", "response": {"input": [{"type": "item_reference"}]}},
            "response.input[0].id",
        ),
    ],
)
def test_members_that_the_server_requires_and_the_sdk_does_not_are_required(
    event: dict[str, Any], missing: str
) -> None:
    (problem,) = check(event)

    assert (problem.code, problem.param) == ("missing_required_parameter", missing)


def test_an_item_reference_is_valid_in_a_response_only_and_items_need_no_id() -> None:
    reference = {"type": "item_reference", "id": "item_1"}
    approval = {"type": "mcp_approval_response", "approval_request_id": "r", "approve": True}

    assert check({"type": "response.create", "response": {"input": [reference]}}) == []
    assert check({"type": "conversation.item.create", "item": approval}) == []
    assert check({"type": "conversation.item.create", "item": reference})[0].param == "item.type"

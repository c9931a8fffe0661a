"""The wording of the API for rejected updates, and the field to which each is attributed."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.analysis.form.field_attribution import rejected_field
from inspector.analysis.form.form_field import FormField
from inspector.analysis.form.shapes import shape_named

INVALID_TYPE = "Invalid type for 'session.audio.input."
ENUM = "Supported values are: 'a', 'b', and 'c'."
TURN_DETECTION = "audio.input.turn_detection"


def update(*paths: str) -> list[FormField]:
    fields = shape_named("realtime").by_path()
    return [fields[tuple(path.split("."))] for path in paths]


@pytest.mark.parametrize(
    ("code", "message", "param", "field"),
    [
        (
            "cannot_update_voice",
            "Cannot update a conversation's voice if assistant audio is present.",
            None,
            "audio.output.voice",
        ),
        ("invalid_value", f"Invalid value: 'X'. {ENUM}", "session.tool_choice", "tool_choice"),
        (
            "invalid_value",
            f"Invalid value: 'X'. {ENUM}",
            "session.audio.input.turn_detection.eagerness",
            f"{TURN_DETECTION}.eagerness",
        ),
        (
            "invalid_type",
            f"{INVALID_TYPE}format': expected an object, but got a string instead.",
            "session.audio.input.format",
            "audio.input.format",
        ),
        (
            "invalid_type",
            f"{INVALID_TYPE}turn_detection.create_response': expected boolean, got null",
            None,
            f"{TURN_DETECTION}.create_response",
        ),
        (
            "integer_below_min_value",
            "Invalid 'session.audio.input.format.rate': integer below minimum value. Expected a value >= 24000, but got 16000 instead.",
            "session.audio.input.format.rate",
            "audio.input.format",
        ),
        (
            "missing_required_parameter",
            "Missing required parameter: 'session.tools[0].name'.",
            "session.tools[0].name",
            "tools",
        ),
        (
            "unknown_parameter",
            "Unknown parameter: 'session.tools[0].function'.",
            "session.tools[0].function",
            "tools",
        ),
    ],
)
def test_a_rejection_is_attributed_to_its_field(
    code: str, message: str, param: str | None, field: str
) -> None:
    error: dict[str, Any] = {"code": code, "message": message, "param": param}
    sent = update("audio.output.speed", "audio.output.voice", "tools", "audio.input.format")

    found = rejected_field(error, sent, shape_named("realtime").fields)

    assert found is not None
    assert ".".join(found.path) == field


@pytest.mark.parametrize(
    ("code", "message", "param"),
    [
        ("unknown_parameter", "Unknown parameter: 'session.modalities'.", "session.modalities"),
        (
            "missing_required_parameter",
            "Missing required parameter: 'session.type'.",
            "session.type",
        ),
        (
            None,
            "Passing a transcription session update event to a realtime session is not allowed.",
            None,
        ),
        ("session_expired", "Your session hit the maximum duration of 60 minutes.", None),
    ],
)
def test_a_rejection_of_an_unknown_member_has_no_field(
    code: str | None, message: str, param: str | None
) -> None:
    error: dict[str, Any] = {"code": code, "message": message, "param": param}

    assert (
        rejected_field(error, update("audio.output.speed"), shape_named("realtime").fields) is None
    )

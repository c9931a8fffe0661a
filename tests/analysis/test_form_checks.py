"""Checks of a text before it is sent, by field."""

from __future__ import annotations

import pytest

from inspector.analysis.form.edit_checks import judge
from inspector.analysis.form.shapes import shape_named


@pytest.mark.parametrize(
    ("shape", "path", "text", "words"),
    [
        ("realtime", "", "{", "it will be sent as is"),
        ("realtime", "instructions", "{", "not JSON"),
        ("realtime", "instructions", '"be brief"', ""),
        ("realtime", "instructions", "7", "expected a string"),
        ("realtime", "audio.output.speed", "99", "99"),
        ("realtime", "audio.output.speed", "1.2", ""),
        ("realtime", "tools", "[]", ""),
        ("realtime", "tools", '[{"type": "function"}]', "name"),
        ("realtime", "", '{"type": "session.update", "session": {"type": "realtime"}}', ""),
        ("realtime", "", '{"type": "session.update", "session": {"type": "realtime", "voice": 7}}', "voice"),
        ("realtime", "", '{"type": "session.update"}', "session"),
        ("realtime", "", "7", "object"),
        ("beta", "", '{"type": "session.update", "session": {"voice": "alloy"}}', ""),
        ("beta", "", '{"type": "session.update", "session": {"tools": 7}}', "tools"),
        ("beta", "", "7", "object"),
        ("beta", "instructions", "7", "expected a string"),
        ("beta", "temperature", "99", "99"),
        ("beta", "temperature", "0.8", ""),
        ("beta", "voice", '"alloy"', ""),
    ],
)  # fmt: skip
def test_a_text_is_checked_as_the_server_would(
    shape: str, path: str, text: str, words: str
) -> None:
    known = shape_named(shape)
    field = known.by_path()[tuple(path.split("."))] if path else None
    verdict = judge(known, field, text)

    assert words in verdict
    assert bool(verdict) is bool(words)

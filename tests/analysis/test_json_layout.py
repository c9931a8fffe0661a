"""Indented JSON says the same, token by token."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.json_layout import indented

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_the_value_is_the_same_and_laid_out_as_json_does(value: dict[str, object]) -> None:
    text = indented(json.dumps(value))

    assert text == json.dumps(value, indent=2)
    assert indented(text) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"n":1.0e5,"big":12345678901234567890123,"esc":"\\u00e9\\/"}',
        '{"a":1,"a":2}',
        '{"s":"{[,:]}\\"x"}',
    ],
)
def test_tokens_stay_as_they_were_written(text: str) -> None:
    assert "".join(indented(text).split()) == text


@pytest.mark.parametrize("text", ["", "not JSON", '{"a":', "[1,2]", '{"a":1} tail'])
def test_what_is_no_object_is_left_alone(text: str) -> None:
    assert indented(text) == text

"""Where one types in the JSON of an event."""

from __future__ import annotations

import pytest

from inspector.tui.sending.typing_place import typing_place


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"type": "x", "content": [{"type": "input_text", "text": "Hello!"}]}', "Hello!"),
        ('{"call_id": "c", "output": ""}', ""),
        (r'{"instructions": "a \" b"}', r"a \" b"),
        ('{"type": "response.create"}', None),
        ("no JSON", None),
        ('{"text": 1}', None),
    ],
)
def test_the_value_that_one_writes_is_found(text: str, value: str | None) -> None:
    place = typing_place(text)

    assert (text[slice(*place)] if place else None) == value

"""Rules on torn, mistyped and foreign events: nothing raises."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.analysis.lint.appended_sound import AppendedSound
from inspector.analysis.lint.catalogue import RULES
from inspector.analysis.lint.lint_run import lint
from inspector.core.event import Direction, Event
from inspector.recording.reader import RecordingReader
from tests.linted import linted_file, shared_dir
from tests.support import event_of, frame_event, numbered, recordings

TAKEN = [AppendedSound.types, *(rule.types for rule in RULES)]
TYPES = sorted({name for types in TAKEN for name in types if name})
KEYS = ("session", "item", "response", "error", "item_id", "response_id", "call_id", "status", "output", "param", "code",
        "message", "audio", "turn_detection", "instructions", "tools", "input", "content", "type", "id", "url", "by", "reason",
        "status_details", "conversation_id", "modalities", "voice", "expires_at", "prompt", "request_headers")  # fmt: skip
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 40), 1 << 40) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(("", "item_1", "resp_1", "call_1", "function_call_output", "message", "user", "cancelled", "failed", "1006")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
EVENTS = st.lists(
    st.builds(
        event_of,
        st.sampled_from(list(Direction)),
        st.sampled_from(TYPES),
        st.dictionaries(st.sampled_from(KEYS[:-1]), ODD, max_size=5),
    ),
    max_size=12,
)


@given(EVENTS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_rule_raises_on_mistyped_events(events: list[Event]) -> None:
    lint(numbered(events), is_strict=True)


@cache
def session_of(path: Path) -> tuple[Event, ...]:
    reader = RecordingReader(path)
    try:
        return tuple(reader.events())
    finally:
        reader.close()


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_rule_raises_on_a_real_session_with_one_member_replaced(data: st.DataObject) -> None:
    events = list(session_of(data.draw(st.sampled_from(recordings("*tool*.jsonl")))))
    at = data.draw(st.integers(0, len(events) - 1))
    body = orjson.loads(orjson.dumps(dict(events[at].body or {})))
    place = data.draw(st.sampled_from(list(_places(body)) or [()]))
    here: Any = body
    for key in place[:-1]:
        here = here[key]
    if place:
        here[place[-1]] = data.draw(ODD)
    events[at] = frame_event(events[at].direction, orjson.dumps(body))
    cut = data.draw(st.integers(0, len(events)))

    lint(numbered(events[cut // 3 :]), is_strict=True)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, member in members:
        yield (*path, key)
        yield from _places(member, (*path, key))


@pytest.mark.parametrize("name", ["hostile", "text-surrogate", "redos"])
def test_no_rule_raises_on_what_was_made_to_break_readers(name: str) -> None:
    folder = shared_dir("cases")
    if folder is None:
        pytest.skip("the hostile recordings are not beside this checkout")

    linted_file(folder / "attacks" / f"{name}.jsonl")

"""Damaged, odd and huge files: no exception, no event that is not in the file, no time."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from inspector.errors import RecordingError
from inspector.importing import source_file
from inspector.importing.import_run import ImportRun
from inspector.importing.literals import LiteralError, read_literal
from inspector.importing.source_file import SourceFile
from tests.importing.imports import import_text
from tests.importing.shapes import CREATED, DELTA, SHAPES, UPDATE, WITHOUT_DIRECTIONS, flow

TEXTS = {
    **{name: text.encode() for name, (text, _) in SHAPES.items()},
    **{name: text.encode() for name, text in WITHOUT_DIRECTIONS.items()},
    "flows": flow(),
}
CASES_EACH = 6
SIGNS = (
    b"{",
    b"}",
    b'"',
    b"'",
    b"\\",
    b"[",
    b"]",
    b"\0",
    b"\n",
    b"{'",
    b"(",
    b"\x1b[",
    b"\xff",
    b"\xe2",
)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return a text with a few changes that copy no part of it."""
    text = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(text) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            del text[at : at + chance.choice((1, 3, 60))]
        elif kind == 1:
            text[at:at] = chance.choice(SIGNS)
        elif kind == 2 and at < len(text):
            text[at] = chance.randrange(256)
        elif kind == 3:
            text = text[: max(at, 1)]
    return bytes(text)


@pytest.mark.parametrize("name", TEXTS)
def test_damage_costs_events_and_makes_none(name: str, tmp_path: Path) -> None:
    chance = random.Random(name)
    whole = import_text(tmp_path, TEXTS[name])
    known = Counter(event.type for event in whole.events)
    for _ in range(CASES_EACH):
        try:
            result = import_text(tmp_path, damaged(TEXTS[name], chance))
        except RecordingError:
            continue
        found = Counter(event.type for event in result.events if event.type in known)

        assert found <= known
        assert result.summary.events <= whole.summary.events
        if whole.summary.time_kind == "none":
            assert {event.t_ns for event in result.events} == {None}


def test_an_event_that_nests_too_deeply_stays_an_event(tmp_path: Path) -> None:
    deep = '{"type":"session.update","session":' + '{"a":' * 120 + "1" + "}" * 121
    deeper = '{"type":"session.update","session":' + "[" * 100_000 + "]" * 100_000 + "}"
    result = import_text(tmp_path, f"> {deep}\n> {deeper}\n< {json.dumps(CREATED)}\n")

    assert result.events[0].type == "session.update"
    assert result.events[-1].type == "session.created"


def test_an_event_larger_than_a_block_is_read_whole(tmp_path: Path) -> None:
    large = {**DELTA, "type": "response.output_audio.delta", "delta": "A" * 1_500_000}
    text = f"< {json.dumps(large)}\n< {json.dumps(large, indent=1)}\n< {json.dumps(CREATED)}\n"
    result = import_text(tmp_path, text)

    assert [event.body for event in result.events] == [large, large, CREATED]


def test_a_container_larger_than_a_block_is_read_by_its_parts(tmp_path: Path) -> None:
    large = {**UPDATE, "session": {"instructions": "x" * 4000}}
    result = import_text(tmp_path, json.dumps({"a": {"frames": [{"body": large}] * 400}}))

    assert len(result.events) == 400
    assert result.events[-1].body == large


def test_bytes_that_are_not_utf8_cost_characters_and_not_the_event(tmp_path: Path) -> None:
    line = json.dumps({**DELTA, "delta": "caf@"}).encode().replace(b"@", b"\xe9")
    result = import_text(tmp_path, b"< " + line + b"\n")

    assert result.events[0].body == {**DELTA, "delta": "caf\ufffd"}


def test_a_packed_file_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_file, "MOST_UNPACKED", 4 << 20)
    text = b"< " + json.dumps(CREATED).encode() + b"\n" + b"x" * (16 << 20)

    with pytest.raises(RecordingError, match="unpacks to more than"):
        import_text(tmp_path, gzip.compress(text))
    cut = gzip.compress(text[:5000] * 3)
    assert import_text(tmp_path, cut[:-20]).events[0].body == CREATED


def test_aliases_of_yaml_do_not_multiply(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
    )
    with pytest.raises(RecordingError):
        import_text(tmp_path, f"type: session.created\n{bomb}")


def test_an_import_can_be_cancelled_while_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(f"< {json.dumps(CREATED)}\n" * 2000)

    class Cancelled(Exception):
        pass

    def cancel(read: int) -> None:
        if read > 1000:
            raise Cancelled

    source = SourceFile(path, cancel)
    with pytest.raises(Cancelled):
        ImportRun(source, lambda _: None).run()
    source.close()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "{'a': None, 'b': True, 'c': (1, 2.5), 'd': b'\\xc3\\xbc'}",
            {"a": None, "b": True, "c": [1, 2.5], "d": "ü"},
        ),
        ("Event(a='x', b=Inner(c=[Item(d=1)]))", {"a": "x", "b": {"c": [{"d": 1}]}}),
        ("{a: undefined, 'b-c': -0x, }", None),
        ("{a: 12n, b: NaN, c: -Infinity, d: 1e3}", {"a": 12, "b": None, "c": None, "d": 1000}),
        ("{a: Session { b: [ 'x', 'y' ] }, c: Array(1) [ 2 ]}", {"a": {"b": ["x", "y"]}, "c": [2]}),
        (
            "{'role': <Role.USER: 'user'>, 'x': <object at 0x1>}",
            {"role": "user", "x": "<object at 0x1>"},
        ),
        ("{'a': ('long '\n 'text'), \"b\": 'x' + 'y'}", {"a": "long text", "b": "xy"}),
        ("{a: '\\u{1F600}\\uD83D\\uDE00\\x41\\101\\n'}", {"a": "\U0001f600\U0001f600AA\n"}),
        ("{a: 2026-11-20T10:00:00.000Z, b: `x`}", {"a": "2026-11-20T10:00:00.000Z", "b": "x"}),
        ("{" + "'a': {" * 200, None),
        ("{'a': f(1, 2), 'b': g()}", {"a": [1, 2], "b": {}}),
        ("{'a' 1}", None),
        ("if (x) { return 1; }", None),
    ],
)
def test_objects_are_read_as_programs_print_them(text: str, value: object) -> None:
    if value is None:
        with pytest.raises(LiteralError):
            read_literal(text)
    else:
        assert read_literal(text).value == value

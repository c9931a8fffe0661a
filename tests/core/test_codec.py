from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.core.codec import decode


@given(st.binary(max_size=200))
def test_decode_never_raises(data: bytes) -> None:
    name, body, problem = decode(data)

    assert isinstance(name, str)
    assert (body is None) != (problem is None)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
        max_leaves=8,
    )
)
def test_decode_reads_what_json_writes(value: object) -> None:
    _, body, problem = decode(json.dumps(value).encode())

    if isinstance(value, dict):
        assert body is not None
        assert set(body) == set(value)
        assert problem is None
    else:
        assert problem is not None
        assert problem.code == "not_an_object"


def test_the_type_is_read_where_it_is_a_string() -> None:
    assert decode(b'{"type":"a.b"}')[0] == "a.b"
    assert decode(b'{"type":7}')[0] == ""
    assert decode(b"{}")[0] == ""


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"a":NaN}', "invalid_json"),
        (b"[1]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"type":"x","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
        (b'{"type":"x","a":' + b"[" * 500 + b"]" * 500 + b"}", "too_deep"),
        (b'{"type":"x","b":"\\ud800","a":' + b"[" * 500 + b"]" * 500 + b"}", "too_deep"),
    ],
)
def test_problems_have_a_stable_code(data: bytes, code: str) -> None:
    problem = decode(data)[2]

    assert problem is not None
    assert problem.code == code


def test_many_values_side_by_side_are_not_deep() -> None:
    body = decode(b'{"a":[' + b"{},[]," * 500 + b'{"b":' + b"[" * 50 + b"]" * 50 + b"}]}")[1]

    assert body is not None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"[]", "an array"),
        (b'"x"', "a string"),
        (b"null", "null"),
        (b"true", "true or false"),
        (b"1.5", "a number"),
    ],
)
def test_json_that_is_not_an_object_is_described(data: bytes, kind: str) -> None:
    problem = decode(data)[2]

    assert problem is not None
    assert problem.message == f"JSON, but {kind} and not an object"


def test_the_type_of_a_too_deep_frame_is_found() -> None:
    deep = b'{"type":"session.update","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert decode(deep)[0] == "session.update"


def test_lone_surrogates_become_replacement_characters() -> None:
    _, body, problem = decode(rb'{"type":"x","delta":"\ud83d","\udc00":["\ud83d\ude00"]}')

    assert problem is None
    assert body == {"type": "x", "delta": "\ufffd", "\ufffd": ["\U0001f600"]}


def test_numbers_beyond_floats_are_read() -> None:
    _, body, problem = decode(b'{"a":1e999,"b":' + b"9" * 400 + b"}")

    assert problem is None
    assert body is not None
    assert body["b"] == int("9" * 400)


def test_numbers_longer_than_python_reads_are_a_problem() -> None:
    body, problem = decode(b'{"a":' + b"9" * 10_000 + b"}")[1:]

    assert (body is None) != (problem is None)


def test_a_binary_frame_has_no_body() -> None:
    problem = decode(b'{"type":"x"}', is_text=False)[2]

    assert problem is not None
    assert problem.code == "binary"

"""Items from their descriptions: images, MCP lists, calls and approvals."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.core.event import Event
from inspector.core.image import ImageFacts, image_facts, pixels_of
from inspector.core.state import SessionState
from tests.support import folded, numbered, server

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 640, 480) + b"\x08\x06\0\0\0"
JPEG = (
    b"\xff\xd8\xff\xe0"
    + struct.pack(">H", 16)
    + b"JFIF\0" * 2
    + b"\0" * 4
    + b"\xff\xc2"
    + struct.pack(">HBHH", 17, 8, 300, 400)
    + b"\0" * 10
)
GIF = b"GIF89a" + struct.pack("<HH", 12, 34)
WEBP_LOSSY = b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 10 + struct.pack("<HH", 320, 200)
WEBP_LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 99 | 49 << 14)
WEBP_EXTENDED = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x3f\x01\0" + b"\xc7\0\0"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (PNG, (640, 480)),
        (JPEG, (400, 300)),
        (GIF, (12, 34)),
        (WEBP_LOSSY, (320, 200)),
        (WEBP_LOSSLESS, (100, 50)),
        (WEBP_EXTENDED, (320, 200)),
        (PNG[:20], (0, 0)),
        (b"BM", (0, 0)),
    ],
)
def test_the_size_of_an_image_is_read_from_its_header(
    head: bytes, expected: tuple[int, int]
) -> None:
    assert pixels_of(head) == expected


@given(st.sampled_from([b"", PNG[:8], JPEG[:2], GIF[:6], WEBP_LOSSY[:16]]), st.binary(max_size=80))
def test_no_bytes_break_the_reader_of_images(start: bytes, rest: bytes) -> None:
    width, height = pixels_of(start + rest)

    assert width >= 0
    assert height >= 0


@given(st.text(max_size=60))
def test_no_url_breaks_the_reader_of_images(url: str) -> None:
    assert image_facts(url).size_bytes >= 0
    assert image_facts(f"data:image/png;base64,{url}").media_type == "image/png"


def test_an_image_is_named_with_type_pixels_and_size() -> None:
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"

    assert str(image_facts(url)) == f"image/png  640×480 px  {len(PNG)} bytes"
    assert image_facts("https://example.org/a.png") == ImageFacts(
        "", address="https://example.org/a.png"
    )


def added(item_id: str, **members: Any) -> Event:
    return server("conversation.item.added", previous_item_id=None, item={"id": item_id, **members})


def test_a_list_of_mcp_tools_has_a_status_and_names() -> None:
    state = folded(
        server("mcp_list_tools.in_progress", item_id="m"),
        added(
            "m",
            type="mcp_list_tools",
            server_label="docs",
            tools=[{"name": "find"}, {"name": "read"}],
        ),
        server("mcp_list_tools.completed", item_id="m"),
    )
    item = state.conversation.items["m"]

    assert (item.type, item.status, item.tools) == ("mcp_list_tools", "completed", ("find", "read"))


def test_an_approval_is_pending_until_it_is_answered() -> None:
    request = added("q", type="mcp_approval_request", server_label="docs", name="find")
    answer = added("a", type="mcp_approval_response", approval_request_id="q", approve=False)

    assert [item.id for item in folded(request).conversation.pending_approvals()] == ["q"]
    state = folded(request, answer)
    assert state.conversation.pending_approvals() == []
    assert state.conversation.items["a"].is_approved is False


STEPS = st.tuples(
    st.sampled_from(("call", "output", "done", "delete", "asks", "approves")),
    st.sampled_from("abcd"),
    st.sampled_from("abcd"),
)


def step(what: str, item_id: str, other: str) -> Event:
    match what:
        case "call":
            return added(item_id, type="function_call", call_id=other)
        case "output":
            return added(item_id, type="function_call_output", call_id=other)
        case "done":
            name = "response.function_call_arguments.done"
            return server(name, item_id=item_id, call_id=other, arguments="{}")
        case "delete":
            return server("conversation.item.deleted", item_id=item_id)
        case "asks":
            return added(item_id, type="mcp_approval_request")
    return added(item_id, type="mcp_approval_response", approval_request_id=other)


@given(st.lists(STEPS, max_size=12))
def test_pending_requests_equal_those_found_by_a_full_scan(
    steps: list[tuple[str, str, str]],
) -> None:
    state = SessionState()
    asked: set[str] = set()
    for event in numbered(step(*one) for one in steps):
        kept = state.copy()
        waited = kept.conversation.pending_calls()
        state.apply(event, strict=True)
        fold = state.conversation
        asked |= {i.id for i in fold.items.values() if i.type == "mcp_approval_request"}
        alive = {item.id for item in fold.items.values() if not item.is_deleted}

        assert {item.id for item in fold.pending_calls()} == {
            item_id
            for call_id, item_id in fold.answers.calls.items()
            if call_id not in fold.answers.outputs
        } & alive
        assert {i.id for i in fold.pending_approvals()} == (
            asked - set(fold.answers.approvals)
        ) & alive
        assert kept.conversation.pending_calls() == waited


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"type": "http_error", "code": 500, "message": "down"}, "http_error: down"),
        ("it broke", "it broke"),
        (None, ""),
    ],
)
def test_why_an_mcp_call_failed_is_kept(error: object, words: str) -> None:
    state = folded(
        added("c", type="mcp_call", name="find", arguments="{}", error=error),
        server("response.mcp_call.failed", item_id="c", output_index=0),
    )
    item = state.conversation.items["c"]

    assert (item.status, item.error) == ("failed", words)

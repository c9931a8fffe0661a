"""Summaries of each kind of event."""

from __future__ import annotations

import pytest

from inspector.analysis.summary import duration_text, short_id, size_text, summary
from inspector.core.event import Direction, Event
from tests.support import client, frame_event, local, server, silence


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (client("input_audio_buffer.append", audio=silence(1500)), "1.50 s  72 KB"),
        (
            server("session.updated", session={"model": "m", "output_modalities": ["audio", "text"], "audio": {"input": {"turn_detection": {"type": "server_vad"}}}, "tools": [{}]}),
            "m  audio+text  server_vad  1 tool",
        ),
        (server("session.created", session={"turn_detection": None, "tools": [{}, {}]}), "push-to-talk  2 tools"),
        (server("session.created", session={"modalities": ["text"]}), "text"),
        (client("session.update", session={"type": "realtime", "voice": "x"}), "1 field  voice"),
        (client("session.update", session={"a": 1, "b": 2}), "2 fields  a, b"),
        (client("response.create", response={"conversation": "none", "instructions": "x"}), "out-of-band  instructions"),
        (server("response.created", response={"id": "resp_1", "status": "in_progress"}), "resp_1"),
        (
            server("response.done", response={"id": "resp_1", "status": "completed", "conversation_id": None, "usage": {"total_tokens": 1234}}),
            "completed  1,234 tok  out-of-band  resp_1",
        ),
        (server("response.content_part.added", part={"type": "audio", "transcript": ""}), "audio"),
        (server("response.content_part.done", part={"type": "text", "text": "hi"}), "text  “hi”"),
        (server("response.function_call_arguments.done", name="f", arguments="{}"), "f({})"),
        (
            server("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 5000, "remaining": 4000}, {"name": "requests", "limit": 9, "remaining": 8}]),
            "4,000 of 5,000 tokens  8 of 9 requests",
        ),
        (client("conversation.item.truncate", item_id="item_1", audio_end_ms=1200), "1,200 ms  item_1"),
        (server("conversation.item.added", item={"type": "function_call", "name": "f", "arguments": "{}", "status": "incomplete"}), "f({})  incomplete"),
        (server("conversation.item.added", item={"type": "function_call_output", "output": "7"}), "function output  “7”"),
        (server("conversation.item.added", item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}, {"type": "input_image"}]}), "user  “hi” image"),
        (server("conversation.item.added", item={"type": "mcp_list_tools", "id": "mcpl_1"}), "mcp_list_tools  mcpl_1"),
        (server("error", error={"type": "t", "code": "c", "param": "p", "message": "m"}), "c  p  m"),
        (server("some.new.event", error={"type": "t", "message": "m"}), "t  m"),
        (server("some.new.event", item={"role": "user"}), "user"),
        (server("some.new.event", text="hi", audio_end_ms=1500, item_id="item_1", response_id="r"), "“hi”  1,500 ms  item_1"),
        (server("some.new.event", other=1), ""),
        (local("inspector.opened", url="ws://x"), "101  ws://x"),
        (local("inspector.closed", code=1000, reason="bye", meaning="normal"), "1000  bye  normal"),
        (local("inspector.closed", code=1000, meaning="closed normally", by="client"), "1000  closed normally  by the client"),
        (local("inspector.closed", code=1000, meaning="closed from here", by="inspector"), "1000  closed from here  by the inspector"),
        (local("inspector.closed", code=1012, meaning="the server restarts", by="server"), "1012  the server restarts"),
        (local("inspector.closed", code=1006, meaning="lost", by="network"), "1006  lost"),
        (local("inspector.closed", code="?"), ""),
        (local("inspector.playing", item_id="item_1", audio_ms=0), "0 ms  item_1"),
        (local("inspector.played", item_id="item_1", audio_ms=1500, received_ms=3000, reason="speech"), "1,500 of 3,000 ms  speech  item_1"),
        (local("inspector.fault", name="slow"), "slow"),
        (local("inspector.held", direction="client", event_type="response.create", filter="type:x"), "to the API  response.create  type:x"),
        (local("inspector.injected", to="app", by="rule 1"), "injected (rule 1)  (no type)  to the app"),
        (server("error", error={"message": "\x1b[31m"}), r"\x1b[31m"),
        (server("response.output_text.delta", delta="x" * 200), f"“{'x' * 160}…”"),
    ],
)  # fmt: skip
def test_a_summary_of_each_kind_of_event(event: Event, words: str) -> None:
    assert summary(event) == words


@pytest.mark.parametrize(("is_text", "shown"), [(True, "{nope"), (False, "7b 6e 6f 70 65")])
def test_an_undecodable_frame_is_shown_raw(is_text: bool, shown: str) -> None:
    event = frame_event(Direction.SERVER, b"{nope")
    assert event.problem is not None
    event = Event(0, 0, event.direction, event.origin, "", event.data, is_text, None, event.problem)

    assert summary(event) == f"{event.problem.message}  {shown}" if event.problem else ""


@pytest.mark.parametrize(
    ("size", "words"),
    [(999, "999 B"), (1000, "1 KB"), (999_499, "999 KB"), (1_000_000, "1.0 MB"), (2_340_000, "2.3 MB")],
)  # fmt: skip
def test_sizes_have_readable_units(size: int, words: str) -> None:
    assert size_text(size) == words


def test_durations_and_ids_are_short() -> None:
    assert [duration_text(ms) for ms in (999, 1000, 61_234)] == ["999 ms", "1.00 s", "61.23 s"]
    assert [short_id(name) for name in ("item_12345678", "item_123456789")] == [
        "item_12345678",
        "item_1234567…",
    ]

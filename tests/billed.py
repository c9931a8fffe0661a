"""Builders of billed sessions that tests share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from inspector.analysis.ledger import CostLedger
from inspector.analysis.prices import shipped_prices
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.recording.format import Header, render, render_header
from tests.support import client, numbered, server

DAY = date(2026, 11, 27)
HEADER = Header(started_at="2026-11-27T10:00:00.000000Z", source="live")


def usage(
    text: int = 0,
    audio: int = 0,
    out_text: int = 0,
    out_audio: int = 0,
    cached: tuple[int, int] = (0, 0),
    **more: Any,
) -> dict[str, Any]:
    """Return a usage object as OpenAI's servers send it; ``cached`` is text and audio."""
    return {
        "total_tokens": text + audio + out_text + out_audio,
        "input_tokens": text + audio,
        "output_tokens": out_text + out_audio,
        "input_token_details": {
            "text_tokens": text,
            "audio_tokens": audio,
            "image_tokens": 0,
            "cached_tokens": sum(cached),
            "cached_tokens_details": {
                "text_tokens": cached[0],
                "audio_tokens": cached[1],
                "image_tokens": 0,
            },
        },
        "output_token_details": {"text_tokens": out_text, "audio_tokens": out_audio, **more},
    }


def session(**members: Any) -> Event:
    """Return the server's word on a session of gpt-realtime, or of what the members say."""
    return server("session.created", session={"id": "s", "model": "gpt-realtime", **members})


def answer(
    response_id: str, used: Mapping[str, Any] | None, status: str = "completed", **more: Any
) -> list[Event]:
    """Return the beginning and the end of a response."""
    response = {"id": response_id, "conversation_id": "conv_1", **more}
    return [
        server("response.created", response={**response, "status": "in_progress"}),
        server("response.done", response={**response, "status": status, "usage": used}),
    ]


def spoken(item_id: str) -> list[Event]:
    """Return a user's turn that was pushed to talk."""
    item = {"id": item_id, "type": "message", "role": "user", "content": []}
    return [
        server("input_audio_buffer.committed", item_id=item_id),
        server("conversation.item.added", item=item),
    ]


def update(instructions: str) -> list[Event]:
    """Return a change of the instructions, and the server's word on it."""
    said = {"type": "realtime", "instructions": instructions}
    return [
        client("session.update", session=said),
        server("session.updated", session={"id": "s", "model": "gpt-realtime", **said}),
    ]


def clock_in_the_instructions(turns: int = 14) -> list[Event]:
    """Return a lesson whose instructions begin with the time, so that no prompt begins as the one before: nothing is ever cached."""
    events = [session(instructions="Be helpful.")]
    for turn in range(turns):
        events += update(f"You teach French. Time now: 10:{turn:02}:07. Rules.")
        events += spoken(f"item_{turn}")
        events += [client("response.create")]
        events += answer(f"resp_{turn + 1}", usage(1800 + 60 * turn, 20 + 260 * turn, 60, 240))
    return numbered(events)


def state_of(events: Iterable[Event]) -> SessionState:
    """Return the state after events; those that have no number get one."""
    listed = list(events)
    state = SessionState()
    for event in listed if all(one.seq for one in listed) else numbered(listed):
        state.apply(event, strict=True)
    return state


def ledger_of(state: SessionState, day: date | None = DAY, **options: Any) -> CostLedger:
    """Return the priced records of a state."""
    ledger = CostLedger(shipped_prices(), day, **options)
    ledger.update(state.usage)
    return ledger


def write_recording(path: Path, events: Iterable[Event], header: Header = HEADER) -> Path:
    """Write events as a recording of ours."""
    path.write_bytes(render_header(header) + b"".join(map(render, events)))
    return path


def json_of(text: bytes) -> Any:
    """Return what JSON says."""
    return orjson.loads(text)

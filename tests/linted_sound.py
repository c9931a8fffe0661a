"""Builders of sessions with sound, for rules about it."""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from inspector.core.event import Event
from tests.linted import began, created, done
from tests.support import at, client, server

BYTES_PER_MS = 48
"""PCM16 at 24 kHz."""


def app_began(detection: Any = None, **members: Any) -> list[Event]:
    """Return the beginning of a session whose app has sent something."""
    return [*began(detection, **members), client("input_audio_buffer.clear")]


def packed(data: bytes) -> str:
    """Return bytes as base64."""
    return base64.b64encode(data).decode()


def voice(ms: float, rate_hz: int = 24_000, level: float = 0.2) -> bytes:
    """Return something like a voice as PCM16: four tones, in syllables, with pauses between words."""
    count = int(ms * rate_hz / 1000)
    tones = ((170, 0.5), (510, 0.25), (1190, 0.15), (2300, 0.1))
    found = array("h")
    for n in range(count):
        turn = math.tau * n / rate_hz
        is_syllable = math.sin(4 * turn) > -0.5 and n % rate_hz < 0.7 * rate_hz
        envelope = 1 if is_syllable else 0.02
        wave = sum(part * math.sin(hz * turn) for hz, part in tones)
        found.append(int(32767 * level * envelope * wave))
    return found.tobytes()


def append(data: bytes) -> Event:
    """Return an append."""
    return client("input_audio_buffer.append", audio=packed(data))


def appends(
    data: bytes, *, size: int = 960, start_ms: float = 0, every_ms: float = 20
) -> list[Event]:
    """Return appends of ``size`` bytes each, one every ``every_ms``."""
    pieces = [data[begin : begin + size] for begin in range(0, len(data), size)]
    return [at(start_ms + n * every_ms, append(piece)) for n, piece in enumerate(pieces)]


def started(ms: float, item_id: str = "item_u", audio_start_ms: int = 0) -> Event:
    """Return the beginning of speech."""
    return at(ms, server("input_audio_buffer.speech_started", audio_start_ms=audio_start_ms, item_id=item_id))  # fmt: skip


def stopped(ms: float, item_id: str = "item_u", audio_end_ms: int = 0) -> Event:
    """Return the end of speech."""
    return at(ms, server("input_audio_buffer.speech_stopped", audio_end_ms=audio_end_ms, item_id=item_id))  # fmt: skip


def committed(ms: float, item_id: str = "item_u") -> Event:
    """Return the confirmation of a commit."""
    return at(ms, server("input_audio_buffer.committed", item_id=item_id, previous_item_id=None))


def delta(ms: float, length_ms: float, item_id: str = "item_a", response_id: str = "resp_1") -> Event:  # fmt: skip
    """Return sound of an answer."""
    audio = packed(bytes(int(length_ms * BYTES_PER_MS)))
    return at(ms, server("response.output_audio.delta", response_id=response_id, item_id=item_id, output_index=0, content_index=0, delta=audio))  # fmt: skip


def spoken(
    ms: float,
    length_ms: float,
    item_id: str = "item_a",
    response_id: str = "resp_1",
    status: str = "completed",
) -> list[Event]:
    """Return an answer that comes within 100 ms, much faster than it plays."""
    return [
        at(ms, created(response_id)),
        delta(ms + 50, length_ms, item_id, response_id),
        at(ms + 100, done(response_id, status)),
    ]


def truncate(ms: float, audio_end_ms: int, item_id: str = "item_a") -> Event:
    """Return the app's request to truncate."""
    return at(ms, client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=audio_end_ms))  # fmt: skip


def truncated(ms: float, audio_end_ms: int, item_id: str = "item_a") -> Event:
    """Return its confirmation."""
    return at(ms, server("conversation.item.truncated", item_id=item_id, content_index=0, audio_end_ms=audio_end_ms))  # fmt: skip


def transcribed(ms: float, text: str, item_id: str = "item_u") -> Event:
    """Return the transcript of what the user said."""
    return at(ms, server("conversation.item.input_audio_transcription.completed", item_id=item_id, content_index=0, transcript=text))  # fmt: skip


def in_order(*groups: Iterable[Event]) -> Sequence[Event]:
    """Return events of several sources by their time."""
    return sorted((event for group in groups for event in group), key=lambda one: one.t_ns or 0)

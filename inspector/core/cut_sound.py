"""CutSound: response audio that was generated and billed, but cut off before it was played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inspector.core.output_audio import LEAST_DELTA_MS, ItemAudio, OutputAudioFold


@dataclass(frozen=True, slots=True)
class CutSound:
    """How much of a response's audio was heard before it was cut off."""

    received_ms: int
    """Audio received for all items of the response."""
    heard_ms: int
    """The part that was heard."""
    basis: str
    """``measured`` by a player, ``event`` from the client's truncation, or ``estimated`` by the clock."""
    stopped_t_ns: int | None
    """When the first item was cut off; None if unknown."""


def cut_sounds(output_audio: OutputAudioFold) -> Mapping[str, CutSound]:
    """Return the responses whose audio was cut off, by id; responses whose audio is elided in the recording are skipped."""
    by_response: dict[str, list[ItemAudio]] = {}
    for item in output_audio.items.values():
        if item.response_id:
            by_response.setdefault(item.response_id, []).append(item)
    found = {name: _cut(items) for name, items in by_response.items() if any(map(_is_cut, items))}
    return {name: cut for name, cut in found.items() if cut is not None}


def _is_cut(item: ItemAudio) -> bool:
    return item.stopped_t_ns is not None or item.claimed_ms is not None


def _cut(items: list[ItemAudio]) -> CutSound | None:
    if any(item.received_ms < LEAST_DELTA_MS * item.deltas for item in items):
        return None
    received_ms = sum(item.received_ms for item in items)
    heard = [_heard(item) for item in items]
    heard_ms = sum(ms for ms, _ in heard)
    if heard_ms >= received_ms:
        return None
    order = ("estimated", "event", "measured")
    basis = min(
        (how for item, (_, how) in zip(items, heard, strict=True) if _is_cut(item)), key=order.index
    )
    stops = [item.stopped_t_ns for item in items if item.stopped_t_ns is not None]
    return CutSound(received_ms, heard_ms, basis, min(stops, default=None))


def _heard(item: ItemAudio) -> tuple[int, str]:
    """Return how much of an item was heard in the end, and the source: player, client, or clock."""
    if not _is_cut(item):
        return item.received_ms, "estimated"
    if item.is_measured:
        return item.heard_ms(None), "measured"
    possible_ms = item.heard_ms(None)
    if item.claimed_ms is not None and item.claimed_ms <= possible_ms:
        return max(0, item.claimed_ms), "event"
    return possible_ms, "estimated"

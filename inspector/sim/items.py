"""The items of the simulated conversation, and what the model sees of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from inspector.core.formats import PCM16_24K, AudioFormat
from inspector.sim.brain import Heard
from inspector.sim.refusals import (
    duplicate_item,
    no_such_item,
    no_such_previous,
    truncate_not_audio,
    truncate_too_long,
)

Json = dict[str, Any]

MAX_ITEMS = 10_000
MAX_KEPT_AUDIO_BYTES = 64 << 20
"""Audio kept for ``conversation.item.retrieve``; of older items only the length is known."""


@dataclass(slots=True)
class SimItem:
    """One item: its wire shape, and what the server knows beside it."""

    wire: Json
    audio: bytearray = field(default_factory=bytearray)
    audio_bytes: int = 0
    format: AudioFormat = PCM16_24K

    @property
    def audio_ms(self) -> int:
        """Return the length of the item's audio."""
        return self.format.ms(self.audio_bytes)

    @property
    def id(self) -> str:
        """Return the item's id."""
        return str(self.wire["id"])

    def words(self) -> str:
        """Return what the item says."""
        parts = self.wire.get("content") or []
        return " ".join(
            str(part.get("text") or part.get("transcript") or "") for part in parts
        ).strip()


class Items:
    """The conversation in order."""

    def __init__(self) -> None:
        self._items: dict[str, SimItem] = {}
        self._order: list[str] = []
        self._audio_bytes = 0

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._items

    def last_id(self) -> str | None:
        """Return the id of the last item."""
        return self._order[-1] if self._order else None

    def previous_id(self, item_id: str) -> str | None:
        """Return the id of the item before one."""
        at = self._order.index(item_id)
        return self._order[at - 1] if at else None

    def previous_when_done(self, item_id: str) -> str | None:
        """Return ``previous_item_id`` as ``conversation.item.done`` has it: null where that is the first item.

        Seen in every recording of the server; not documented.
        """
        previous = self.previous_id(item_id)
        is_from_model = self._items[item_id].wire.get("status") is not None and self._items[
            item_id
        ].wire.get("role") not in ("user", "system")
        return None if is_from_model and previous == self._order[0] else previous

    def get(self, item_id: str, action: str) -> SimItem:
        """Return an item.

        Raises:
            Refusal: there is none of that id; worded for ``action``.
        """
        item = self._items.get(item_id)
        if item is None:
            raise no_such_item(action, item_id)
        return item

    def find(self, item_id: str) -> SimItem | None:
        """Return an item, None where there is none of that id."""
        return self._items.get(item_id)

    def add(self, item: SimItem, previous: str | None = None) -> None:
        """Add an item at the end, at the front (``root``) or after another one.

        Raises:
            Refusal: the id is taken, or ``previous`` does not exist.
        """
        if item.id in self._items:
            raise duplicate_item(item.id)
        if previous is not None and previous != "root" and previous not in self._items:
            raise no_such_previous(previous)
        at = len(self._order)
        if previous is not None:
            at = 0 if previous == "root" else self._order.index(previous) + 1
        self._items[item.id] = item
        self._order.insert(at, item.id)
        if len(self._order) > MAX_ITEMS:
            self.remove(self._order[0])

    def remove(self, item_id: str) -> None:
        """Remove an item.

        Raises:
            Refusal: there is none of that id.
        """
        item = self.get(item_id, "delete")
        self._audio_bytes -= len(item.audio)
        del self._items[item_id]
        self._order.remove(item_id)

    def keep_audio(self, item: SimItem, data: bytes) -> None:
        """Add audio to an item; forget the audio of the oldest items when too much is kept."""
        item.audio_bytes += len(data)
        item.audio += data
        self._audio_bytes += len(data)
        for item_id in self._order:
            if self._audio_bytes <= MAX_KEPT_AUDIO_BYTES:
                break
            oldest = self._items[item_id]
            self._audio_bytes -= len(oldest.audio)
            oldest.audio.clear()

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cut an assistant item's audio and drop its transcript.

        Raises:
            Refusal: no such item, not the model's audio, or longer than what there is.
        """
        item = self.get(item_id, "truncate")
        parts = item.wire.get("content") or []
        is_audio = content_index < len(parts) and parts[content_index].get("type") == "output_audio"
        if item.wire.get("role") != "assistant" or not (is_audio or item.audio_bytes):
            raise truncate_not_audio()
        if audio_end_ms > item.audio_ms:
            raise truncate_too_long(item.audio_ms, audio_end_ms)
        kept = int(audio_end_ms * item.format.bytes_per_ms) // 2 * 2
        self._audio_bytes -= max(0, len(item.audio) - kept)
        del item.audio[kept:]
        item.audio_bytes = min(item.audio_bytes, kept)
        if is_audio:
            parts[content_index]["transcript"] = ""

    def heard(self) -> list[Heard]:
        """Return the conversation as the model sees it."""
        return [heard_of(self._items[item_id].wire) for item_id in self._order]

    def has_call(self, call_id: str) -> bool:
        """Tell whether a function call of that id is in the conversation."""
        return any(
            item.wire.get("type") == "function_call" and item.wire.get("call_id") == call_id
            for item in self._items.values()
        )

    def text_tokens(self) -> int:
        """Return the text in the conversation, in tokens (about four characters each)."""
        return sum(3 + len(item.words()) // 4 for item in self._items.values())

    def audio_tokens(self) -> int:
        """Return the audio in the conversation, in tokens: one for 100 ms of the user's, one for 50 ms of the model's."""
        return sum(
            item.audio_ms // (50 if item.wire.get("role") == "assistant" else 100)
            for item in self._items.values()
        )


def heard_of(wire: Json) -> Heard:
    """Return an item as the model sees it."""
    kind = wire.get("type")
    if kind == "function_call_output":
        return Heard("tool", str(wire.get("output", "")))
    if kind != "message":
        return Heard("assistant", "")
    return Heard(str(wire.get("role", "")), SimItem(wire).words())

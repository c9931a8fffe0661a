"""The items of the default conversation, in order, within bounds."""

from __future__ import annotations

from inspector.sim.items import SimItem, snapshot
from inspector.sim.refusals import (
    duplicate_item,
    no_such_item,
    no_such_previous,
    truncate_not_audio,
    truncate_too_long,
)

MAX_ITEMS = 10_000
MAX_TEXT_CHARS = 32 << 20
"""Items, text and images above these push out the oldest ones, as the context window of the real model does."""
MAX_KEPT_AUDIO_BYTES = 64 << 20
"""Audio kept for ``conversation.item.retrieve``: 23 minutes; of older items only the length is known."""


class Conversation:
    """The items that the model sees."""

    def __init__(self) -> None:
        self._items: dict[str, SimItem] = {}
        self._order: list[str] = []
        self._sizes: dict[str, int] = {}
        self._text_chars = 0
        self._audio_bytes = 0

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._items

    def items(self) -> list[SimItem]:
        """Return the items in order."""
        return [self._items[item_id] for item_id in self._order]

    def last_id(self) -> str | None:
        """Return the id of the last item; None where there is none."""
        return self._order[-1] if self._order else None

    def previous_id(self, item_id: str) -> str | None:
        """Return the id of the item before one; None for the first."""
        at = self._order.index(item_id)
        return self._order[at - 1] if at else None

    def previous_when_done(self, item_id: str) -> str | None:
        """Return ``previous_item_id`` as ``conversation.item.done`` has it for the model's own items.

        It is null where the item before is the first one: seen in every recording of the server; not documented.
        """
        previous = self.previous_id(item_id)
        return None if previous == self._order[0] else previous

    def find(self, item_id: str) -> SimItem | None:
        """Return an item, None where there is none of that id."""
        return self._items.get(item_id)

    def get(self, item_id: str, action: str) -> SimItem:
        """Return an item.

        Raises:
            Refusal: there is none of that id; worded for ``action``.
        """
        item = self._items.get(item_id)
        if item is None:
            raise no_such_item(action, item_id)
        return item

    def has_call(self, call_id: str) -> bool:
        """Tell whether a function call of that id is in the conversation."""
        return any(
            item.wire["type"] == "function_call" and item.wire["call_id"] == call_id
            for item in self._items.values()
        )

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
        self._sizes[item.id] = _size(item)
        self._text_chars += self._sizes[item.id]
        self._audio_bytes += len(item.audio)
        self._forget_oldest(item)

    def remove(self, item_id: str) -> None:
        """Remove an item.

        Raises:
            Refusal: there is none of that id.
        """
        item = self.get(item_id, "delete")
        self._audio_bytes -= len(item.audio)
        self._text_chars -= self._sizes.pop(item_id)
        del self._items[item_id]
        self._order.remove(item_id)

    def keep_audio(self, item: SimItem, data: bytes) -> None:
        """Add audio to an item, be it in the conversation or not; nothing more to one that was truncated."""
        if item.is_cut:
            return
        item.audio_bytes += len(data)
        if item.id in self._items:
            item.audio += data
            self._audio_bytes += len(data)
            self._forget_audio()

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cut an assistant item's audio and drop its transcript.

        A response that is still saying it goes on with a wire shape of its own: its events add up as ever.

        Raises:
            Refusal: no such item, not the model's audio, or longer than what there is.
        """
        item = self.get(item_id, "truncate")
        part = item.parts[content_index] if 0 <= content_index < len(item.parts) else {}
        if item.role != "assistant" or part.get("type") != "output_audio":
            raise truncate_not_audio()
        if audio_end_ms > item.audio_ms:
            raise truncate_too_long(item.audio_ms, audio_end_ms)
        said = str(part["transcript"]).split()
        heard = len(said) * max(0, audio_end_ms) // max(1, item.audio_ms)
        item.kept_words = " ".join(said[:heard]) if said else item.kept_words
        kept = int(max(0, audio_end_ms) * item.format.bytes_per_ms) // 2 * 2
        self._audio_bytes -= max(0, len(item.audio) - kept)
        del item.audio[kept:]
        item.audio_bytes = min(item.audio_bytes, kept)
        item.wire, item.is_cut = snapshot(item.wire), True
        item.parts[content_index]["transcript"] = ""

    def _forget_oldest(self, newest: SimItem) -> None:
        while len(self._order) > MAX_ITEMS or self._text_chars > MAX_TEXT_CHARS:
            oldest = next((item_id for item_id in self._order if item_id != newest.id), None)
            if oldest is None:
                break
            self.remove(oldest)
        self._forget_audio()

    def _forget_audio(self) -> None:
        if self._audio_bytes <= MAX_KEPT_AUDIO_BYTES:
            return
        for item in self.items():
            self._audio_bytes -= len(item.audio)
            item.audio.clear()
            if self._audio_bytes <= MAX_KEPT_AUDIO_BYTES:
                break


def _size(item: SimItem) -> int:
    """Return about how many characters an item takes in memory, its audio aside."""
    return sum(len(str(value)) for value in item.wire.values())

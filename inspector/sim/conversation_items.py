"""The ordered items of the default conversation, bounded in number, text and audio."""

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
"""Beyond these limits the oldest items are removed, as the context window of the real model does."""
MAX_KEPT_AUDIO_BYTES = 64 << 20
"""23 minutes of audio for ``conversation.item.retrieve``; older items keep only their length."""


class Conversation:
    """The default conversation."""

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
        """Return the id of the last item; None for an empty conversation."""
        return self._order[-1] if self._order else None

    def previous_id(self, item_id: str) -> str | None:
        """Return the id of the preceding item; None for the first item."""
        at = self._order.index(item_id)
        return self._order[at - 1] if at else None

    def previous_when_done(self, item_id: str) -> str | None:
        """Return the ``previous_item_id`` of ``conversation.item.done`` for the model's own items.

        It is null if the preceding item is the first one: undocumented, but so in every recorded session.
        """
        previous = self.previous_id(item_id)
        return None if previous == self._order[0] else previous

    def find(self, item_id: str) -> SimItem | None:
        """Return the item with that id; None if it does not exist."""
        return self._items.get(item_id)

    def get(self, item_id: str, action: str) -> SimItem:
        """Return the item with that id.

        Raises:
            ApiRefusal: it does not exist; the message is the one for ``action``.
        """
        item = self._items.get(item_id)
        if item is None:
            raise no_such_item(action, item_id)
        return item

    def has_call(self, call_id: str) -> bool:
        """Return True if the conversation has a function call with that ``call_id``."""
        return any(
            item.wire["type"] == "function_call" and item.wire["call_id"] == call_id
            for item in self._items.values()
        )

    def add(self, item: SimItem, previous: str | None = None) -> None:
        """Insert an item at the end (None), at the front (``root``) or after the item ``previous``.

        Raises:
            ApiRefusal: the id already exists, or ``previous`` does not.
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
        self._forget_oldest(item)  # after the insertion, but never the new item itself

    def remove(self, item_id: str) -> None:
        """Remove an item.

        Raises:
            ApiRefusal: it does not exist.
        """
        item = self.get(item_id, "delete")
        self._audio_bytes -= len(item.audio)
        self._text_chars -= self._sizes.pop(item_id)
        del self._items[item_id]
        self._order.remove(item_id)

    def keep_audio(self, item: SimItem, data: bytes) -> None:
        """Append audio to an item, inside or outside the conversation; a truncated item ignores it."""
        if item.is_truncated:
            return
        item.audio_bytes += len(data)
        if item.id in self._items:
            item.audio += data
            self._audio_bytes += len(data)
            self._forget_audio()

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cut an assistant item's audio and clear its transcript.

        Raises:
            ApiRefusal: the item does not exist, is not model audio, or is already shorter.
        """
        item = self.get(item_id, "truncate")
        part = item.parts[content_index] if 0 <= content_index < len(item.parts) else {}
        if item.role != "assistant" or part.get("type") != "output_audio":
            raise truncate_not_audio()
        if audio_end_ms > item.audio_ms:
            raise truncate_too_long(item.audio_ms, audio_end_ms)
        # Words are not aligned with the audio; assume that they are evenly spread.
        words = str(part["transcript"]).split()
        heard = len(words) * max(0, audio_end_ms) // max(1, item.audio_ms)
        item.kept_words = " ".join(words[:heard]) if words else item.kept_words
        kept = int(max(0, audio_end_ms) * item.format.bytes_per_ms) // 2 * 2
        self._audio_bytes -= max(0, len(item.audio) - kept)
        del item.audio[kept:]
        item.audio_bytes = min(item.audio_bytes, kept)
        # A copy: a response that still streams this item keeps writing to the old dict, so that its ``.done`` events
        # add up to the deltas that it has sent.
        item.wire, item.is_truncated = snapshot(item.wire), True
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
        # Oldest first: a client retrieves what was said last.
        for item in self.items():
            self._audio_bytes -= len(item.audio)
            item.audio.clear()
            if self._audio_bytes <= MAX_KEPT_AUDIO_BYTES:
                break


def _size(item: SimItem) -> int:
    """Return the approximate size of an item in characters, without its audio."""
    return sum(len(str(value)) for value in item.wire.values())

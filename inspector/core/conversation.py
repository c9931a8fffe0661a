"""ConversationFold: the items of the conversation in server order, with everything known about each.

Copies of the fold share items and clone one before its first change after the copy (``_own``), so that keeping a state for
later costs a few shallow container copies, however long the conversation is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from inspector.core.answers import Answers
from inspector.core.event import Event
from inspector.core.fold import owned
from inspector.core.groups import audio_of, base64_size
from inspector.core.item import MAX_PARTS, ContentPart, Item, describe
from inspector.core.read import Body, int_at, object_at, objects_at, text_at
from inspector.spec.events import DELTA_OF_DONE, EVENT_TYPES

_KIND_OF_DONE = {
    "response.output_text.done": "text",
    "response.text.done": "text",
    "response.output_audio_transcript.done": "audio",
    "response.audio_transcript.done": "audio",
    "conversation.item.input_audio_transcription.completed": "input_audio",
    "conversation.item.input_audio_transcription.updated": "input_audio",
}
_TEXT = {"response.output_text.delta", "response.text.delta"}
_SPOKEN = {"response.output_audio_transcript.delta", "response.audio_transcript.delta"}
_HEARD = "conversation.item.input_audio_transcription"
_DONE = tuple(EVENT_TYPES[name].done for name in sorted(_TEXT | _SPOKEN))
_KIND_OF_DELTA = {
    **dict.fromkeys(_TEXT, "text"),
    **dict.fromkeys(_SPOKEN, "audio"),
    f"{_HEARD}.delta": "input_audio",
}


class ConversationFold:
    """The conversation after the events seen so far. Source: the SDK's ``ConversationItem…`` and ``Response…`` events."""

    name = "conversation"

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.order: list[str] = []
        """Item ids in server order; deleted items stay in the list, with ``is_deleted`` set."""
        self.answers = Answers()
        self.changed_seq = 0
        """The last event that changed the conversation."""
        self._owner = object()

    def __len__(self) -> int:
        return len(self.order)

    def apply(self, event: Event) -> None:
        """Update the state with one event."""
        handler = self._HANDLERS.get(event.type)
        if handler is not None and event.body is not None:
            handler(self, event, event.body)
            self.changed_seq = event.seq

    def copy(self) -> ConversationFold:
        """Return an independent copy; items are cloned when either side changes them."""
        clone = ConversationFold()
        clone.items, clone.order = dict(self.items), list(self.order)
        clone.answers = self.answers.copy()
        clone.changed_seq = self.changed_seq
        self._owner = object()
        return clone

    def pending_calls(self) -> list[Item]:
        """Return the function calls without an output, oldest first."""
        return self._not_deleted(self.answers.waiting_calls)

    def pending_approvals(self) -> list[Item]:
        """Return the MCP approval requests without an answer, oldest first."""
        return self._not_deleted(self.answers.waiting_approvals)

    def _not_deleted(self, item_ids: Iterable[str]) -> list[Item]:
        return [item for item in map(self.items.__getitem__, item_ids) if not item.is_deleted]

    def _own(self, item_id: str, event: Event) -> Item:
        """Return the item for changing, created if missing and cloned if a copy of the fold shares it."""
        item = self.items.get(item_id)
        if item is None:
            item = Item(item_id, self._owner, first_seq=event.seq, t_ns=event.t_ns)
            self.items[item_id] = item
            self.order.append(item_id)
        elif item.owner is not self._owner:
            item = owned(self.items, item_id, self._owner)
            item.parts = [copy.copy(part) for part in item.parts]
        item.last_seq = event.seq
        return item

    def _part(self, event: Event, body: Body) -> ContentPart | None:
        item_id = text_at(body, "item_id")
        index = int_at(body, "content_index")
        if not item_id or not 0 <= index < MAX_PARTS:
            return None
        item = self._own(item_id, event)
        item.response_id = item.response_id or text_at(body, "response_id")
        while len(item.parts) <= index:
            item.parts.append(ContentPart())
        return item.parts[index]

    def _place(self, item_id: str, previous: object) -> None:
        """Move an item that was just appended to its position on the server."""
        # An item announced earlier may have been overtaken by others; its position is then settled already.
        if self.order[-1] != item_id:
            return
        if previous == "root":
            self.order.insert(0, self.order.pop())
        elif (
            isinstance(previous, str)
            and previous in self.items
            # Nothing to do if it names itself (hostile) or already follows its predecessor (the usual case).
            and previous not in (item_id, *self.order[-2:-1])
        ):
            self.order.pop()
            # Insertions are almost always near the end, so search from there.
            at = len(self.order) - 1 - self.order[::-1].index(previous)
            self.order.insert(at + 1, item_id)

    def _upsert(self, event: Event, body: Body) -> None:
        described = object_at(body, "item")
        item_id = text_at(described, "id")
        if not item_id:
            return
        is_new = item_id not in self.items
        item = self._own(item_id, event)
        if is_new and event.type.startswith("conversation."):
            self._place(item_id, body.get("previous_item_id"))
        describe(item, described)
        _complete_committed(item)
        item.response_id = item.response_id or text_at(body, "response_id")
        self.answers.update(item)

    def _grow_text(self, event: Event, body: Body) -> None:
        part = self._part(event, body)
        if part is not None:
            part.kind = part.kind or _KIND_OF_DELTA[event.type]
            part.text += text_at(body, "delta")
            part.is_grown = True

    def _end_text(self, event: Event, body: Body) -> None:
        self._complete(event, body, DELTA_OF_DONE[event.type].whole)

    def _transcribed(self, event: Event, body: Body) -> None:
        self._complete(event, body, "transcript")

    def _complete(self, event: Event, body: Body, key: str) -> None:
        """Set a part's whole value, which takes precedence over the sum of its deltas."""
        part = self._part(event, body)
        whole = body.get(key)
        if part is None or not isinstance(whole, str):
            return
        part.kind = part.kind or _KIND_OF_DONE[event.type]
        if part.is_grown and part.text.strip() != whole.strip():
            self.items[text_at(body, "item_id")].is_mismatched = True
        part.text = whole
        part.is_grown = False
        # xAI sends interim "completed" transcripts with this status.
        part.is_done = body.get("status") != "in_progress"
        if event.type == f"{_HEARD}.completed" and part.is_done:
            self._end_of_user(event, body)

    def _end_of_user(self, event: Event, body: Body) -> None:
        """Mark a user item as committed or fully transcribed; xAI never sends ``conversation.item.done`` for it."""
        item = self._own(text_at(body, "item_id"), event)
        item.is_committed |= item.role == "user"
        _complete_committed(item)

    def _not_transcribed(self, event: Event, body: Body) -> None:
        part = self._part(event, body)
        if part is not None:
            error = object_at(body, "error")
            words = (text_at(error, "code"), text_at(error, "message"))
            part.error = ": ".join(word for word in words if word) or "transcription failed"
            self._end_of_user(event, body)

    def _grow_audio(self, event: Event, body: Body) -> None:
        part = self._part(event, body)
        if part is not None:
            part.kind = "audio"
            part.audio_bytes += base64_size(audio_of(event))

    def _grow_arguments(self, event: Event, body: Body) -> None:
        item_id = text_at(body, "item_id")
        if item_id:
            self._own(item_id, event).arguments += text_at(body, "delta")

    def _end_arguments(self, event: Event, body: Body) -> None:
        item_id = text_at(body, "item_id")
        whole = body.get("arguments")
        if not item_id or not isinstance(whole, str):
            return
        item = self._own(item_id, event)
        item.is_mismatched |= bool(item.arguments) and item.arguments != whole
        item.arguments = whole
        item.name = item.name or text_at(body, "name")
        item.call_id = item.call_id or text_at(body, "call_id")
        if item.call_id and event.type.startswith("response.function_call"):
            item.type = "function_call"
            self.answers.update(item)

    def _progress(self, event: Event, body: Body) -> None:
        """Set the status of an MCP call or a list of tools from the event's last word."""
        item_id = text_at(body, "item_id")
        if item_id:
            item = self._own(item_id, event)
            item.type = "mcp_call" if event.type.startswith("response.") else "mcp_list_tools"
            item.status = event.type.rpartition(".")[2]

    def _truncate(self, event: Event, body: Body) -> None:
        item_id = text_at(body, "item_id")
        if item_id in self.items:
            self._own(item_id, event).truncated_ms = int_at(body, "audio_end_ms")

    def _delete(self, event: Event, body: Body) -> None:
        item_id = text_at(body, "item_id")
        if item_id in self.items:
            item = self._own(item_id, event)
            item.is_deleted = True
            self.answers.discard(item)

    def _announce(self, event: Event, body: Body) -> None:
        """Create the user item that a speech or commit event names before the server adds it."""
        item_id = text_at(body, "item_id")
        if not item_id:
            return
        is_new = item_id not in self.items
        item = self._own(item_id, event)
        if is_new:
            item.role, item.status = "user", "in_progress"
            item.parts = [ContentPart("input_audio")]
        if event.type.endswith("committed"):
            # A commit gives the item its position; items may have been added since its speech started.
            if not is_new and self.order[-1] != item_id:
                self.order.remove(item_id)
                self.order.append(item_id)
            self._place(item_id, body.get("previous_item_id"))
            self._end_of_user(event, body)

    def _finish(self, event: Event, body: Body) -> None:
        """Set the final status of the output items; only ``response.done`` reports that of a cancelled one."""
        response = object_at(body, "response")
        for described in objects_at(response, "output"):
            item_id = text_at(described, "id")
            if item_id in self.items:
                item = self._own(item_id, event)
                item.status = text_at(described, "status") or item.status

    _HANDLERS: ClassVar[dict[str, Callable[[Any, Event, Body], None]]] = {
        **dict.fromkeys(
            (
                "conversation.item.added",
                "conversation.item.done",
                "conversation.item.created",
                "conversation.item.retrieved",
            ),
            _upsert,
        ),
        **dict.fromkeys(_KIND_OF_DELTA, _grow_text),
        **dict.fromkeys(_DONE, _end_text),
        f"{_HEARD}.completed": _transcribed,
        f"{_HEARD}.updated": _transcribed,
        f"{_HEARD}.failed": _not_transcribed,
        "response.output_audio.delta": _grow_audio,
        "response.audio.delta": _grow_audio,
        "response.function_call_arguments.delta": _grow_arguments,
        "response.mcp_call_arguments.delta": _grow_arguments,
        "response.function_call_arguments.done": _end_arguments,
        "response.mcp_call_arguments.done": _end_arguments,
        "response.output_item.added": _upsert,
        "response.output_item.done": _upsert,
        **dict.fromkeys(
            (
                f"{name}.{step}"
                for name in ("mcp_list_tools", "response.mcp_call")
                for step in ("in_progress", "completed", "failed")
            ),
            _progress,
        ),
        "conversation.item.truncated": _truncate,
        "conversation.item.deleted": _delete,
        "input_audio_buffer.speech_started": _announce,
        "input_audio_buffer.committed": _announce,
        "response.done": _finish,
    }


def _complete_committed(item: Item) -> None:
    # The audio of a committed item is complete; only its transcript may follow.
    if item.is_committed and item.status == "in_progress":
        item.status = "completed"

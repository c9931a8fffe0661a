"""ConversationFold: the items of the conversation in server order, with everything that is known of each.

Items are shared between copies of the fold and cloned before the first change after a copy (``_own``), so that keeping
a state for later costs two shallow container copies, however long the conversation is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from inspector.core.event import Event
from inspector.core.groups import audio_of, base64_size
from inspector.core.read import Body, int_at, object_at, objects_at, text_at
from inspector.spec.events import DELTA_OF_DONE, EVENT_TYPES

MAX_PARTS = 256
"""Content parts of one item that are kept; a hostile ``content_index`` must not allocate."""


@dataclass(slots=True)
class ContentPart:
    """One content part of a message."""

    kind: str = ""
    """``input_text``, ``input_audio``, ``input_image``, ``text`` or ``audio`` (output parts without their prefix)."""
    text: str = ""
    """Text, or transcript of audio, or size and type of an image."""
    audio_bytes: int = 0
    """Audio received, decoded size in bytes."""
    is_done: bool = False
    is_grown: bool = False
    """True while ``text`` is the sum of deltas, not yet a whole value."""
    error: str = ""
    """Why the transcription failed."""


@dataclass(slots=True)
class Item:
    """One item of the conversation."""

    id: str
    owner: object
    type: str = "message"
    role: str = ""
    status: str = ""
    phase: str = ""
    parts: list[ContentPart] = field(default_factory=list)
    name: str = ""
    """Function or tool name."""
    call_id: str = ""
    arguments: str = ""
    output: str = ""
    response_id: str = ""
    first_seq: int = 0
    last_seq: int = 0
    t_ns: int = 0
    truncated_ms: int | None = None
    is_deleted: bool = False
    is_mismatched: bool = False
    """True where what the deltas added up to differs from the ``done`` value."""

    @property
    def text(self) -> str:
        """Return the words of all parts."""
        return "\n".join(part.text for part in self.parts if part.text)

    @property
    def audio_bytes(self) -> int:
        """Return the audio received for all parts, in bytes."""
        return sum(part.audio_bytes for part in self.parts)


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
    """The conversation after the events seen so far."""

    name = "conversation"

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.order: list[str] = []
        """Item ids in server order; deleted items stay, marked."""
        self.calls: dict[str, str] = {}
        """``call_id`` to the id of the ``function_call`` item."""
        self.outputs: dict[str, str] = {}
        """``call_id`` to the id of the ``function_call_output`` item."""
        self.changed_seq = 0
        """The last event that changed anything here."""
        self._owner = object()

    def __len__(self) -> int:
        return len(self.order)

    def apply(self, event: Event) -> None:
        """Take one event in."""
        handler = self._HANDLERS.get(event.type)
        if handler is not None and event.body is not None:
            handler(self, event, event.body)
            self.changed_seq = event.seq

    def copy(self) -> ConversationFold:
        """Return an independent copy; items are cloned when either side changes them."""
        twin = ConversationFold()
        twin.items, twin.order = dict(self.items), list(self.order)
        twin.calls, twin.outputs = dict(self.calls), dict(self.outputs)
        twin.changed_seq = self.changed_seq
        self._owner = object()
        return twin

    def pending_calls(self) -> list[Item]:
        """Return the function calls that are complete and have no output yet."""
        return [
            self.items[item_id]
            for call_id, item_id in self.calls.items()
            if call_id not in self.outputs
            and item_id in self.items
            and not self.items[item_id].is_deleted
        ]

    def _own(self, item_id: str, event: Event) -> Item:
        """Return the item for changing: made where it is missing, cloned where a copy shares it."""
        item = self.items.get(item_id)
        if item is None:
            item = Item(item_id, self._owner, first_seq=event.seq, t_ns=event.t_ns)
            self.items[item_id] = item
            self.order.append(item_id)
        elif item.owner is not self._owner:
            item = copy.copy(item)
            item.owner = self._owner
            item.parts = [copy.copy(part) for part in item.parts]
            self.items[item_id] = item
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
        """Move an item that was just appended to where the server has it."""
        if self.order[-1] != item_id:
            return
        if previous == "root":
            self.order.insert(0, self.order.pop())
        elif (
            isinstance(previous, str) and previous in self.items and self.order[-2:-1] != [previous]
        ):
            self.order.pop()
            # Insertions aim near the end almost always, so look from there.
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
        _describe(item, described)
        item.response_id = item.response_id or text_at(body, "response_id")
        if item.type == "function_call" and item.call_id:
            self.calls[item.call_id] = item_id
        elif item.type == "function_call_output" and item.call_id:
            self.outputs[item.call_id] = item_id

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
        """Take a part's whole value, which wins over what its deltas added up to."""
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

    def _not_transcribed(self, event: Event, body: Body) -> None:
        part = self._part(event, body)
        if part is not None:
            error = object_at(body, "error")
            part.error = (
                text_at(error, "message") or text_at(error, "code") or "transcription failed"
            )

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
            self.calls[item.call_id] = item_id

    def _truncate(self, event: Event, body: Body) -> None:
        item_id = text_at(body, "item_id")
        if item_id in self.items:
            self._own(item_id, event).truncated_ms = int_at(body, "audio_end_ms")

    def _delete(self, event: Event, body: Body) -> None:
        item_id = text_at(body, "item_id")
        if item_id in self.items:
            self._own(item_id, event).is_deleted = True

    def _announce(self, event: Event, body: Body) -> None:
        """Speech and commit events name the user item before it exists."""
        item_id = text_at(body, "item_id")
        if not item_id:
            return
        is_new = item_id not in self.items
        item = self._own(item_id, event)
        if is_new:
            item.role, item.status = "user", "in_progress"
            item.parts = [ContentPart("input_audio")]
        if event.type.endswith("committed"):
            if not is_new and self.order[-1] != item_id:
                self.order.remove(item_id)
                self.order.append(item_id)
            self._place(item_id, body.get("previous_item_id"))

    def _finish(self, event: Event, body: Body) -> None:
        """``response.done`` repeats the output items: keep what only it says (a cancelled item's status)."""
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
        "conversation.item.truncated": _truncate,
        "conversation.item.deleted": _delete,
        "input_audio_buffer.speech_started": _announce,
        "input_audio_buffer.committed": _announce,
        "response.done": _finish,
    }


def _describe(item: Item, described: Body) -> None:
    for name in ("type", "role", "status", "phase", "name", "call_id"):
        value = text_at(described, name)
        if value:
            setattr(item, name, value)
    if text_at(described, "arguments"):
        whole = text_at(described, "arguments")
        item.is_mismatched |= (
            bool(item.arguments) and item.status == "completed" and item.arguments != whole
        )
        item.arguments = whole
    item.output = text_at(described, "output") or item.output
    for index, content in enumerate(objects_at(described, "content")[:MAX_PARTS]):
        if len(item.parts) <= index:
            item.parts.append(ContentPart())
        _describe_part(item.parts[index], content)


def _describe_part(part: ContentPart, content: Body) -> None:
    kind = text_at(content, "type")
    part.kind = kind.removeprefix("output_") or part.kind
    if kind == "input_image":
        part.text = _image(text_at(content, "image_url"))
        return
    words = text_at(content, "text") or text_at(content, "transcript")
    if words:
        part.text, part.is_grown = words, False
    audio = text_at(content, "audio")
    if audio:
        part.audio_bytes = base64_size(audio)


def _image(url: str) -> str:
    mime, comma, payload = url.removeprefix("data:").partition(",")
    if not url.startswith("data:") or not comma:
        return url[:200]
    return f"{mime.partition(';')[0]} {base64_size(payload):,} bytes"

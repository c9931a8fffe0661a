"""PromptPrefix: whether each prompt begins as the one before did, since only the part that both share is billed as cached.

A prompt is instructions, tools and the conversation, in this order. What changes in the middle makes all that follows new to
the cache. Source: protocol reference, section 5; the API's guides to prompt caching and to managing costs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from inspector.core.event import Direction, Event
from inspector.core.read import Body, object_at, text_at

MAX_BREAKS = 16
"""Kept of one prompt: a client that deletes a whole history breaks it once."""
MAX_OPEN_REQUESTS = 16
"""Requests for a response, and deletions, that may await their answer."""
MAX_RUNNING_RESPONSES = 64
"""Prompts that are remembered until their response is over."""
MAX_FRESH = 1024
"""Items that are remembered as younger than the last prompt."""
EXCERPT = 32
"""Characters shown of a word, and how far back its beginning is looked for: languages without spaces have long ones."""


@dataclass(frozen=True, slots=True)
class PrefixBreak:
    """A change in what the prompt before had already contained."""

    kind: str
    """``instructions``, ``tools``, ``delete``, ``truncate``, or ``trim``: the server left old items out."""
    seq: int
    """The event that did it: the client's where there is one."""
    character: int | None = None
    """Where the first word begins that differs, in characters from 1: a cache knows words, not characters."""
    exact: int | None = None
    """The first character that differs, from 1."""
    before: str = ""
    """The word there was, cut."""
    after: str = ""
    """The word there is, cut."""


@dataclass(frozen=True, slots=True)
class ResponsePrompt:
    """What is known of the prompt of one response."""

    breaks: tuple[PrefixBreak, ...] = ()
    """What changed in it since the prompt before."""
    is_apart: bool = False
    """True where it is not the conversation: out of band, or with an ``input`` of its own."""


@dataclass(frozen=True, slots=True)
class _Texts:
    """The beginning of a prompt."""

    instructions: str | None = None
    """None while nothing tells."""
    tools: Any = None
    instructions_seq: int = 0
    tools_seq: int = 0


@dataclass(frozen=True, slots=True)
class _Request:
    """A ``response.create`` that waits for its response."""

    seq: int
    event_id: str
    instructions: str | None
    tools: Any
    has_input: bool


@dataclass(slots=True)
class PromptPrefix:
    """The prompts of one session; made anew for each."""

    _texts: _Texts = _Texts()
    _sent: _Texts | None = None
    """Of the last prompt that was the conversation's."""
    _asked: Mapping[str, tuple[int, Any]] = field(default_factory=dict)
    """Instructions and tools of the last update that the server has not confirmed, with its ``seq``."""
    _requests: tuple[_Request, ...] = ()
    _edits: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Deletions and truncations that are not confirmed, by kind and item: their ``seq``."""
    _fresh: frozenset[str] = frozenset()
    """Items that came after the last prompt, which therefore did not contain them."""
    _broken: tuple[PrefixBreak, ...] = ()
    """Deletions and truncations since the last prompt."""
    _running: Mapping[str, ResponsePrompt] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take one event in."""
        body = event.body
        if body is None:
            return
        if event.type in _CONFIRMED:
            self._confirm(event, object_at(body, "session"))
        elif event.direction is Direction.CLIENT:
            self._ask(event, body)
        elif event.type in _ADDED:
            self._add(text_at(object_at(body, "item"), "id"))
        elif event.type in _EDITED:
            self._edit(_EDITED[event.type], text_at(body, "item_id"), event.seq)
        elif event.type == "response.created":
            self._begin(object_at(body, "response"))
        elif event.type == "error":
            self._refuse(object_at(body, "error"))

    def copy(self) -> PromptPrefix:
        """Return an independent copy: all that it holds is immutable."""
        return replace(self)

    def end(self, response_id: str) -> ResponsePrompt:
        """Return what is known of a response's prompt, and forget it."""
        found = self._running.get(response_id)
        if found is None:
            return ResponsePrompt()
        self._running = {name: one for name, one in self._running.items() if name != response_id}
        return found

    def _ask(self, event: Event, body: Body) -> None:
        if event.type == "session.update":
            session = object_at(body, "session")
            told = {name: (event.seq, session[name]) for name in _TEXTS if name in session}
            self._asked = {**self._asked, **told}
        elif event.type == "response.create":
            asked = object_at(body, "response")
            instructions = asked.get("instructions")
            request = _Request(
                event.seq,
                text_at(body, "event_id"),
                instructions if isinstance(instructions, str) else None,
                asked.get("tools"),
                isinstance(asked.get("input"), list),
            )
            self._requests = (*self._requests, request)[-MAX_OPEN_REQUESTS:]
        elif event.type in _EDITS and len(self._edits) < MAX_OPEN_REQUESTS:
            key = _EDITS[event.type], text_at(body, "item_id")
            self._edits = {**self._edits, key: event.seq}

    def _confirm(self, event: Event, session: Body) -> None:
        """Take over what the server says is in force; what it does not say is as it was asked for."""
        for name in _TEXTS:
            asked_seq, asked = self._asked.get(name, (0, None))
            value = session.get(name, asked)
            if value is None or (name == "instructions" and not isinstance(value, str)):
                continue
            is_asked = asked_seq > 0 and value == asked
            if value != getattr(self._texts, name):
                seq = asked_seq if is_asked else event.seq
                self._texts = replace(self._texts, **{name: value, f"{name}_seq": seq})
            if is_asked:
                self._asked = {key: one for key, one in self._asked.items() if key != name}

    def _refuse(self, error: Body) -> None:
        """Forget the request for a response that an error refuses."""
        named = text_at(error, "event_id")
        if named:
            self._requests = tuple(one for one in self._requests if one.event_id != named)
        elif (
            text_at(error, "param").startswith("response")
            or text_at(error, "code") == "conversation_already_has_active_response"
        ):
            self._requests = self._requests[:-1]

    def _add(self, item_id: str) -> None:
        if item_id and len(self._fresh) < MAX_FRESH:
            self._fresh |= {item_id}

    def _edit(self, kind: str, item_id: str, seq: int) -> None:
        key = kind, item_id
        asked_seq = self._edits.get(key)
        if asked_seq is not None:
            self._edits = {other: at for other, at in self._edits.items() if other != key}
        if self._sent is not None and item_id not in self._fresh and len(self._broken) < MAX_BREAKS:
            self._broken = (*self._broken, PrefixBreak(kind, asked_seq or seq))

    def _begin(self, response: Body) -> None:
        request, self._requests = (self._requests or (None,))[0], self._requests[1:]
        response_id = text_at(response, "id")
        is_out_of_band = response.get("conversation_id", "absent") is None
        if is_out_of_band or (request is not None and request.has_input):
            self._keep(response_id, ResponsePrompt(is_apart=True))
            return
        texts = self._texts
        if request is not None and request.instructions is not None:
            texts = replace(texts, instructions=request.instructions, instructions_seq=request.seq)
        if request is not None and request.tools is not None:
            texts = replace(texts, tools=request.tools, tools_seq=request.seq)
        changed = _changes(self._sent, texts) if self._sent is not None else ()
        self._keep(response_id, ResponsePrompt((*changed, *self._broken)))
        self._sent, self._fresh, self._broken = texts, frozenset(), ()

    def _keep(self, response_id: str, prompt: ResponsePrompt) -> None:
        running = dict(self._running)
        if len(running) >= MAX_RUNNING_RESPONSES:
            running.pop(next(iter(running)))
        self._running = {**running, response_id: prompt}


_TEXTS = ("instructions", "tools")
_CONFIRMED = frozenset({"session.created", "session.updated"})
_ADDED = frozenset({"conversation.item.added", "conversation.item.created"})
_EDITS = {"conversation.item.delete": "delete", "conversation.item.truncate": "truncate"}
_EDITED = {"conversation.item.deleted": "delete", "conversation.item.truncated": "truncate"}
PREFIX_TYPES = frozenset(
    {
        *_CONFIRMED,
        *_ADDED,
        *_EDITS,
        *_EDITED,
        "session.update",
        "response.create",
        "response.created",
        "error",
    }
)
"""All that it takes in."""


def _changes(before: _Texts, after: _Texts) -> tuple[PrefixBreak, ...]:
    """Return what differs between the beginnings of two prompts; what was not known before is no change."""
    found = []
    if before.instructions is not None and before.instructions != after.instructions:
        seq = max(after.instructions_seq, before.instructions_seq)
        found.append(difference("instructions", seq, before.instructions, after.instructions or ""))
    if before.tools is not None and before.tools != after.tools:
        seq = max(after.tools_seq, before.tools_seq)
        # Not orjson: a lone surrogate in a description is JSON, and nothing that it writes.
        old, new = (json.dumps(one, ensure_ascii=False) for one in (before.tools, after.tools))
        found.append(difference("tools", seq, old, new))
    return tuple(found)


def difference(kind: str, seq: int, before: str, after: str) -> PrefixBreak:
    """Return where two texts begin to differ."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    begin = low
    while begin and low - begin < EXCERPT and not before[begin - 1].isspace():
        begin -= 1
    if begin and not before[begin - 1].isspace():
        begin = low
    return PrefixBreak(kind, seq, begin + 1, low + 1, _word(before, begin), _word(after, begin))


def _word(text: str, begin: int) -> str:
    return next(iter(text[begin : begin + EXCERPT].split()), "").rstrip(".,;:!?")

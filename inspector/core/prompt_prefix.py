"""PromptPrefix: whether each prompt starts like the previous one; only their common prefix is billed as cached.

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
"""Breaks kept per prompt; a client that deletes a whole history breaks it once."""
MAX_OPEN_REQUESTS = 16
"""``response.create`` events and deletions that may be waiting for the server's answer."""
MAX_RUNNING_RESPONSES = 64
"""Prompts that are remembered until their response is done."""
MAX_FRESH = 1024
"""Items that are remembered as newer than the last prompt."""
EXCERPT = 32
"""Characters shown of a word, and searched for its start; languages without spaces have long words."""


@dataclass(frozen=True, slots=True)
class PrefixBreak:
    """A change in what the previous prompt had already contained."""

    kind: str
    """``instructions``, ``tools``, ``delete``, ``truncate``, or ``trim``: the server left old items out."""
    seq: int
    """``seq`` of the event that caused it, the client's if there is one."""
    character: int | None = None
    """Position of the first word that differs, in characters from 1; a cache stores words, not characters."""
    exact: int | None = None
    """Position of the first character that differs, from 1."""
    before: str = ""
    """The previous word there, shortened."""
    after: str = ""
    """The new word there, shortened."""


@dataclass(frozen=True, slots=True)
class ResponsePrompt:
    """What is known about the prompt of one response."""

    breaks: tuple[PrefixBreak, ...] = ()
    """What changed since the previous prompt."""
    is_apart: bool = False
    """True if it is not the conversation: out of band, or with its own ``input``."""


@dataclass(frozen=True, slots=True)
class _Texts:
    """The prefix of a prompt."""

    instructions: str | None = None
    """None while unknown."""
    tools: Any = None
    instructions_seq: int = 0
    tools_seq: int = 0


@dataclass(frozen=True, slots=True)
class _Request:
    """A ``response.create`` without its response so far."""

    seq: int
    event_id: str
    instructions: str | None
    tools: Any
    has_input: bool


@dataclass(slots=True)
class PromptPrefix:
    """The prompts of one session; each session has its own object."""

    _texts: _Texts = _Texts()
    _sent: _Texts | None = None
    """Prefix of the last prompt of the conversation."""
    _asked: Mapping[str, tuple[int, Any]] = field(default_factory=dict)
    """Instructions and tools of the last unconfirmed update, with its ``seq``."""
    _requests: tuple[_Request, ...] = ()
    _edits: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """``seq`` of unconfirmed deletions and truncations, by kind and item."""
    _fresh: frozenset[str] = frozenset()
    """Items added after the last prompt, which does not contain them."""
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
        """Return an independent copy; its values are immutable."""
        return replace(self)

    def end(self, response_id: str) -> ResponsePrompt:
        """Return what is known about a response's prompt, and forget it."""
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
        """Store what the server reports as in force; what it does not report is as requested."""
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
        """Forget the ``response.create`` that an error rejects."""
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
"""All event types that it needs."""


def _changes(before: _Texts, after: _Texts) -> tuple[PrefixBreak, ...]:
    """Return the differences between the prefixes of two prompts; a previously unknown value does not count as changed."""
    found = []
    if before.instructions is not None and before.instructions != after.instructions:
        seq = max(after.instructions_seq, before.instructions_seq)
        found.append(difference("instructions", seq, before.instructions, after.instructions or ""))
    if before.tools is not None and before.tools != after.tools:
        seq = max(after.tools_seq, before.tools_seq)
        # Not orjson: it refuses to write a lone surrogate, which JSON allows in a description.
        old, new = (json.dumps(one, ensure_ascii=False) for one in (before.tools, after.tools))
        found.append(difference("tools", seq, old, new))
    return tuple(found)


def difference(kind: str, seq: int, before: str, after: str) -> PrefixBreak:
    """Return the position where two texts start to differ."""
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

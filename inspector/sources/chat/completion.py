"""A chat completion as it comes, put together piece by piece. Pure; what makes no sense is told apart, never raised on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.sim.brain import Answer, Call, TokenCount

_CUT_SHORT = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""By ``finish_reason``."""
_TEXTS = ("content", "refusal")
"""Members of a message that are said; what a model thinks comes in others."""
_MESSAGES = ("message", "detail", "error")
"""Where servers put what went wrong."""
_MAX_WORDS = 300
MAX_BYTES = 4 << 20
"""Of one line, or of an answer that is no stream."""
_DATA = b"data:"
_OF_NO_INTEREST = (b":", b"event:", b"id:", b"retry:")
"""Other lines of a stream of server-sent events."""


class EventStream:
    """The data of a stream of server-sent events; of a server that does not stream, the whole body at the end."""

    def __init__(self) -> None:
        self.is_done = False
        """True once the stream said so itself."""
        self._rest = b""
        self._other: list[bytes] = []
        self._other_bytes = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Take a piece of the body in, and return the data that it completes.

        Raises:
            ValueError: a line, or all that is no event, is too long.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        found = [data for line in lines for data in self._data(line.strip())]
        if max(len(self._rest), self._other_bytes) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES >> 20} MiB without an event")
        return found

    def end(self) -> list[bytes]:
        """Return the data that is left at the end of the body."""
        found = self._data(self._rest.strip())
        other = b"\n".join(self._other)
        return found or ([other] if other and not self.is_done else [])

    def _data(self, line: bytes) -> list[bytes]:
        if not line or line.startswith(_OF_NO_INTEREST):
            return []
        if not line.startswith(_DATA):
            self._other.append(line)
            self._other_bytes += len(line)
            return []
        data = line.removeprefix(_DATA).strip()
        self.is_done = self.is_done or data == b"[DONE]"
        return [] if data in (b"", b"[DONE]") else [data]


@dataclass(slots=True)
class _Calling:
    id: str
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class ChatCompletion:
    """What has come of one completion."""

    text: str = ""
    tokens: TokenCount | None = None
    is_over: bool = False
    """True once the server said that the answer is whole; usage may follow."""
    problem: str = ""
    """What the server says went wrong in the middle of its answer."""
    _cut_short: str = ""
    _calls: list[_Calling] = field(default_factory=list)
    _by_index: dict[object, _Calling] = field(default_factory=dict)

    def take(self, chunk: object) -> bool:
        """Take one chunk in, or a whole completion; tell whether it was one."""
        if not isinstance(chunk, dict):
            return False
        self.problem = self.problem or words_of(chunk.get("error"))
        self.tokens = _tokens(chunk.get("usage")) or self.tokens
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            return bool(self.problem)
        for choice in choices[:1]:
            if isinstance(choice, dict):
                self._take_choice(choice)
        return True

    def answer(self, *, is_complete: bool) -> Answer:
        """Return the answer as far as it has come."""
        calls: list[Call] = []
        for calling in self._calls:
            if not calling.name:
                break
            whole = calling.arguments or ("{}" if is_complete else "")
            calls.append(Call(calling.name, whole))
        cut_short = self._cut_short if is_complete else ""
        return Answer(
            self.text,
            tuple(calls),
            is_complete=is_complete,
            cut_short=cut_short,
            tokens=self.tokens,
        )

    def _take_choice(self, choice: Mapping[str, Any]) -> None:
        said = choice.get("delta") or choice.get("message")
        if isinstance(said, dict):
            if not self._calls:  # words after a call would come too late: the message is over
                self.text += "".join(_text(said.get(name)) for name in _TEXTS)
            calls = said.get("tool_calls")
            for place, part in enumerate(calls if isinstance(calls, list) else ()):
                if isinstance(part, dict):
                    self._take_call(part, place)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.is_over = True
            self._cut_short = _CUT_SHORT.get(reason, "")

    def _take_call(self, part: Mapping[str, Any], place: int) -> None:
        """Take a piece of a call in: one with an id of its own is another call, even where the server counts none of them."""
        index, call_id = part.get("index", place), str(part.get("id") or "")
        calling = self._by_index.get(str(index))
        if calling is None or (call_id and calling.id and call_id != calling.id):
            calling = self._by_index[str(index)] = _Calling(call_id)
            self._calls.append(calling)
        function = part.get("function")
        if isinstance(function, dict):
            calling.name = calling.name or _text(function.get("name"))
            arguments = function.get("arguments")
            is_object = isinstance(arguments, dict)
            calling.arguments += json.dumps(arguments) if is_object else _text(arguments)


def words_of(error: object) -> str:
    """Return what a server says went wrong, cut to a readable length; ``""`` where it says nothing."""
    for _ in range(3):
        if isinstance(error, list) and error:
            error = error[0]
        if not isinstance(error, dict):
            break
        error = next((error[name] for name in _MESSAGES if error.get(name)), "")
    text = " ".join(error.split()) if isinstance(error, str) else ""
    return text if len(text) <= _MAX_WORDS else f"{text[:_MAX_WORDS]}…"


def _text(value: object) -> str:
    """Return a text, also one that comes in parts."""
    parts = value if isinstance(value, list) else [{"text": value}]
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _tokens(usage: object) -> TokenCount | None:
    if not isinstance(usage, dict):
        return None
    given, made = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return None if given is None or made is None else TokenCount(given, made, cached or 0)


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 1 << 53 else None  # beyond it other readers of JSON lose digits

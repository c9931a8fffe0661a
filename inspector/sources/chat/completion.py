"""Assembly of a streamed chat completion from the bytes of its response. Pure.

Chunks in an unexpected shape are skipped or reported as not being chunks; only data without end raises.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.sim.brain import Answer, Call, TokenCount

_CUT_SHORT = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""``finish_reason`` to the reason of an incomplete response."""
_TEXTS = ("content", "refusal")
"""Members of a message that the user gets to hear; reasoning is in other members."""
_MESSAGES = ("message", "detail", "error")
"""Members in which endpoints put an error message: OpenAI's, FastAPI's and Ollama's."""
_MAX_ERROR_CHARS = 300
MAX_BYTES = 4 << 20
"""Limit of one line, and of a body that is not a stream."""
_DATA = b"data:"
_IGNORED = (b":", b"event:", b"id:", b"retry:")
"""Comments and other fields of server-sent events (WHATWG HTML, 9.2.6)."""


class EventStream:
    """Splits a body into the data of server-sent events; a body that is not a stream is one piece of data at the end."""

    def __init__(self) -> None:
        self.is_done = False
        """True once ``data: [DONE]`` has arrived."""
        self._rest = b""
        self._other: list[bytes] = []
        self._other_bytes = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Add a piece of the body, and return the data that it completes.

        Raises:
            ValueError: a line, or the part of the body that is not events, is too long.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        found = [data for line in lines for data in self._data(line.strip())]
        if max(len(self._rest), self._other_bytes) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES >> 20} MiB without an event")
        return found

    def end(self) -> list[bytes]:
        """Return the data at the end of the body: an event without a line end, or a body that is not a stream."""
        found = self._data(self._rest.strip())
        other = b"\n".join(self._other)
        return found or ([other] if other and not self.is_done else [])

    def _data(self, line: bytes) -> list[bytes]:
        if not line or line.startswith(_IGNORED):
            return []
        if not line.startswith(_DATA):
            self._other.append(line)
            self._other_bytes += len(line)
            return []
        data = line.removeprefix(_DATA).strip()
        self.is_done = self.is_done or data == b"[DONE]"
        return [] if data in (b"", b"[DONE]") else [data]


@dataclass(slots=True)
class _PartialCall:
    id: str
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class ChatCompletion:
    """The part of one completion that has arrived."""

    text: str = ""
    tokens: TokenCount | None = None
    has_finished: bool = False
    """True once a ``finish_reason`` has arrived; usage may follow."""
    problem: str = ""
    """An error that the endpoint sent within the stream."""
    _cut_short: str = ""
    _calls: list[_PartialCall] = field(default_factory=list)
    _by_index: dict[object, _PartialCall] = field(default_factory=dict)

    def add(self, chunk: object) -> bool:
        """Add a chunk or a whole completion; return False if it is neither."""
        if not isinstance(chunk, dict):
            return False
        self.problem = self.problem or error_text(chunk.get("error"))
        self.tokens = _tokens(chunk.get("usage")) or self.tokens
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            return bool(self.problem)
        for choice in choices[
            :1
        ]:  # ``n`` is never set, so there is one; the last chunk, with usage, has none
            if isinstance(choice, dict):
                self._add_choice(choice)
        return True

    def answer(self, *, is_complete: bool) -> Answer:
        """Return the answer so far."""
        calls: list[Call] = []
        for call in self._calls:
            if (
                not call.name
            ):  # not announced yet: an answer's calls cannot change their names later
                break
            arguments = call.arguments or ("{}" if is_complete else "")
            calls.append(Call(call.name, arguments))
        cut_short = self._cut_short if is_complete else ""
        return Answer(
            self.text,
            tuple(calls),
            is_complete=is_complete,
            cut_short=cut_short,
            tokens=self.tokens,
        )

    def _add_choice(self, choice: Mapping[str, Any]) -> None:
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            if not self._calls:  # the message item is closed when the first call starts
                self.text += "".join(_text(delta.get(name)) for name in _TEXTS)
            calls = delta.get("tool_calls")
            for position, part in enumerate(calls if isinstance(calls, list) else ()):
                if isinstance(part, dict):
                    self._add_call_part(part, position)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.has_finished = True
            self._cut_short = _CUT_SHORT.get(reason, "")

    def _add_call_part(self, part: Mapping[str, Any], position: int) -> None:
        # Some endpoints omit ``index`` or always send 0; then only a new id tells that another call starts.
        index, call_id = part.get("index", position), str(part.get("id") or "")
        call = self._by_index.get(str(index))
        if call is None or (call_id and call.id and call_id != call.id):
            call = self._by_index[str(index)] = _PartialCall(call_id)
            self._calls.append(call)
        function = part.get("function")
        if isinstance(function, dict):
            call.name = call.name or _text(function.get("name"))
            arguments = function.get("arguments")
            is_object = isinstance(
                arguments, dict
            )  # some endpoints send an object, not its JSON text
            call.arguments += json.dumps(arguments) if is_object else _text(arguments)


def error_text(error: object) -> str:
    """Return the message in an endpoint's error, shortened to a readable length; ``""`` if it has none."""
    for _ in range(3):
        if isinstance(error, list) and error:
            error = error[0]
        if not isinstance(error, dict):
            break
        error = next((error[name] for name in _MESSAGES if error.get(name)), "")
    text = " ".join(error.split()) if isinstance(error, str) else ""
    return text if len(text) <= _MAX_ERROR_CHARS else f"{text[:_MAX_ERROR_CHARS]}…"


def _text(value: object) -> str:
    """Return a text that is a string or a list of parts; ``""`` for anything else."""
    parts = value if isinstance(value, list) else [{"text": value}]
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _tokens(usage: object) -> TokenCount | None:
    if not isinstance(usage, dict):
        return None
    prompt, output = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return None if prompt is None or output is None else TokenCount(prompt, output, cached or 0)


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 1 << 53 else None  # many JSON parsers lose digits beyond 2**53

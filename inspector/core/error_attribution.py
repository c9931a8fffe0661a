"""Error attribution: the rules that find the client event that an error from the server rejects, with a confidence.

Stateless; ``causes`` keeps the unanswered events. An error with an ``event_id`` names its event. Most clients send no ids, so
other errors are matched by their code, the path in ``param`` and their message against the unanswered client events. Every rule
requires evidence, because a wrong attribution misleads more than a missing one.

Source: the SDK's ``RealtimeError`` (``error.event_id``, ``code``, ``param``) and errors recorded from OpenAI, Azure, LocalAI
and GPT-Live, whose codes and messages the tables below list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inspector.core.event import Event
from inspector.core.kinds import APPENDS
from inspector.core.read import Body, object_at, text_at
from inspector.spec.events import EVENT_TYPES

KEPT_CHARS = 64
"""Kept of each string in an outline: covers every value that an error quotes, and distinguishes base64 from a data URL."""
FEW = 3
"""Unanswerable events that may share the suspicion of one error; with more of them, choosing one would be a guess."""


class Confidence(StrEnum):
    """How certain it is that an error rejects an event."""

    CERTAIN = "certain"
    """The error names the event's id."""
    LIKELY = "likely"
    """Only this event matches the error's content."""
    POSSIBLE = "possible"
    """Several events match and this is the first of them, or it is merely the only unanswered event."""

    @property
    def adverb(self) -> str:
        """Return the adverb for "rejected" or "caused", with a trailing space; ``""`` if certain."""
        return {"certain": "", "likely": "probably ", "possible": "possibly "}[self.value]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A client event that the server rejected."""

    seq: int
    """The client event."""
    error_seq: int
    """The error event."""
    confidence: Confidence
    """How certain the attribution is."""
    error: Body
    """The server's ``error`` object."""
    running_id: str = ""
    """The active response that made the server reject a ``response.create``; ``""`` for other errors."""

    @property
    def code(self) -> str:
        """Return the server's code, else its type of error."""
        return text_at(self.error, "code") or text_at(self.error, "type") or "rejected"

    @property
    def is_certain(self) -> bool:
        """Return whether the error names the event."""
        return self.confidence is Confidence.CERTAIN


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A client event that may still be answered or rejected."""

    seq: int
    """The event's position in the log."""
    type: str
    """The event's ``type``."""
    event_id: str
    """The client's id for it; ``""`` if it has none."""
    subject: str
    """The item or response that it is about; ``""`` if it names none."""
    outline: Body | None
    """Its body with long strings cut, so that audio is not kept in memory; None if the frame cannot be decoded."""
    is_text: bool = True
    """False for a binary frame."""

    @classmethod
    def of(cls, event: Event, subject: str) -> Sent:
        """Return the record of a client event."""
        body = event.body
        # Small frames are kept as they are: walking them would cost more than the bytes it saves.
        outline = body if body is None or len(event.data) <= KEPT_CHARS * 4 else _cut(body)
        event_id = text_at(body or {}, "event_id")
        return cls(event.seq, event.type, event_id, subject, outline, event.is_text)


@dataclass(frozen=True, slots=True)
class Suspects:
    """The client events that an error may reject."""

    events: Sequence[Sent] = ()
    """In the order in which they were sent."""
    is_guess: bool = False
    """True if the error's content does not point to them."""
    is_vague: bool = False
    """True if the error's content also matches events that the server accepted."""

    @property
    def confidence(self) -> Confidence:
        """Return how certain it is that the error rejects the first of them."""
        is_one = len(self.events) == 1 and not self.is_guess
        return Confidence.LIKELY if is_one else Confidence.POSSIBLE


UPDATES = frozenset({"session.update", "transcription_session.update"})
"""Types that change the session."""
ACTIVE_RESPONSE = "conversation_already_has_active_response"
_CREATE = frozenset({"response.create"})
_TRUNCATE = frozenset({"conversation.item.truncate"})
_ITEM_CREATE = frozenset(
    {"conversation.item.create", "response.item.create", "decision.item.create"}
)

_OF_CONNECTION = frozenset(
    {
        "beta_api_shape_disabled",
        "invalid_api_key",
        "invalid_model",
        "missing_model",
        "model_not_found",
        "insufficient_quota",
        "rate_limit_exceeded",
        "session_expired",
        "session_limit_reached",
        "server_error",
    }
)
"""Codes of errors about the connection, the account or the server, which reject no particular client event."""
_OF_CODE: Mapping[str, frozenset[str]] = {
    ACTIVE_RESPONSE: _CREATE,
    "function_call_outputs_required": _CREATE,
    "response_cancel_not_active": frozenset({"response.cancel"}),
    "input_audio_buffer_commit_empty": frozenset({"input_audio_buffer.commit"}),
    "cannot_update_voice": UPDATES,
    "session_update_error": UPDATES,
    "invalid_session_type": UPDATES,
    "response_input_buffer_full": frozenset({"response.item.create"}),
    "item_create_invalid_item_id": _ITEM_CREATE,
    "item_create_invalid_previous_item_id": _ITEM_CREATE,
    "item_truncate_invalid_item_id": _TRUNCATE,
    "item_truncate_invalid_audio_end_ms": _TRUNCATE,
    "item_delete_invalid_item_id": frozenset({"conversation.item.delete"}),
    "item_retrieve_invalid_item_id": frozenset({"conversation.item.retrieve"}),
}
"""Error code to the only client event types that can cause it."""
_OF_WORDS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(words, re.IGNORECASE), types)
    for words, types in (
        ("already has an active response", _CREATE),
        ("^cancellation failed", frozenset({"response.cancel"})),
        ("^error committing input audio buffer", frozenset({"input_audio_buffer.commit"})),
        ("^error deleting item", frozenset({"conversation.item.delete"})),
        ("audio messages can be truncated|is already shorter than", _TRUNCATE),
        ("transcription session update event|conversation's voice", UPDATES),
    )
)
"""Message pattern to the only client event types that can cause it, for errors without a code."""
_OF_ROOT: Mapping[str, frozenset[str]] = {
    "session": UPDATES | {"session.start"},
    "response": _CREATE,
    "item": _ITEM_CREATE,
    "previous_item_id": _ITEM_CREATE,
    "audio": APPENDS,
    "audio_end_ms": _TRUNCATE,
}
"""First key of ``param`` to the client event types with that member."""
_UNREADABLE = frozenset({"", "invalid_json", "invalid_event", "invalid_request_error"})
"""Codes, or no code, of an error about a frame that the server could not parse; it then cannot know the event's id."""
_ENVELOPES = ("session", "response", "item")
"""Members of events that some servers omit at the start of ``param``."""
_PLACEHOLDER_IDS = frozenset({"event_TODO"})
"""Constant ids that stand for an unknown one. LocalAI sends ``event_TODO`` in every error."""

PATH_KEY = re.compile(r"[^.\[\]]+")
"""One step of the path in an error's ``param``."""
_INDEX = re.compile(r"[0-9]{1,6}")
_VALUE = re.compile(r"^Invalid value: '([^']*)'")
_GOT = re.compile(r"but got an? (string|object|array|number|integer|boolean|null)|got (null)\b")
_RUNNING = re.compile(r"in progress: ([\w-]+)")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\Z")
_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "object": (dict,),
    "array": (list,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def named_id(error: Body) -> str:
    """Return the id of the client event that an error names; ``""`` if it names none."""
    event_id = text_at(error, "event_id") or text_at(error, "client_event_id")
    return "" if event_id in _PLACEHOLDER_IDS else event_id


def running_id(error: Body) -> str:
    """Return the id of the response that an error reports as in progress; ``""`` if it reports none."""
    found = _RUNNING.search(text_at(error, "message"))
    return found.group(1) if found else ""


def is_about_active_response(error: Body) -> bool:
    """Return whether an error rejects a response because another one is in progress."""
    if text_at(error, "code") == ACTIVE_RESPONSE:
        return True
    return not text_at(error, "code") and bool(_OF_WORDS[0][0].search(text_at(error, "message")))


def suspects(error: Body, waiting: Sequence[Sent]) -> Suspects:
    """Return the client events that an error without an ``event_id`` may reject.

    Args:
        error: the server's ``error`` object.
        waiting: the unanswered client events, in the order in which they were sent.
    """
    # The order is from the strongest evidence to the weakest: code, message, path, unreadable frame, only candidate.
    code = text_at(error, "code")
    if code in _OF_CONNECTION or text_at(error, "type") == "server_error":
        return Suspects()
    types = _types_of(error)
    if types is not None:
        found = [sent for sent in waiting if sent.type in types]
        if is_about_active_response(error):
            found = [sent for sent in found if not _is_out_of_band(sent)]
        return Suspects(_narrowed(error, found))
    if text_at(error, "param") == "type" or "'type' field is missing" in text_at(error, "message"):
        return Suspects(_of_type(error, waiting))
    if text_at(error, "param"):
        return _of_path(error, waiting)
    return _unread(error, waiting) or _only_one(error, waiting)


def outline_has(outline: Any, keys: Sequence[str]) -> bool:
    """Return whether a body has a member at a path of keys and indexes."""
    return _at(outline, keys) is not _NOTHING


def _types_of(error: Body) -> frozenset[str] | None:
    """Return the only client event types that can cause an error; None if its code and message do not determine them."""
    code, message = text_at(error, "code"), text_at(error, "message")
    types = _OF_CODE.get(code)
    # With a path in ``param`` the path is better evidence than the wording, which changes without notice.
    if types is None and not text_at(error, "param"):
        types = next((types for words, types in _OF_WORDS if words.search(message)), None)
    return types


def _of_type(error: Body, waiting: Sequence[Sent]) -> Sequence[Sent]:
    """Return the events with the type that the error quotes, else those with an unknown type or none."""
    quoted = _VALUE.match(text_at(error, "message"))
    if quoted:
        return [sent for sent in waiting if sent.type and sent.type == quoted.group(1)]
    return [sent for sent in waiting if sent.outline is not None and sent.type not in EVENT_TYPES]


def _of_path(error: Body, waiting: Sequence[Sent]) -> Suspects:
    """Return the events that have the member in ``param``, or that lack it if the error reports it as missing."""
    keys = PATH_KEY.findall(text_at(error, "param"))
    if not keys:
        return Suspects()
    is_missing = text_at(error, "code") == "missing_required_parameter"
    fits = _lacks if is_missing else outline_has
    found = [sent for sent in waiting if fits(sent.outline, keys)]
    if not found:  # some servers count the path from the session, response or item
        found = [sent for sent in waiting if any(fits(inner, keys) for inner in _inner(sent))]
    if found:
        message = text_at(error, "message")
        # Events that also have the quoted value are preferred over those that merely have the member.
        quoted = [sent for sent in found if _is_the_value(message, _member(sent.outline, keys))]
        is_proof = is_missing or text_at(error, "code") == "unknown_parameter" or bool(quoted)
        return Suspects(_narrowed(error, quoted or found), is_vague=not is_proof)
    types = _OF_ROOT.get(keys[0], frozenset())
    return Suspects([sent for sent in waiting if sent.type in types], is_guess=True)


def _inner(sent: Sent) -> Iterable[Body]:
    """Return the objects in an event from which a server may count a member's path."""
    members = (object_at(sent.outline or {}, name) for name in _ENVELOPES)
    return (member for member in members if member)


def _member(outline: Any, keys: Sequence[str]) -> Any:
    """Return the member at an error's path, counted from the event or from one of its inner objects."""
    places = (outline, *(object_at(outline or {}, name) for name in _ENVELOPES))
    return next((_at(here, keys) for here in places if outline_has(here, keys)), _NOTHING)


def _is_out_of_band(sent: Sent) -> bool:
    return object_at(sent.outline or {}, "response").get("conversation") == "none"


def _lacks(outline: Any, keys: Sequence[str]) -> bool:
    """Return whether a body has the object around a member, but not the member itself."""
    around = _at(outline, keys[:-1]) if len(keys) > 1 else outline
    # Most events lack any given top-level member, so its absence proves nothing.
    return len(keys) > 1 and isinstance(around, dict) and keys[-1] not in around


def _narrowed(error: Body, found: Sequence[Sent]) -> Sequence[Sent]:
    """Return the events that also match the rest of an error's content; each rule applies only if at least one event matches."""
    message = text_at(error, "message")
    rules: list[Callable[[Sent], bool]] = []
    if text_at(error, "code") == "cannot_update_voice":
        rules.append(lambda sent: _mentions(sent.outline, "voice"))
    # Ids this short could be an accidental part of a word in the message.
    rules.append(lambda sent: len(sent.subject) > 3 and sent.subject in message)
    for rule in rules:
        found = [sent for sent in found if rule(sent)] or found
    return found


def _is_the_value(message: str, value: Any) -> bool:
    """Return whether an error's message is about a value: it quotes it, names its type, or calls it invalid base64."""
    got = _GOT.search(message)
    if got:
        return type(value) in _JSON_TYPES[got.group(1) or got.group(2)]
    if isinstance(value, str):
        is_bad_base64 = "base64" in message and not _BASE64.match(value)
        quoted = _VALUE.match(message)
        # The rest of the message quotes the valid values, which must not match.
        text = f"'{quoted.group(1)}'" if quoted else message
        return is_bad_base64 or (bool(value) and f"'{value}'" in text)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and re.search(rf"(?<!\d){re.escape(str(value))}(?!\d)", message) is not None


def _unread(error: Body, waiting: Sequence[Sent]) -> Suspects | None:
    """Return the frames that cannot be decoded; a server rejects them in the order in which they were sent."""
    if text_at(error, "code") not in _UNREADABLE:
        return None
    found = [sent for sent in waiting if sent.outline is None]
    if "binary" in text_at(error, "message"):
        found = [sent for sent in found if not sent.is_text] or found
    return Suspects(found) if found else None


def _only_one(error: Body, waiting: Sequence[Sent]) -> Suspects:
    """Return the only unanswered event, if the server says that a request was invalid."""
    is_ours = text_at(error, "type") == "invalid_request_error"
    return Suspects(waiting, is_guess=True) if is_ours and len(waiting) == 1 else Suspects()


class _Nothing:
    """Type of the sentinel for a missing member; None cannot serve, as it is JSON's null."""


_NOTHING = _Nothing()


def _at(outline: Any, keys: Iterable[str]) -> Any:
    """Return the member at a path, or ``_NOTHING``."""
    here = outline
    for key in keys:
        if isinstance(here, dict) and key in here:
            here = here[key]
        elif isinstance(here, list) and _INDEX.fullmatch(key) and int(key) < len(here):
            here = here[int(key)]
        else:
            return _NOTHING
    return here


def _mentions(outline: Any, key: str) -> bool:
    """Return whether a body has a key at any depth."""
    if isinstance(outline, dict):
        return key in outline or any(_mentions(value, key) for value in outline.values())
    return isinstance(outline, list) and any(_mentions(value, key) for value in outline)


def _cut(value: Any) -> Any:
    """Return a value with its strings cut. The recursion is safe: bodies nest at most ``codec.MAX_DEPTH`` levels."""
    if isinstance(value, str):
        return value[:KEPT_CHARS]
    if isinstance(value, dict):
        # Inline for strings: nearly all members are, and every append passes here.
        return {
            key: member[:KEPT_CHARS] if type(member) is str else _cut(member)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [_cut(member) for member in value]
    return value

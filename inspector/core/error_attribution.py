"""Blame: which client event an error of the server refuses, and how sure that is.

Pure rules, without state. An error that names an ``event_id`` leaves nothing to find out. Most clients send none, so the rest is
read off what the error says (its code, the path in ``param``, its words) against what was sent and has no answer. Each rule
needs evidence: wrong blame is worse than none. Source: protocol reference, section 3.14, and LocalAI's and GPT-Live's errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inspector.core.event import Event
from inspector.core.read import Body, object_at, text_at
from inspector.spec.events import EVENT_TYPES

KEPT_CHARS = 64
"""Of a string in an outline: enough for every value that an error quotes, and to tell base64 from a data URL."""
FEW = 3
"""So many events that get no answer of their own may be meant by one error; with more, any blame would be a guess."""


class Confidence(StrEnum):
    """How sure it is that an error refuses an event."""

    CERTAIN = "certain"
    """The error names the event's id."""
    LIKELY = "likely"
    """It is the only event that fits what the error says."""
    POSSIBLE = "possible"
    """Several events fit, and this is the first; or all that speaks for it is that nothing else was sent."""

    @property
    def adverb(self) -> str:
        """Return what stands before "refused" or "caused" where it is not certain."""
        return {"certain": "", "likely": "probably ", "possible": "possibly "}[self.value]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One client event that the server refused."""

    seq: int
    """The client event."""
    error_seq: int
    """The error that says so."""
    confidence: Confidence
    """How sure that is."""
    error: Body
    """The server's ``error`` object."""
    running_id: str = ""
    """The response because of which a ``response.create`` was refused; ``""`` where the error is about something else."""

    @property
    def code(self) -> str:
        """Return the server's code, or the class of error where it gives none."""
        return text_at(self.error, "code") or text_at(self.error, "type") or "rejected"

    @property
    def is_certain(self) -> bool:
        """Tell whether the error names the event."""
        return self.confidence is Confidence.CERTAIN


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A client event that may still be answered or refused."""

    seq: int
    type: str
    event_id: str
    subject: str
    """The item that it is about; ``""`` where it names none."""
    outline: Body | None
    """Its body with long strings cut; None where nobody can read it."""
    is_text: bool = True
    """False for a binary frame."""

    @classmethod
    def of(cls, event: Event, subject: str) -> Sent:
        """Return what is kept of a client event."""
        body = event.body
        outline = body if body is None or len(event.data) <= KEPT_CHARS * 4 else _cut(body)
        event_id = text_at(body or {}, "event_id")
        return cls(event.seq, event.type, event_id, subject, outline, event.is_text)


@dataclass(frozen=True, slots=True)
class Suspects:
    """The events that an error may be about."""

    events: Sequence[Sent] = ()
    """In the order in which they were sent."""
    is_guess: bool = False
    """True where the error itself does not speak for them."""
    is_vague: bool = False
    """True where what the error says would also fit events that the server took."""

    @property
    def confidence(self) -> Confidence:
        """Return how sure it is that the error is about the first of them."""
        is_one = len(self.events) == 1 and not self.is_guess
        return Confidence.LIKELY if is_one else Confidence.POSSIBLE


UPDATES = frozenset({"session.update", "transcription_session.update"})
"""What changes the session."""
APPENDS = frozenset(
    {"input_audio_buffer.append", "session.input_audio_buffer.append", "session.input_audio.append"}
)
"""What carries the user's sound; the server answers none of them."""
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
"""Codes of errors about the connection, the account or the server, whatever the client sent."""
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
"""Codes that only one kind of event can bring about."""
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
"""The same of errors that come without a code, by the server's words."""
_OF_ROOT: Mapping[str, frozenset[str]] = {
    "session": UPDATES | {"session.start"},
    "response": _CREATE,
    "item": _ITEM_CREATE,
    "previous_item_id": _ITEM_CREATE,
    "audio": APPENDS,
    "audio_end_ms": _TRUNCATE,
}
"""First key of ``param`` to the events that have such a member."""
_UNREADABLE = frozenset({"", "invalid_json", "invalid_event", "invalid_request_error"})
"""With one of these, or none, a server refuses what it cannot read, and so cannot say the event's id."""
_ENVELOPES = ("session", "response", "item")
"""Members of events that some servers leave out of ``param``."""
_PLACEHOLDER_IDS = frozenset({"event_TODO"})
"""What a server says where it does not know the id: LocalAI."""

_KEY = re.compile(r"[^.\[\]]+")
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
    """Return the id of the client event that an error names; ``""`` where it names none."""
    event_id = text_at(error, "event_id") or text_at(error, "client_event_id")
    return "" if event_id in _PLACEHOLDER_IDS else event_id


def running_id(error: Body) -> str:
    """Return the response that an error says is in progress; ``""`` where it does not."""
    found = _RUNNING.search(text_at(error, "message"))
    return found.group(1) if found else ""


def is_about_active_response(error: Body) -> bool:
    """Tell whether an error refuses a response because another one is in progress."""
    if text_at(error, "code") == ACTIVE_RESPONSE:
        return True
    return not text_at(error, "code") and bool(_OF_WORDS[0][0].search(text_at(error, "message")))


def suspects(error: Body, waiting: Sequence[Sent]) -> Suspects:
    """Return which events an error without an ``event_id`` may be about.

    Args:
        error: the server's ``error`` object.
        waiting: what the client sent and has no answer yet, in that order.
    """
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
    """Tell whether a body has a member at a path of keys and indexes."""
    return _at(outline, keys) is not _NOTHING


def _types_of(error: Body) -> frozenset[str] | None:
    """Return the types of event that alone can bring an error about; None where it does not say."""
    code, message = text_at(error, "code"), text_at(error, "message")
    types = _OF_CODE.get(code)
    if types is None and not text_at(error, "param"):
        types = next((types for words, types in _OF_WORDS if words.search(message)), None)
    return types


def _of_type(error: Body, waiting: Sequence[Sent]) -> Sequence[Sent]:
    """Return the events whose type the server does not know, or that have none."""
    quoted = _VALUE.match(text_at(error, "message"))
    if quoted:
        return [sent for sent in waiting if sent.type and sent.type == quoted.group(1)]
    return [sent for sent in waiting if sent.outline is not None and sent.type not in EVENT_TYPES]


def _of_path(error: Body, waiting: Sequence[Sent]) -> Suspects:
    """Return the events that have what ``param`` names, or, where it says that it is missing, lack it."""
    keys = _KEY.findall(text_at(error, "param"))
    if not keys:
        return Suspects()
    is_missing = text_at(error, "code") == "missing_required_parameter"
    fits = _lacks if is_missing else outline_has
    found = [sent for sent in waiting if fits(sent.outline, keys)]
    if not found:
        found = [sent for sent in waiting if any(fits(inner, keys) for inner in _inner(sent))]
    if found:
        message = text_at(error, "message")
        quoted = [sent for sent in found if _is_the_value(message, _member(sent.outline, keys))]
        is_proof = is_missing or text_at(error, "code") == "unknown_parameter" or bool(quoted)
        return Suspects(_narrowed(error, quoted or found), is_vague=not is_proof)
    types = _OF_ROOT.get(keys[0], frozenset())
    return Suspects([sent for sent in waiting if sent.type in types], is_guess=True)


def _inner(sent: Sent) -> Iterable[Body]:
    """Return the objects in an event that servers may count the path of a member from."""
    members = (object_at(sent.outline or {}, name) for name in _ENVELOPES)
    return (member for member in members if member)


def _member(outline: Any, keys: Sequence[str]) -> Any:
    """Return the member that an error names, counted from the event or from what is in it."""
    places = (outline, *(object_at(outline or {}, name) for name in _ENVELOPES))
    return next((_at(here, keys) for here in places if outline_has(here, keys)), _NOTHING)


def _is_out_of_band(sent: Sent) -> bool:
    return object_at(sent.outline or {}, "response").get("conversation") == "none"


def _lacks(outline: Any, keys: Sequence[str]) -> bool:
    """Tell whether a body has the object around a member, but not the member."""
    around = _at(outline, keys[:-1]) if len(keys) > 1 else outline
    # A member of the root is missing in any event that does not know it, so that says nothing.
    return len(keys) > 1 and isinstance(around, dict) and keys[-1] not in around


def _narrowed(error: Body, found: Sequence[Sent]) -> Sequence[Sent]:
    """Leave those of some events that also fit the rest of what an error says, wherever any does."""
    message = text_at(error, "message")
    rules: list[Callable[[Sent], bool]] = []
    if text_at(error, "code") == "cannot_update_voice":
        rules.append(lambda sent: _mentions(sent.outline, "voice"))
    rules.append(lambda sent: len(sent.subject) > 3 and sent.subject in message)
    for rule in rules:
        found = [sent for sent in found if rule(sent)] or found
    return found


def _is_the_value(message: str, value: Any) -> bool:
    """Tell whether a message is about a value: it quotes it, names its type, or calls it no base64."""
    got = _GOT.search(message)
    if got:
        return type(value) in _JSON_TYPES[got.group(1) or got.group(2)]
    if isinstance(value, str):
        is_bad_base64 = "base64" in message and not _BASE64.match(value)
        quoted = _VALUE.match(message)
        # Behind it stand the values that would have been right.
        said = f"'{quoted.group(1)}'" if quoted else message
        return is_bad_base64 or (bool(value) and f"'{value}'" in said)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and re.search(rf"(?<!\d){re.escape(str(value))}(?!\d)", message) is not None


def _unread(error: Body, waiting: Sequence[Sent]) -> Suspects | None:
    """Return the frames that a server could not read: they are refused in the order in which they were sent."""
    if text_at(error, "code") not in _UNREADABLE:
        return None
    found = [sent for sent in waiting if sent.outline is None]
    if "binary" in text_at(error, "message"):
        found = [sent for sent in found if not sent.is_text] or found
    return Suspects(found) if found else None


def _only_one(error: Body, waiting: Sequence[Sent]) -> Suspects:
    """Return the only event that an error can be about, if the server says that the request is at fault."""
    is_ours = text_at(error, "type") == "invalid_request_error"
    return Suspects(waiting, is_guess=True) if is_ours and len(waiting) == 1 else Suspects()


class _Nothing:
    """Stands for a member that is not there."""


_NOTHING = _Nothing()


def _at(outline: Any, keys: Iterable[str]) -> Any:
    """Return the member at a path, ``_NOTHING`` where there is none."""
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
    """Tell whether a body has a key at any depth."""
    if isinstance(outline, dict):
        return key in outline or any(_mentions(value, key) for value in outline.values())
    return isinstance(outline, list) and any(_mentions(value, key) for value in outline)


def _cut(value: Any) -> Any:
    """Return a value with its strings cut. Bodies nest at most ``codec.MAX_DEPTH`` levels."""
    if isinstance(value, str):
        return value[:KEPT_CHARS]
    if isinstance(value, dict):
        return {key: _cut(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_cut(member) for member in value]
    return value

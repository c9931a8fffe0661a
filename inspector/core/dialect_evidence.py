"""DialectFold: the dialect of the Realtime API (or the other protocol) that a session uses, with the evidence for it.

Evidence is ranked: an address that only one provider has outranks the shape of a session object, which outranks a name. Between
equals, the first piece of evidence wins. A value that users choose freely (a model name behind a gateway) does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from inspector.core.event import Direction, Event
from inspector.core.read import Body, object_at, text_at
from inspector.spec.beta_names import GA_FIELDS
from inspector.spec.dialects import DIALECTS, FOREIGN, HOSTS, ROUTES, Called, is_host_in

BY_ADDRESS, BY_SHAPE, BY_NAME, BY_HABIT, UNKNOWN = range(5)
"""Ranks of evidence, strongest first."""

VOICE_LIVE_KEYS = frozenset(
    {"input_audio_sampling_rate", "input_audio_echo_cancellation", "avatar", "animation"}
)
"""Members of a session object that only Azure Voice Live uses."""
XAI_KEYS = frozenset({"enable_noise_suppression", "enable_phonetic_spelling", "keep_context"})
"""Members of a session object that only xAI uses."""
BETA_KEYS = frozenset(GA_FIELDS) | {"input_audio_format", "output_audio_format"}
"""Members of a beta session object that the GA API has moved or removed."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A reason to attribute a session to a dialect."""

    name: str
    """A key of ``DIALECTS`` or ``FOREIGN``; ``""`` if unknown."""
    proof: str
    """The reason in words, naming the event or the address."""
    rank: int
    """One of the ranks above; lower is stronger."""
    seq: int = 0
    """The event that contains it."""


_NOTHING = Evidence("", "", UNKNOWN)


class DialectFold:
    """The dialect of one session, by the strongest evidence so far."""

    name = "dialect"

    def __init__(self) -> None:
        self.evidence = _NOTHING
        """The strongest evidence so far."""
        self._host = ""
        """Host of the connection if it is not OpenAI's; ``""`` otherwise."""

    @property
    def dialect(self) -> str:
        """Return the dialect's key in ``DIALECTS`` or ``FOREIGN``; ``""`` if unknown."""
        return self.evidence.name

    @property
    def called(self) -> Called:
        """Return the dialect's display names; empty ones if it is unknown."""
        name = self.evidence.name
        return FOREIGN[name][0] if name in FOREIGN else DIALECTS.get(name, Called("", ""))

    @property
    def is_foreign(self) -> bool:
        """Return whether the session uses another protocol than the Realtime API."""
        return self.evidence.name in FOREIGN

    def apply(self, event: Event) -> None:
        """Update the state with one event."""
        read = _READERS.get(event.type)
        if read is None or event.body is None:
            return
        if event.type == "inspector.opened":
            self._host = _foreign_host(text_at(event.body, "url"))
        found = read(event, event.body)
        if found is None or found.rank >= self.evidence.rank:
            return
        # OpenAI's shape at another host: a gateway or a compatible server, which may differ in details.
        if found.name == "openai" and self._host:
            words = f"{found.proof}, at {self._host}, which is not OpenAI's"
            found = Evidence("gateway", words, found.rank)
        self.evidence = Evidence(found.name, found.proof, found.rank, event.seq)

    def copy(self) -> DialectFold:
        """Return an independent copy."""
        clone = DialectFold()
        clone.__dict__.update(self.__dict__)
        return clone


def dialect_of_url(url: str) -> str:
    """Return the dialect that an address implies on its own; ``""`` if it implies none."""
    found = _by_address(url)
    return found.name if found is not None and found.rank == BY_ADDRESS else ""


def protocol_of(body: Body) -> str:
    """Return the other protocol to which a frame without a ``type`` belongs, by its first key; ``""`` if none is known."""
    first = next(iter(body), "")
    # Nova Sonic wraps every event in {"event": {…}}.
    inner = body.get(first)
    keys = {first, *(inner if first == "event" and isinstance(inner, dict) else ())}
    return next((name for name, (_, firsts) in FOREIGN.items() if firsts & keys), "")


def _by_address(url: str) -> Evidence | None:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:  # urlsplit raises on an unbalanced IPv6 bracket
        return None
    path = parts.path

    def known(name: str, words: str, rank: int = BY_ADDRESS) -> Evidence:
        return Evidence(name, f"the address has {words}", rank)

    # Paths before hosts: a proxy or gateway keeps the path, but has a host of its own.
    if path.startswith("/voice-live/"):
        return known("voice-live", "the path /voice-live/")
    if "/live/sessions" in path:
        return known("gpt-live", "the path /live/sessions")
    if path.rstrip("/").endswith("/realtime/translations"):
        return known("translation", "the path /realtime/translations")
    if path.startswith(ROUTES["azure"].path):
        return known("azure", "the path /openai/v1/realtime")
    if path.startswith(ROUTES["azure-preview"].path):
        return known("azure-preview", "the path /openai/realtime")
    provider = next((name for name, hosts in HOSTS.items() if is_host_in(host, hosts)), "")
    if provider and provider != "openai":
        return known(provider, f"the host {host}")
    if "intent=transcription" in parts.query:
        return known("transcription", "intent=transcription")
    if provider:  # OpenAI's speaks GA, beta, translation and more
        return known(provider, f"the host {host}", BY_HABIT)
    return None


def _foreign_host(url: str) -> str:
    """Return the host of an address; ``""`` for OpenAI's, for this machine, and for an address without a host."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
    is_ours = host in ("", "localhost", "::1", "simulator") or host.startswith("127.")
    return "" if is_ours or is_host_in(host, HOSTS["openai"]) else host


def _opened(_: Event, body: Body) -> Evidence | None:
    return _by_address(text_at(body, "url"))


def _session(event: Event, body: Body) -> Evidence | None:
    """Return the evidence in a session object sent by the server."""
    session = object_at(body, "session")
    if event.direction is not Direction.SERVER or not session:
        return None

    def holds(words: str, name: str, rank: int = BY_SHAPE) -> Evidence:
        return Evidence(name, f"the session in {event.type} {words}", rank)

    kind, model = text_at(session, "type"), text_at(session, "model")
    if event.type == "session.started":
        return _name("gpt-live")(event, body)
    if kind in ("transcription", "translation"):
        return holds(f"has type {kind}", kind, BY_NAME)
    if "transcription" in text_at(session, "object"):
        return holds("is a transcription_session", "transcription")
    if kind == "realtime":
        return holds("has type realtime", "openai", BY_NAME)
    # Sorted, so that the proof names the same member every time.
    own = sorted(VOICE_LIVE_KEYS & session.keys())
    if own:
        return holds(f"has {own[0]}", "voice-live")
    if text_at(object_at(session, "voice"), "type"):
        return holds("has an object with a type for its voice", "voice-live")
    own = sorted(XAI_KEYS & session.keys())
    if own:
        return holds(f"has {own[0]}", "xai")
    for start, name in (("grok", "xai"), ("qwen", "qwen")):
        if model.startswith(start):
            return holds(f"has the model {model}", name, BY_NAME)
    own = sorted(BETA_KEYS & session.keys())
    return holds(f"has no type, but {own[0]}", "beta", BY_NAME) if own else None


def _response(event: Event, body: Body) -> Evidence | None:
    """Return the evidence in a response, which tells GA from beta in a recording that begins after ``session.created``."""
    response = object_at(body, "response")
    for key, name in (("output_modalities", "openai"), ("modalities", "beta")):
        if key in response:
            return Evidence(name, f"the response of {event.type} has {key}", BY_HABIT)
    return None


def _part(event: Event, body: Body) -> Evidence | None:
    """Return evidence of Azure's GA API, whose content part events repeat the part in ``content``."""
    if event.direction is not Direction.SERVER or "content" not in body:
        return None
    return Evidence("azure", f"{event.type} has a content beside its part", BY_SHAPE)


def _failure(event: Event, body: Body) -> Evidence | None:
    if text_at(object_at(body, "error"), "code") != "DeploymentNotFound":
        return None
    return Evidence("azure", f"{event.type} says DeploymentNotFound", BY_SHAPE)


def _untyped(_: Event, body: Body) -> Evidence | None:
    name = protocol_of(body)
    if not name or "type" in body:
        return None
    return Evidence(name, f"messages have no type, and begin with {next(iter(body))}", BY_HABIT)


def _name(dialect: str) -> Callable[[Event, Body], Evidence]:
    return lambda event, _: Evidence(
        dialect, f"only {DIALECTS[dialect].short} has {event.type}", BY_SHAPE
    )


_READERS: Mapping[str, Callable[[Event, Body], Evidence | None]] = {
    "": _untyped,
    "inspector.opened": _opened,
    "session.created": _session,
    "session.updated": _session,
    "session.started": _session,
    "transcription_session.created": _session,
    "transcription_session.updated": _session,
    "response.created": _response,
    "response.done": _response,
    "response.content_part.added": _part,
    "response.content_part.done": _part,
    "conversation.item.input_audio_transcription.failed": _failure,
    "session.start": _name("gpt-live"),
    "session.input_audio.append": _name("gpt-live"),
    "session.delegation.created": _name("gpt-live"),
    "session.input_audio_buffer.append": _name("translation"),
    "transcription_session.update": _name("transcription"),
    "conversation.item.input_audio_transcription.updated": _name("xai"),
    "input_audio.turn.start": _name("voice-live"),
    "session.avatar.connect": _name("voice-live"),
    "response.audio_timestamp.delta": _name("voice-live"),
    "response.animation_viseme.delta": _name("voice-live"),
    "session.finish": _name("qwen"),
    "session.finished": _name("qwen"),
}
"""Event types that may hold evidence, each with its reader."""
DIALECT_TYPES = frozenset(_READERS)
"""Types of all events that the fold uses."""

"""DialectFold: which dialect of the Realtime API a session speaks, or that it is another protocol; and what shows it.

Evidence has a rank: an address that only one provider has outweighs the shape of a session object, that outweighs a name, and of
equal evidence the first counts. Nothing is concluded from a value that a user can choose freely (a model behind a gateway).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from inspector.core.event import Direction, Event
from inspector.core.read import Body, object_at, text_at
from inspector.spec.beta_names import GA_FIELDS
from inspector.spec.dialects import DIALECTS, FOREIGN, Called

BY_ADDRESS, BY_SHAPE, BY_NAME, BY_HABIT, UNKNOWN = range(5)
"""How strong a piece of evidence is, the strongest first."""

VOICE_LIVE_KEYS = frozenset(
    {"input_audio_sampling_rate", "input_audio_echo_cancellation", "avatar", "animation"}
)
"""Members of a session object that only Azure Voice Live has."""
XAI_KEYS = frozenset({"enable_noise_suppression", "enable_phonetic_spelling", "keep_context"})
"""The same of xAI's."""
BETA_KEYS = frozenset(GA_FIELDS) | {"input_audio_format", "output_audio_format"}
"""Members that a session object of the GA API does not have."""

_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_QWEN_HOSTS = ("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", ".maas.aliyuncs.com")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a dialect."""

    name: str
    """A key of ``DIALECTS`` or ``FOREIGN``; ``""`` where nothing tells."""
    proof: str
    """What shows it, in words that name the event or the address."""
    rank: int
    """How strong it is: one of the ranks above."""
    seq: int = 0
    """The event that it is in."""


_NOTHING = Evidence("", "", UNKNOWN)


class DialectFold:
    """The dialect of one session, by the strongest evidence so far."""

    name = "dialect"

    def __init__(self) -> None:
        self.evidence = _NOTHING
        """Why the session is taken to speak as it does."""
        self._host = ""

    @property
    def dialect(self) -> str:
        """Return the dialect's name: a key of ``DIALECTS`` or ``FOREIGN``, ``""`` where nothing tells."""
        return self.evidence.name

    @property
    def called(self) -> Called:
        """Return how the dialect is called on the screen; empty where nothing tells."""
        name = self.evidence.name
        return FOREIGN[name][0] if name in FOREIGN else DIALECTS.get(name, Called("", ""))

    @property
    def is_foreign(self) -> bool:
        """Tell whether this is another protocol than the Realtime API."""
        return self.evidence.name in FOREIGN

    def apply(self, event: Event) -> None:
        """Take one event in."""
        read = _READERS.get(event.type)
        if read is None or event.body is None:
            return
        if event.type == "inspector.opened":
            self._host = _foreign_host(text_at(event.body, "url"))
        found = read(event, event.body)
        if found is None or found.rank >= self.evidence.rank:
            return
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
    """Return the dialect that an address alone tells, ``""`` where it does not."""
    found = _by_address(url)
    return found.name if found is not None and found.rank == BY_ADDRESS else ""


def protocol_of(body: Body) -> str:
    """Return the other protocol that a message without a ``type`` is of, by its first key; ``""`` for none known."""
    first = next(iter(body), "")
    inner = body.get(first)
    keys = {first, *(inner if first == "event" and isinstance(inner, dict) else ())}
    return next((name for name, (_, firsts) in FOREIGN.items() if firsts & keys), "")


def _by_address(url: str) -> Evidence | None:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:  # a bracket that opens no IPv6 address
        return None
    path = parts.path

    def known(name: str, words: str, rank: int = BY_ADDRESS) -> Evidence:
        return Evidence(name, f"the address has {words}", rank)

    if path.startswith("/voice-live/"):
        return known("voice-live", "the path /voice-live/")
    if "/live/sessions" in path:
        return known("gpt-live", "the path /live/sessions")
    if path.rstrip("/").endswith("/realtime/translations"):
        return known("translation", "the path /realtime/translations")
    if path.startswith("/openai/v1/realtime"):
        return known("azure", "the path /openai/v1/realtime")
    if path.startswith("/openai/realtime"):
        return known("azure-preview", "the path /openai/realtime")
    if host.endswith(_AZURE_HOSTS):
        return known("azure", f"the host {host}")
    if host == "api.x.ai":
        return known("xai", "the host api.x.ai")
    if host.endswith(_QWEN_HOSTS):
        return known("qwen", f"the host {host}")
    if "intent=transcription" in parts.query:
        return known("transcription", "intent=transcription")
    if host == "api.openai.com":
        return known("openai", "the host api.openai.com", BY_HABIT)
    return None


def _foreign_host(url: str) -> str:
    """Return the host of an address, ``""`` for OpenAI's own, this machine's, and where there is none."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
    is_ours = host in ("", "localhost", "::1", "simulator") or host.startswith("127.")
    return "" if is_ours or host.endswith("api.openai.com") else host


def _opened(_: Event, body: Body) -> Evidence | None:
    return _by_address(text_at(body, "url"))


def _session(event: Event, body: Body) -> Evidence | None:
    """Tell a dialect by a session object of the server's."""
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
    """Tell GA from beta by a response of the server's, where a recording begins after the session was described."""
    response = object_at(body, "response")
    for key, name in (("output_modalities", "openai"), ("modalities", "beta")):
        if key in response:
            return Evidence(name, f"the response of {event.type} has {key}", BY_HABIT)
    return None


def _part(event: Event, body: Body) -> Evidence | None:
    """Tell Azure's GA API, which is OpenAI's but for a member of the part events."""
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
"""The events that tell a dialect, each with how to read it."""

"""UsageFold and RateLimitsFold: what was billed, one record per charge, and what remains of the rate limits.

Cached tokens are a part of the input tokens, and reasoning tokens a part of the output text tokens: never add them up. What an
event does not say is None in a record, and its name is in ``missing``; only ``Tokens``, which sums up, has zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from inspector.core.billed_tokens import BilledTokens, amount_at, billed_tokens
from inspector.core.cut_sound import CutSound, cut_sounds
from inspector.core.dialect_evidence import DialectFold
from inspector.core.event import Direction, Event
from inspector.core.output_audio import OutputAudioFold
from inspector.core.prompt_prefix import PREFIX_TYPES, PrefixBreak, PromptPrefix
from inspector.core.read import Body, int_at, object_at, objects_at, text_at
from inspector.core.session_fold import SessionFold

CHUNK = 256
"""Records copied when one is added; copies of a fold share all older ones."""
MAX_METERS = 64
"""Sessions billed by the second whose last reading is remembered."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of one response, or of all. Source: the SDK's ``RealtimeResponseUsage`` and its details."""

    total: int = 0
    input: int = 0
    output: int = 0
    input_text: int = 0
    input_audio: int = 0
    input_image: int = 0
    cached: int = 0
    """Part of ``input``."""
    output_text: int = 0
    output_audio: int = 0
    reasoning: int = 0
    """Part of ``output_text``."""

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(*(getattr(self, name) + getattr(other, name) for name in Tokens.__slots__))


def tokens_of(usage: Mapping[str, Any]) -> Tokens:
    """Parse a ``usage`` object; absent counts are 0 (xAI and failed responses report few)."""
    given, made = object_at(usage, "input_token_details"), object_at(usage, "output_token_details")
    return Tokens(
        int_at(usage, "total_tokens"),
        int_at(usage, "input_tokens"),
        int_at(usage, "output_tokens"),
        int_at(given, "text_tokens"),
        int_at(given, "audio_tokens"),
        int_at(given, "image_tokens"),
        int_at(given, "cached_tokens"),
        int_at(made, "text_tokens"),
        int_at(made, "audio_tokens"),
        int_at(made, "reasoning_tokens"),
    )


@dataclass(frozen=True, slots=True)
class UsageSource:
    """The session that a record is from, as far as it was known at that time."""

    session: int
    """Number of the session in its log, from 1."""
    model: str
    """The model that is billed; ``""`` if unknown."""
    dialect: str
    """A key of ``spec.dialects.DIALECTS``; ``""`` if unknown."""
    host: str
    """Host of the connection's URL; ``""`` if the log has none."""


@dataclass(frozen=True, slots=True)
class ResponseUsage:
    """Usage of one response. Source: ``response.done``."""

    seq: int
    """``seq`` of the event."""
    t_ns: int | None
    source: UsageSource
    response_id: str
    status: str
    """Status reported by the server; ``""`` if absent."""
    tokens: BilledTokens | None
    """None if the event reports no usage."""
    prompt_breaks: tuple[PrefixBreak, ...] = ()
    """What changed in the prompt since the previous one."""
    is_apart: bool = False
    """True if the prompt was not the conversation: out of band, with its own input, or of a backend model."""
    seconds: float | None = None
    """``billable_audio_seconds``, reported only by xAI."""


@dataclass(frozen=True, slots=True)
class TranscriptionUsage:
    """Usage of one transcription, which is billed separately. Source: ``…input_audio_transcription.completed``."""

    seq: int
    t_ns: int | None
    source: UsageSource
    """The session, with the transcription model."""
    item_id: str
    tokens: BilledTokens | None
    """None if it is billed by duration, or nothing is reported."""
    seconds: float | None
    """None if it is billed by tokens, or nothing is reported."""


@dataclass(frozen=True, slots=True)
class TimeUsage:
    """Time since the previous reading in a session billed by the second. Source: ``session.usage.updated``."""

    seq: int
    t_ns: int | None
    source: UsageSource
    seconds: float
    active_seconds: float | None
    """Active part of the time; None if not reported."""
    paused_seconds: float | None
    """Paused part of the time; None if not reported."""
    context_ratio: float | None
    """Share of the context in use, 0..1; None if not reported."""


@dataclass(frozen=True, slots=True)
class TextItemUsage:
    """A text item added by the client, which xAI bills per item. Source: ``conversation.item.create``."""

    seq: int
    t_ns: int | None
    source: UsageSource


UsageRecord = ResponseUsage | TranscriptionUsage | TimeUsage | TextItemUsage


@dataclass(frozen=True, slots=True)
class UsageTrail:
    """Records in the order of their events; immutable, cheap to extend and to share."""

    chunks: tuple[tuple[UsageRecord, ...], ...] = ()
    """Full chunks of ``CHUNK`` records each."""
    rest: tuple[UsageRecord, ...] = ()

    def __len__(self) -> int:
        return len(self.chunks) * CHUNK + len(self.rest)

    def __getitem__(self, index: int) -> UsageRecord:
        chunk, place = divmod(index, CHUNK)
        return self.chunks[chunk][place] if chunk < len(self.chunks) else self.rest[place]

    def __iter__(self) -> Iterator[UsageRecord]:
        return (self[index] for index in range(len(self)))

    def since(self, first: int) -> Iterator[UsageRecord]:
        """Yield the records from an index on."""
        return (self[index] for index in range(first, len(self)))

    def with_record(self, record: UsageRecord) -> UsageTrail:
        """Return a trail with one more record."""
        rest = (*self.rest, record)
        if len(rest) < CHUNK:
            return UsageTrail(self.chunks, rest)
        return UsageTrail((*self.chunks, rest))


class UsageFold:
    """Usage of all sessions in a log."""

    name = "usage"

    def __init__(self) -> None:
        self.responses = Tokens()
        self.transcription = Tokens()
        self.transcription_seconds = 0
        self.context_tokens = 0
        """Input tokens of the last response: the part of the context in use."""
        self.records = UsageTrail()
        """All charges, in order."""
        self.session_number = 1
        """Number of the current session, from 1; sessions without events are not counted."""
        self._is_begun = False
        self._model = ""
        """The last one named in this session; not every update repeats it."""
        self._prefix = PromptPrefix()
        self._meters: Mapping[str, tuple[float, float, float]] = {}
        """Last readings of sessions billed by the second: total, active, paused."""
        self._ended_cuts: Mapping[str, CutSound] = {}
        """Unheard audio of ended sessions."""
        self.follow(SessionFold(), DialectFold(), OutputAudioFold())

    def follow(
        self, session: SessionFold, dialect: DialectFold, output_audio: OutputAudioFold
    ) -> None:
        """Set the folds that tell who is billed and what was heard; each event is applied to them first."""
        self._followed = session, dialect, output_audio

    def apply(self, event: Event) -> None:
        """Take one event in."""
        kind = event.type
        if kind in PREFIX_TYPES:
            self._prefix.apply(event)
            self._is_begun = True
        read = self.READERS.get(kind)
        if read is not None and event.body is not None:
            read(self, event, event.body)

    def copy(self) -> UsageFold:
        """Return an independent copy, which reads the same folds until ``follow`` is called."""
        clone = UsageFold()
        clone.__dict__.update(self.__dict__)
        clone._prefix = self._prefix.copy()
        return clone

    def end_session(self) -> None:
        """Store what was heard in the ending session, whose folds are about to be replaced."""
        self._ended_cuts = self.cut_sounds()
        self._prefix = PromptPrefix()
        self._model = ""
        self.session_number += self._is_begun
        self._is_begun = False

    def cut_sounds(self) -> Mapping[str, CutSound]:
        """Return the unheard audio by response; responses that were heard in full are left out."""
        return {**self._ended_cuts, **cut_sounds(self._followed[2])}

    def _configure(self, _event: Event, body: Body) -> None:
        self._model = text_at(object_at(body, "session"), "model") or self._model

    def _open(self, _event: Event, _body: Body) -> None:
        self.context_tokens = 0

    def _finish(self, event: Event, body: Body) -> None:
        response = object_at(body, "response")
        # xAI reports usage beside the response, not in it.
        usage = object_at(response, "usage") or object_at(body, "usage")
        if usage:
            tokens = tokens_of(usage)
            self.responses += tokens
            self.context_tokens = tokens.input or self.context_tokens
        response_id = text_at(response, "id")
        prompt = self._prefix.end(response_id)
        modalities = response.get("output_modalities", response.get("modalities"))
        self._add(
            ResponseUsage(
                event.seq,
                event.t_ns,
                self._source(),
                response_id,
                text_at(response, "status"),
                billed_tokens(usage, is_text_only=modalities == ["text"]) if usage else None,
                prompt.breaks,
                prompt.is_apart or response.get("conversation_id", "absent") is None,
                amount_at(usage, "billable_audio_seconds"),
            )
        )

    def _transcribe(self, event: Event, body: Body) -> None:
        if text_at(body, "status") == "in_progress":
            return  # xAI's interim transcripts have the name of finished ones
        usage = object_at(body, "usage")
        self.transcription += tokens_of(usage)
        self.transcription_seconds += int_at(usage, "seconds")
        seconds = amount_at(usage, "seconds")
        has_tokens = "input_tokens" in usage or "total_tokens" in usage
        self._add(
            TranscriptionUsage(
                event.seq,
                event.t_ns,
                replace(self._source(), model=_transcriber(self._followed[0].config)),
                text_at(body, "item_id"),
                billed_tokens(usage, is_text_only=True) if has_tokens else None,
                seconds,
            )
        )

    def _meter(self, event: Event, body: Body) -> None:
        """Apply a reading of a session billed by the second; readings are totals of the session so far."""
        usage = object_at(body, "usage")
        seconds = amount_at(usage, "seconds")
        ratio = amount_at(object_at(body, "context_window"), "usage_ratio")
        if seconds is None:
            return
        active, paused = amount_at(usage, "active_seconds"), amount_at(usage, "paused_seconds")
        name = self._meter_name(body)
        before = self._meters.get(name, (0.0, 0.0, 0.0))
        reading = seconds, active or 0.0, paused or 0.0
        since = [max(0.0, now - then) for now, then in zip(reading, before, strict=True)]
        if since[0] <= 0 and ratio is None:
            return
        meters = {key: one for key, one in self._meters.items() if key != name}
        if len(meters) >= MAX_METERS:
            meters.pop(next(iter(meters)))
        highest = [max(now, then) for now, then in zip(reading, before, strict=True)]
        self._meters = {**meters, name: (highest[0], highest[1], highest[2])}
        self._add(
            TimeUsage(
                event.seq,
                event.t_ns,
                self._source(),
                since[0],
                None if active is None else since[1],
                None if paused is None else since[2],
                ratio,
            )
        )

    def _meter_name(self, body: Body) -> str:
        """Return the key of a metered session: its id, which a joining connection has only in its URL."""
        session = self._followed[0]
        named = text_at(object_at(body, "session"), "id") or session.id
        _, found, rest = session.url.partition("/live/sessions/")
        return named or rest.partition("/")[0] * bool(found) or f"#{self.session_number}"

    def _backend(self, event: Event, body: Body) -> None:
        """Apply the usage of GPT-Live's backend model, which is billed separately."""
        inner = object_at(body, "event")
        response = object_at(inner, "response")
        usage = object_at(response, "usage")
        if text_at(inner, "type") == "response.completed" and usage:
            self._add(
                ResponseUsage(
                    event.seq,
                    event.t_ns,
                    replace(self._source(), model=text_at(response, "model")),
                    text_at(response, "id"),
                    text_at(response, "status"),
                    billed_tokens(usage, is_text_only=True, is_text_asked=True),
                    is_apart=True,
                )
            )

    def _put_in(self, event: Event, body: Body) -> None:
        if event.direction is not Direction.CLIENT or self._followed[1].dialect != "xai":
            return
        content = objects_at(object_at(body, "item"), "content")
        if any(text_at(part, "type") in ("input_text", "text") for part in content):
            self._add(TextItemUsage(event.seq, event.t_ns, self._source()))

    def _source(self) -> UsageSource:
        session, dialect, _ = self._followed
        try:
            parts = urlsplit(session.url)
            host, query = (parts.hostname or ""), parse_qs(parts.query)
        except ValueError:  # no address
            host, query = "", {}
        asked = query.get("model") or query.get("deployment") or [""]
        return UsageSource(self.session_number, self._model or asked[0], dialect.dialect, host)

    def _add(self, record: UsageRecord) -> None:
        self._is_begun = True
        self.records = self.records.with_record(record)

    READERS: ClassVar[Mapping[str, Callable[[UsageFold, Event, Body], None]]] = {
        "session.created": _configure,
        "session.updated": _configure,
        "session.started": _configure,
        "response.done": _finish,
        "conversation.item.input_audio_transcription.completed": _transcribe,
        "conversation.item.create": _put_in,
        "session.usage.updated": _meter,
        "session.closed": _meter,
        "response.event": _backend,
        "inspector.opened": _open,
    }
    """The method for each event type that reports usage."""


USAGE_TYPES = PREFIX_TYPES | UsageFold.READERS.keys()
"""All event types that the fold needs."""


def _transcriber(config: Body) -> str:
    """Return the transcription model, ``""`` if unknown; a transcription session may have no other model."""
    nested = object_at(object_at(object_at(config, "audio"), "input"), "transcription")
    return text_at(nested, "model") or text_at(
        object_at(config, "input_audio_transcription"), "model"
    )


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One rate limit after the last response. Source: the SDK's ``RateLimitsUpdatedEvent``."""

    name: str
    """``requests`` or ``tokens``."""
    limit: int
    """The maximum allowed."""
    remaining: int
    """What remains of it."""
    reset_seconds: float
    """Seconds from the event until it is fully reset."""


class RateLimitsFold:
    """The rate limits as last reported."""

    name = "rate_limits"

    def __init__(self) -> None:
        self.limits: tuple[RateLimit, ...] = ()

    def apply(self, event: Event) -> None:
        """Take one event in."""
        if event.type == "rate_limits.updated" and event.body is not None:
            self.limits = tuple(
                RateLimit(
                    text_at(entry, "name"),
                    int_at(entry, "limit"),
                    int_at(entry, "remaining"),
                    _seconds(entry),
                )
                for entry in objects_at(event.body, "rate_limits")
            )

    def copy(self) -> RateLimitsFold:
        """Return an independent copy."""
        clone = RateLimitsFold()
        clone.limits = self.limits
        return clone


def _seconds(entry: Mapping[str, Any]) -> float:
    value = entry.get("reset_seconds")
    return float(value) if isinstance(value, int | float) and abs(value) < 1e12 else 0.0

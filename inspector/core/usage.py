"""UsageFold and RateLimitsFold: what was billed, one record for each time that something was, and what is left of the limits.

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
"""Records that are copied when one is added; all older ones are shared by the copies of a fold."""
MAX_METERS = 64
"""Sessions that are billed by the second, whose last reading is remembered."""


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
    """Read a ``usage`` object; what it does not say counts as 0 (xAI and failed responses say little)."""
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
    """Whom a record is from, as far as was known by then."""

    session: int
    """Number of the session in its log, from 1."""
    model: str
    """The model that is billed; ``""`` where nothing names it."""
    dialect: str
    """A key of ``spec.dialects.DIALECTS``, ``""`` where nothing tells."""
    host: str
    """Of the connection's address; ``""`` where the log has none."""


@dataclass(frozen=True, slots=True)
class ResponseUsage:
    """What one response used. Source: ``response.done``."""

    seq: int
    """Of the event."""
    t_ns: int | None
    source: UsageSource
    response_id: str
    status: str
    """As the server says; ``""`` where it does not."""
    tokens: BilledTokens | None
    """None where the event reports no usage."""
    prompt_breaks: tuple[PrefixBreak, ...] = ()
    """What changed in the prompt since the one before."""
    is_apart: bool = False
    """True where the prompt was not the conversation: out of band, with an input of its own, or of a backend model."""
    seconds: float | None = None
    """``billable_audio_seconds``, which only xAI has."""


@dataclass(frozen=True, slots=True)
class TranscriptionUsage:
    """What one transcript of the user's sound used, billed apart. Source: ``…input_audio_transcription.completed``."""

    seq: int
    t_ns: int | None
    source: UsageSource
    """With the transcriber's model."""
    item_id: str
    tokens: BilledTokens | None
    """None where it is billed by time, or reports nothing."""
    seconds: float | None
    """None where it is billed by tokens, or reports nothing."""


@dataclass(frozen=True, slots=True)
class TimeUsage:
    """Time of a session that is billed by the second, since the reading before. Source: ``session.usage.updated``."""

    seq: int
    t_ns: int | None
    source: UsageSource
    seconds: float
    active_seconds: float | None
    """Part of it; None where the event does not say."""
    paused_seconds: float | None
    """The rest of it; None where the event does not say."""
    context_ratio: float | None
    """How much of the context is in use, 0..1; None where the event does not say."""


@dataclass(frozen=True, slots=True)
class TextItemUsage:
    """A text that the client put into the conversation, which xAI bills by the piece. Source: ``conversation.item.create``."""

    seq: int
    t_ns: int | None
    source: UsageSource


UsageRecord = ResponseUsage | TranscriptionUsage | TimeUsage | TextItemUsage


@dataclass(frozen=True, slots=True)
class UsageTrail:
    """Records in the order of their events; immutable, and cheap to lengthen and to share."""

    chunks: tuple[tuple[UsageRecord, ...], ...] = ()
    """Of ``CHUNK`` records each."""
    rest: tuple[UsageRecord, ...] = ()

    def __len__(self) -> int:
        return len(self.chunks) * CHUNK + len(self.rest)

    def __getitem__(self, index: int) -> UsageRecord:
        chunk, place = divmod(index, CHUNK)
        return self.chunks[chunk][place] if chunk < len(self.chunks) else self.rest[place]

    def __iter__(self) -> Iterator[UsageRecord]:
        return (self[index] for index in range(len(self)))

    def since(self, first: int) -> Iterator[UsageRecord]:
        """Yield the records from a position on."""
        return (self[index] for index in range(first, len(self)))

    def with_record(self, record: UsageRecord) -> UsageTrail:
        """Return a trail with one more record."""
        rest = (*self.rest, record)
        if len(rest) < CHUNK:
            return UsageTrail(self.chunks, rest)
        return UsageTrail((*self.chunks, rest))


class UsageFold:
    """What the log has used so far."""

    name = "usage"

    def __init__(self) -> None:
        self.responses = Tokens()
        self.transcription = Tokens()
        self.transcription_seconds = 0
        self.context_tokens = 0
        """Input of the last response: how much of the context is in use."""
        self.records = UsageTrail()
        """What was billed, one by one."""
        self.session_number = 1
        """Of the session that runs, from 1; one in which nothing happened is not counted."""
        self._is_begun = False
        self._model = ""
        """The last that this session named; not every update repeats it."""
        self._prefix = PromptPrefix()
        self._meters: Mapping[str, tuple[float, float, float]] = {}
        """The last readings of sessions that are billed by the second: in all, active, paused."""
        self._ended_cuts: Mapping[str, CutSound] = {}
        """Sound that was not heard in the sessions that ended."""
        self.follow(SessionFold(), DialectFold(), OutputAudioFold())

    def follow(
        self, session: SessionFold, dialect: DialectFold, output_audio: OutputAudioFold
    ) -> None:
        """Learn from these folds, which take each event first, who is billed and what was heard."""
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
        """Return an independent copy; it follows the same folds until it is told otherwise."""
        clone = UsageFold()
        clone.__dict__.update(self.__dict__)
        clone._prefix = self._prefix.copy()
        return clone

    def end_session(self) -> None:
        """Keep what was heard of the session that ends: its folds are about to be made anew."""
        self._ended_cuts = self.cut_sounds()
        self._prefix = PromptPrefix()
        self._model = ""
        self.session_number += self._is_begun
        self._is_begun = False

    def cut_sounds(self) -> Mapping[str, CutSound]:
        """Return what was not heard of the responses' sound, by response; those that were heard in full are not in it."""
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
        """Take a reading of a session that is billed by the second: readings are of the whole session so far."""
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
        """Return what tells a metered session from others: its id, which a connection that joins has only in its address."""
        session = self._followed[0]
        named = text_at(object_at(body, "session"), "id") or session.id
        _, found, rest = session.url.partition("/live/sessions/")
        return named or rest.partition("/")[0] * bool(found) or f"#{self.session_number}"

    def _backend(self, event: Event, body: Body) -> None:
        """Take what GPT-Live's backend model used, which is billed apart."""
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
    """The events that tell of use, each with how to read it."""


USAGE_TYPES = PREFIX_TYPES | UsageFold.READERS.keys()
"""All that the fold takes in."""


def _transcriber(config: Body) -> str:
    """Return the model that transcribes, ``""`` where the session does not say; of a transcription session it may be the only one."""
    nested = object_at(object_at(object_at(config, "audio"), "input"), "transcription")
    return text_at(nested, "model") or text_at(
        object_at(config, "input_audio_transcription"), "model"
    )


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit after the last response. Source: the SDK's ``RateLimitsUpdatedEvent``."""

    name: str
    """``requests`` or ``tokens``."""
    limit: int
    """The most that is allowed."""
    remaining: int
    """What is left of it."""
    reset_seconds: float
    """Until it is whole again, from the event on."""


class RateLimitsFold:
    """The limits as last reported."""

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

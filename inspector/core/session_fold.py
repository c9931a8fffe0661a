"""SessionFold: the session's effective configuration and the state of its connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inspector.core.audio_formats import PCM16_24K, AudioFormat, audio_format
from inspector.core.event import Direction, Event
from inspector.core.read import int_at, object_at, text_at

_BEGUN = frozenset({"session.created", "session.started", "transcription_session.created"})
"""Types that a server sends once, as the first event of a session."""
CONFIGURED = _BEGUN | {"session.updated", "transcription_session.updated"}
"""Types that describe the session as it now is."""
SESSION_TYPES = CONFIGURED | {"conversation.created", "inspector.opened", "inspector.closed"}
"""All that the fold takes in."""

ASKS_NOTHING = frozenset({"translation", "transcription"})
"""Kinds of sessions without responses, which therefore never wait for an answer."""


class SessionFold:
    """The session as the server last described it. Source: the SDK's ``SessionCreatedEvent`` and ``SessionUpdatedEvent``."""

    name = "session"

    def __init__(self) -> None:
        self.config: Mapping[str, Any] = {}
        """The ``session`` object of the last created or updated event, verbatim; empty before the first."""
        self.confirmed_seq = 0
        """The event that contains ``config``; 0 before the first."""
        self.confirmed_t_ns: int | None = None
        """Time of that event; None before the first, or if the recording has no time for it."""
        self.updates = 0
        """Number of updates that the server accepted."""
        self.id = ""
        """The session's id; ``""`` until the server sends it. xAI sends it once and omits it in updates."""
        self.conversation_id = ""
        """Id in ``conversation.created``; ``""`` without that event, which few servers send."""
        self.url = ""
        self.is_open = False
        self.close_code = 0
        self.close_reason = ""

    @property
    def model(self) -> str:
        """Return the name of the model."""
        return text_at(self.config, "model")

    @property
    def kind(self) -> str:
        """Return ``realtime``, ``transcription`` or ``translation``; ``realtime`` for beta sessions, which have no type."""
        named = text_at(self.config, "type")
        if named:
            return named
        return "transcription" if "transcription" in text_at(self.config, "object") else "realtime"

    @property
    def expires_at(self) -> int:
        """Return the Unix time at which the session expires; 0 if the server has not sent it."""
        return int_at(self.config, "expires_at")

    @property
    def input_format(self) -> AudioFormat:
        """Return the format of the audio that the client sends."""
        return input_format_of(self.config)

    @property
    def output_format(self) -> AudioFormat:
        """Return the format of the audio that the server sends."""
        nested = object_at(object_at(self.config, "audio"), "output").get("format")
        return (
            audio_format(nested)
            or audio_format(self.config.get("output_audio_format"))
            or PCM16_24K
        )

    @property
    def turn_detection(self) -> str:
        """Return the type of turn detection; ``""`` if it is off (push-to-talk)."""
        return text_at(self.detection, "type")

    @property
    def interrupts_response(self) -> bool:
        """Return whether speech interrupts a response, which is the API's default."""
        return self.detection.get("interrupt_response") is not False

    @property
    def creates_response(self) -> bool:
        """Return whether the end of a turn creates a response, which is the API's default."""
        return self.detection.get("create_response") is not False

    @property
    def detection(self) -> Mapping[str, Any]:
        """Return the settings of turn detection, from their place in the GA or the beta API; empty if it is off."""
        nested = object_at(object_at(self.config, "audio"), "input")
        detection = nested.get("turn_detection", self.config.get("turn_detection"))
        return detection if isinstance(detection, dict) else {}

    def apply(self, event: Event) -> None:
        """Update the state with one event."""
        kind = event.type
        if kind in CONFIGURED:
            self._confirm(event)
        elif kind == "conversation.created":
            self.conversation_id = _conversation_id(event)
        elif kind == "inspector.opened":
            self.is_open = True
            self.url = text_at(event.body or {}, "url")
        elif kind == "inspector.closed":
            self.is_open = False
            self.close_code = int_at(event.body or {}, "code")
            self.close_reason = text_at(event.body or {}, "reason")

    def ends_with(self, event: Event) -> bool:
        """Return whether an event ends this session by beginning another: a new connection, or a second session in one log."""
        if event.type == "inspector.opened":
            return True
        if event.direction is Direction.CLIENT:
            return False
        if event.type in _BEGUN:
            named = text_at(object_at(event.body or {}, "session"), "id")
            # The same id again is the same session, described twice; without ids, two beginnings are two sessions.
            return bool(self.confirmed_seq) and not (named and named == self.id)
        # Some servers send conversation.created before session.created, or in place of it.
        return (
            event.type == "conversation.created"
            and bool(self.conversation_id)
            and _conversation_id(event) != self.conversation_id
        )

    def copy(self) -> SessionFold:
        """Return an independent copy."""
        clone = SessionFold()
        clone.__dict__.update(self.__dict__)
        return clone

    def _confirm(self, event: Event) -> None:
        self.config = object_at(event.body or {}, "session")
        self.id = text_at(self.config, "id") or self.id
        self.confirmed_seq, self.confirmed_t_ns = event.seq, event.t_ns
        if event.type.endswith("updated"):
            self.updates += 1


def _conversation_id(event: Event) -> str:
    return text_at(object_at(event.body or {}, "conversation"), "id")


def input_format_of(config: Mapping[str, Any]) -> AudioFormat:
    """Return the format of the audio that the client sends in a session of this configuration."""
    nested = object_at(object_at(config, "audio"), "input").get("format")
    return (
        audio_format(nested)
        or audio_format(config.get("input_audio_format"), config.get("input_audio_sampling_rate"))
        or PCM16_24K
    )

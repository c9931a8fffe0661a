"""The interface of a source: a connection whose frames the inspector receives and sends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from inspector.secret import Secret


class Side(StrEnum):
    """Who ended a connection."""

    CLIENT = "client"
    SERVER = "server"
    NETWORK = "network"
    INSPECTOR = "inspector"
    """The proxy, because of its user or a rule."""


BACKLOG = 512
"""Connections that may wait to be accepted: load tests open hundreds at the same instant."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The request and response of an upgrade, with secrets masked."""

    url: str
    """The URL of the request."""
    status: int = 101
    """Status of the HTTP response; 101 if the connection was upgraded."""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    """Headers from the client."""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    """Headers from the server."""
    subprotocol: str | None = None
    """The selected subprotocol; None if there is none."""

    def facts(self) -> dict[str, Any]:
        """Return the members of an ``inspector.opened`` event."""
        return {
            "url": self.url,
            "status": self.status,
            "subprotocol": self.subprotocol,
            "request_headers": dict(self.request_headers),
            "response_headers": dict(self.response_headers),
        }


@dataclass(frozen=True, slots=True)
class Closed:
    """How a connection ended (RFC 6455 section 7)."""

    code: int
    """RFC 6455 close code; 1006 without a close frame."""
    reason: str
    """The reason in the close frame."""
    by: Side
    """The side that closed first."""
    meaning: str = ""
    """What the code means in this situation, in words."""
    next_step: str = ""
    """What the user can do about it."""


@dataclass(frozen=True, slots=True)
class Received:
    """A received frame."""

    data: bytes
    """The payload, unchanged."""
    is_text: bool
    """False for a binary frame."""


# Checked with ``isinstance``: optional abilities of a source, besides the ``Source`` protocol.
@runtime_checkable
class Faulty(Protocol):
    """A source that can inject faults."""

    @property
    def faults(self) -> Mapping[str, str]:
        """The available faults: name to description."""
        ...

    def raise_fault(self, name: str) -> None:
        """Inject a fault into the running session.

        Raises:
            UsageError: the fault does not exist.
            ConnectError: the session has ended.
        """
        ...


@runtime_checkable
class Keyed(Protocol):
    """A source that connects with secrets. A secret is masked in all output for as long as its object is referenced."""

    @property
    def secrets(self) -> Sequence[Secret]:
        """Return the keys in the connection's request."""
        ...


class Source(Protocol):
    """A connection to a server. After it has ended, ``connect`` opens a new one."""

    kind: str
    """The ``source`` in the recording's header: ``live``, ``sim``, …"""
    url: str
    """The server's URL, with secrets masked."""
    model: str

    async def connect(self) -> Handshake:
        """Open the connection.

        Raises:
            ConnectError: the server refused the upgrade, was not reached, or did not answer in time.
        """
        ...

    def frames(self) -> AsyncIterator[Received]:
        """Yield the server's frames in order until the connection ends; the end itself does not raise."""
        ...

    async def send(self, data: bytes, *, is_text: bool = True) -> None:
        """Send one frame unchanged.

        Raises:
            ConnectError: the connection has ended.
        """
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection; do nothing if it has already ended."""
        ...

    @property
    def closed(self) -> Closed | None:
        """How the last connection ended; None if none has ended."""
        ...

"""The seam of every source: where frames come from and go to."""

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
    """The proxy, told to by its user or by a rule."""


BACKLOG = 512
"""Connections that may wait to be accepted: load tests open hundreds at the same instant."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """What the upgrade said; secrets are masked before they get here."""

    url: str
    """Where the upgrade went."""
    status: int = 101
    """Of the HTTP answer; 101 where it was upgraded."""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    """The client's."""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    """The server's."""
    subprotocol: str | None = None
    """What was agreed on; None for none."""

    def facts(self) -> dict[str, Any]:
        """Return what ``inspector.opened`` says of it."""
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
    """RFC 6455 close code; 1006 where no close frame came."""
    reason: str
    """What the close frame says."""
    by: Side
    """Who closed first."""
    meaning: str = ""
    """What the code means here, in words."""
    next_step: str = ""
    """What the user can do about it."""


@dataclass(frozen=True, slots=True)
class Received:
    """One frame from the server."""

    data: bytes
    """The payload, verbatim."""
    is_text: bool
    """False for a binary frame."""


@runtime_checkable
class Faulty(Protocol):
    """A source whose server does wrong when it is told to."""

    @property
    def faults(self) -> Mapping[str, str]:
        """What can go wrong, by name, with what it does."""
        ...

    def raise_fault(self, name: str) -> None:
        """Let something go wrong in the running session.

        Raises:
            UsageError: there is no such fault.
            ConnectError: the session has ended.
        """
        ...


@runtime_checkable
class Keyed(Protocol):
    """A connection that is made with secrets; they are kept alive, and so masked, with it."""

    @property
    def secrets(self) -> Sequence[Secret]:
        """Return every key that the connection's request carries."""
        ...


class Source(Protocol):
    """A connection to a server, opened at most once at a time; ``connect`` again after the end is a new connection."""

    kind: str
    """What the recording's header calls it: ``live``, ``sim``, …"""
    url: str
    """Where it goes, without secrets."""
    model: str

    async def connect(self) -> Handshake:
        """Open the connection.

        Raises:
            ConnectError: refused, unreachable, not authorised at the upgrade, or not answered in time.
        """
        ...

    def frames(self) -> AsyncIterator[Received]:
        """Yield the server's frames in order until the connection ends; never raises for an ended connection."""
        ...

    async def send(self, data: bytes, *, is_text: bool = True) -> None:
        """Send one frame, verbatim.

        Raises:
            ConnectError: the connection has ended.
        """
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection; returns at once when it has ended already."""
        ...

    @property
    def closed(self) -> Closed | None:
        """How the last connection ended; None before that."""
        ...

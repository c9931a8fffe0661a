"""Relay: two connections and the two pipes between them. Who reads slowly slows down who writes.

Each side is a ``Endpoint``: an asyncio protocol that hands its bytes on as they come, without a queue of its own. When the
kernel and a small buffer of one side are full, the other is not read from: that is all the memory that a relay takes
(besides the frame that is being read along, and what a breakpoint holds).

A side that closes is followed by the other after everything was written to it, a reset by a reset.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import replace

from aiohappyeyeballs import start_connection

from inspector.core.event import Direction, Origin
from inspector.errors import ConnectError
from inspector.secret import mask_text
from inspector.sources.base import Closed, Side
from inspector.sources.direction_pipe import DirectionPipe
from inspector.sources.frames import WireFrame, close_words
from inspector.sources.heads import HEAD_END, MAX_HEAD_BYTES, Head, parse_head
from inspector.sources.reasons import explained, step_for_app

READ_BYTES = 256 << 10
WRITE_BUFFER_BYTES = 256 << 10
"""Written to a side and not taken by it yet; past it the other side is not read from."""
TLS_HELLO = b"\x16\x03"
"""How TLS begins (RFC 8446 section 5.1)."""
LINGER_S = 5.0
"""How long a side that does not read may hold up the end of its connection."""
HAPPY_EYEBALLS_S = 0.25
"""Head start of the first address over the next (RFC 8305 section 5)."""
CLOSE_TIMEOUT_S = 1.5
"""How long both sides may take to answer a close frame of ours."""

log = logging.getLogger(__name__)


class Endpoint(asyncio.BufferedProtocol):
    """One side's connection: first it collects the head, then its bytes go to ``consume``."""

    _inbox = memoryview(bytearray(READ_BYTES))
    """One for all endpoints, which live in one thread: what was read is copied out before anything else is read.

    A plain ``Protocol`` gets a new buffer of this size for every read, which the C library maps, shrinks and unmaps: three
    system calls and the page faults cost more than the read itself (CPython 3.11 to 3.14)."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.lost: Callable[[Exception | None], None] = _nobody
        """Called once, when the connection has ended."""
        self.hold_other: Callable[[bool], None] = _nothing
        """Stops reading from the other side, or goes on."""
        self.is_lost = False
        self.has_ended = False
        """True once the side sends nothing more; it may still read."""
        self.ended: Callable[[], None] = nobody_cares
        """Called when that has happened and the connection is kept open for an answer."""
        self.may_half_close = False
        """Keep the connection open for an answer when the side sends nothing more."""
        self._has_said_all = False
        self._consume: Callable[[bytes], None] | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._holds: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"expected a stream, got {type(transport)}")
        self.transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - a hint, and never more than this
        """Return where the bytes that come next are put."""
        return self._inbox

    def buffer_updated(self, nbytes: int) -> None:
        """Pass the bytes on, or keep them until somebody wants them."""
        data = bytes(self._inbox[:nbytes])
        if self._consume is not None:
            self._consume(data)
            return
        self._buffer += data
        if len(self._buffer) > MAX_HEAD_BYTES:
            self.hold("early", True)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it has ended, and forget everybody."""
        self.is_lost = True
        self._wake()
        lost, self.lost = self.lost, _nobody
        self.detach()
        lost(exc)

    def eof_received(self) -> bool:
        """Take note that the side sends nothing more; tell whether the connection stays open."""
        self.has_ended = True
        self._wake()
        # TLS has no half-closed connection in asyncio.
        is_tls = self.transport is None or self.transport.get_extra_info("ssl_object") is not None
        if is_tls or not self.may_half_close:
            return False
        self.ended()
        return True

    def pause_writing(self) -> None:
        """Let the other side wait: this one does not read."""
        self.hold_other(True)

    def resume_writing(self) -> None:
        """Let the other side go on."""
        self.hold_other(False)

    async def head(self) -> Head:
        """Return the head that comes first.

        Raises:
            ConnectError: it is none, or too large, or the connection ended before it.
        """
        while (end := self._buffer.find(HEAD_END)) < 0:
            if self._buffer.startswith(TLS_HELLO):
                raise ConnectError(
                    "the app connected with TLS, but the proxy was started without --tls",
                    hint="start it with --tls: some SDKs insist on wss:// (openai for Node does)",
                    code="tls_wanted",
                )
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise ConnectError("the headers that came are too large", code="bad_handshake")
            if self.is_lost or self.has_ended:
                raise ConnectError("the connection ended before the headers", code="bad_handshake")
            if b"\n\n" in self._buffer:
                raise ConnectError("a line end is CR and LF, both of them", code="bad_handshake")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        head = parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + len(HEAD_END)]
        return head

    def take_buffer(self) -> bytes:
        """Return what came after the head, and forget it."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def connect_to(self, consume: Callable[[bytes], None]) -> None:
        """Hand everything on from now on, what has come already first."""
        self._consume = consume
        if self._buffer:
            consume(self.take_buffer())
        self.hold("early", False)

    def write(self, data: bytes) -> None:
        """Send bytes; those for a connection that has ended go nowhere."""
        if self.transport is not None and not self.is_lost and not self._has_said_all:
            self.transport.write(data)

    def hold(self, why: str, is_held: bool) -> None:
        """Stop reading for a reason, or go on when no reason is left."""
        was_held = bool(self._holds)
        (self._holds.add if is_held else self._holds.discard)(why)
        if self.transport is None or self.is_lost or was_held == bool(self._holds):
            return
        if self._holds:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def end_writing(self) -> None:
        """Tell the side that nothing more will come, once everything is written; it may go on sending."""
        if self.transport is None or self.is_lost:
            return
        if self.transport.can_write_eof():
            self._has_said_all = True
            self.transport.write_eof()
        else:
            self.close()

    def close(self) -> None:
        """End the connection once everything is written; a side that does not read is cut off."""
        if self.transport is not None and not self.is_lost:
            self.transport.close()
            if self._linger is None:
                loop = asyncio.get_running_loop()
                self._linger = loop.call_later(LINGER_S, self.abort)

    def abort(self) -> None:
        """End the connection now."""
        if self.transport is not None and not self.is_lost:
            self.transport.abort()

    def reset(self) -> None:
        """End the connection as a crashed peer does: the other side sees a reset, after what was written already."""
        if self.transport is None or self.is_lost:
            return
        connection = self.transport.get_extra_info("socket")
        if self.transport.get_write_buffer_size() or connection is None:
            self.close()
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def detach(self) -> None:
        """Forget everybody: the connection has ended, and what knows each other in a circle is not freed by itself."""
        self.lost, self.hold_other, self.ended = _nobody, _nothing, nobody_cares
        if self._consume is not None:
            self._consume = _nowhere
        if self._linger is not None:
            self._linger.cancel()
        self.transport = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def open_endpoint(host: str, port: int, *, tls: ssl.SSLContext | None = None) -> Endpoint:
    """Connect to a host, by whichever of its addresses answers first.

    Raises:
        OSError: none of them can be reached, or TLS failed.
    """
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # create_connection(happy_eyeballs_delay=…) fails an assertion of its own under eager tasks, which Textual 8.2.8 turns
    # on for the loop that the proxy shares with its screen (CPython 3.12 before 3.12.8, 3.13.0).
    connection = await start_connection(addresses, happy_eyeballs_delay=HAPPY_EYEBALLS_S)
    _, endpoint = await loop.create_connection(
        Endpoint, sock=connection, ssl=tls, server_hostname=host if tls is not None else None
    )
    return endpoint


class Relay:
    """A connection of an app, the connection to the API that belongs to it, and what goes between."""

    def __init__(
        self, app: Endpoint, api: Endpoint, to_api: DirectionPipe, to_app: DirectionPipe
    ) -> None:
        """Join two connections after the upgrade; ``start`` lets the bytes go.

        Args:
            app: the app's side.
            api: the side of the API.
            to_api: carries the client's frames.
            to_app: carries the server's frames.
        """
        self._app, self._api = app, api
        self._to_api, self._to_app = to_api, to_app
        self._closed: Closed | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._is_closing = False
        """Whether close frames of our own were sent."""
        self._end = asyncio.get_running_loop().create_future()
        to_api.write, to_app.write = api.write, app.write
        to_api.hold_sender = lambda is_held: app.hold("gate", is_held)
        to_app.hold_sender = lambda is_held: api.hold("gate", is_held)
        to_api.close_seen = lambda frame: self._close_seen(frame, Side.CLIENT, app)
        to_app.close_seen = lambda frame: self._close_seen(frame, Side.SERVER, api)
        app.hold_other = lambda is_held: api.hold("slow", is_held)
        api.hold_other = lambda is_held: app.hold("slow", is_held)
        app.lost = lambda error: self._lost(app, api, error)
        api.lost = lambda error: self._lost(api, app, error)

    def start(self) -> None:
        """Let the bytes go."""
        self._app.connect_to(self._to_api.received)
        self._api.connect_to(self._to_app.received)
        for endpoint, other in ((self._app, self._api), (self._api, self._app)):
            if endpoint.is_lost:  # between the handshake and now
                self._lost(endpoint, other, None)
            elif endpoint.has_ended and endpoint.may_half_close:
                other.end_writing()
            endpoint.may_half_close = False  # from here on who says no more has gone

    async def ended(self) -> Closed:
        """Wait for the end of both connections; return how it came."""
        await self._end
        return self._closed or explained(1006, "", Side.NETWORK)

    def pipe(self, direction: Direction) -> DirectionPipe:
        """Return the pipe of a direction."""
        return self._to_api if direction is Direction.CLIENT else self._to_app

    def add(self, direction: Direction, data: bytes, *, is_text: bool, origin: Origin) -> bool:
        """Send a frame of our own; False where it cannot be sent any more."""
        if not self.can_add(direction):
            return False
        return self.pipe(direction).add(data, is_text=is_text, origin=origin)

    def can_add(self, direction: Direction) -> bool:
        """Tell whether a frame of our own can still be sent."""
        receiver = self._api if direction is Direction.CLIENT else self._app
        return not (receiver.is_lost or self._is_closing) and self.pipe(direction).can_add

    def ping(self) -> None:
        """Show both sides that we are alive."""
        self._to_api.ping()
        self._to_app.ping()

    def close(self, code: int, reason: str, meaning: str = "closed by the inspector") -> None:
        """Close both connections with a close frame of our own; once is enough."""
        if self._is_closing:
            return
        self._is_closing = True
        if self._closed is None:
            self._closed = Closed(code, reason, Side.INSPECTOR, meaning)
        self._to_app.close(code, reason)
        self._to_api.close(code, reason)
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(CLOSE_TIMEOUT_S, endpoint.close) for endpoint in (self._app, self._api)
        ]

    def abort(self) -> None:
        """End both connections now."""
        self._app.abort()
        self._api.abort()

    def _close_seen(self, frame: WireFrame, by: Side, endpoint: Endpoint) -> None:
        if self._closed is None:
            code, reason = close_words(frame.data)
            # What passes is not touched; what is shown of it may quote the app's key.
            words = explained(code, mask_text(reason), by)
            self._closed = replace(words, next_step=step_for_app(words.next_step))
        elif self._closed.by is Side.INSPECTOR:
            endpoint.close()  # that was the answer to our own close frame

    def _lost(self, endpoint: Endpoint, other: Endpoint, error: Exception | None) -> None:
        if self._closed is None:
            who = "app" if endpoint is self._app else "server"
            words = explained(1006, "", Side.NETWORK)
            meaning = f"the connection to the {who} was lost without a close frame"
            self._closed = Closed(1006, "", Side.NETWORK, meaning, step_for_app(words.next_step))
        from_it, to_it = (
            (self._to_api, self._to_app) if endpoint is self._app else (self._to_app, self._to_api)
        )
        if from_it.queue is not None:
            from_it.queue.flush("its sender has gone")
        from_it.finish()
        if to_it.queue is not None:
            to_it.queue.discard("its receiver has gone")
        if not other.is_lost:
            other.reset() if error is not None else other.close()
        elif not self._end.done():
            self._end.set_result(None)
            self._detach()

    def _detach(self) -> None:
        """Let endpoints and pipes forget each other, so that nothing of the connections outlives them.

        They know each other in circles, which only the garbage collector would find, and it is kept calm.
        """
        for timer in self._timers:
            timer.cancel()
        for pipe in (self._to_api, self._to_app):
            pipe.detach()
        for endpoint in (self._app, self._api):
            endpoint.detach()


def _nobody(_: Exception | None) -> None:
    """Stand in for an owner that is not there yet."""


def nobody_cares() -> None:
    """Stand in for an owner that does not care."""


def _nowhere(_: bytes) -> None:
    """Stand in for another side that has gone."""


def _nothing(_: bool) -> None:
    """Stand in for another side that is not there yet."""

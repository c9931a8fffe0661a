"""The relay of a proxied session: two connections and a pipe in each direction, with backpressure.

Each side is an ``Endpoint``: an asyncio protocol that passes on its bytes as they arrive, without a queue. While the write
buffers of one side are full, the other side is not read. So the memory of a relay is bounded, apart from the frame that is
being parsed and the frames that a breakpoint holds.

The end of one side ends the other after everything was written to it; a reset is passed on as a reset.
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
from inspector.sources.heads import HEAD_END, MAX_HEAD_BYTES, TLS_HELLO, Head, parse_head
from inspector.sources.reasons import explained, step_for_app

READ_BYTES = 256 << 10
WRITE_BUFFER_BYTES = 256 << 10
"""Bytes written to a side but not sent yet, beyond which the other side is not read."""
LINGER_S = 5.0
"""How long a side that does not read may delay the end of its connection."""
HAPPY_EYEBALLS_S = 0.25
"""Head start of the first address over the next (RFC 8305, 5)."""
CLOSE_TIMEOUT_S = 1.5
"""How long the two sides may take to answer our own close frame."""

log = logging.getLogger(__name__)


class Endpoint(asyncio.BufferedProtocol):
    """One side's connection: it first collects the head, then passes its bytes to ``consume``."""

    _inbox = memoryview(bytearray(READ_BYTES))
    """Shared by all endpoints: they live in one thread, and a read is copied out before the next one.

    A plain ``Protocol`` gets a new buffer of this size for every read, which the C library maps, shrinks and unmaps: three
    system calls and the page faults cost more than the read itself (CPython 3.11 to 3.14)."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        # Callbacks, set by the owner.
        self.lost: Callable[[Exception | None], None] = _ignore_loss
        """Called once, when the connection has ended."""
        self.hold_other: Callable[[bool], None] = _ignore_hold
        """Called with True to stop reading from the other side, and with False to continue."""
        self.is_lost = False
        self.has_ended = False
        """True once the side has finished sending; it may still receive."""
        self.ended: Callable[[], None] = ignore_end
        """Called when the side has finished sending and the connection stays open."""
        self.may_half_close = False
        """If True, the connection stays open for a response after the side has finished sending."""
        self._has_finished_writing = False
        self._consume: Callable[[bytes], None] | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._holds: set[str] = set()
        """The reasons why reading is paused."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"expected a stream, got {type(transport)}")
        self.transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - a hint, and never more than this
        """Return the buffer for the next read."""
        return self._inbox

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on the bytes read, or keep them until ``connect_to`` is called."""
        data = bytes(self._inbox[:nbytes])
        if self._consume is not None:
            self._consume(data)
            return
        self._buffer += data
        if len(self._buffer) > MAX_HEAD_BYTES:  # frames sent ahead of the handshake's response
            self.hold("early", True)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end of the connection, and drop all callbacks."""
        self.is_lost = True
        self._wake()
        lost, self.lost = self.lost, _ignore_loss
        self.detach()
        lost(exc)

    def eof_received(self) -> bool:
        """Record that the side has finished sending; return True to keep the connection open."""
        self.has_ended = True
        self._wake()
        # asyncio does not support half-closed TLS connections.
        is_tls = self.transport is None or self.transport.get_extra_info("ssl_object") is not None
        if is_tls or not self.may_half_close:
            return False
        self.ended()
        return True

    def pause_writing(self) -> None:
        """Stop reading from the other side, because this side's write buffer is full."""
        self.hold_other(True)

    def resume_writing(self) -> None:
        """Continue reading from the other side."""
        self.hold_other(False)

    async def head(self) -> Head:
        """Return the head of the first HTTP message.

        Raises:
            ConnectError: the head is malformed or too large, or the connection ended before it was complete.
        """
        while (end := self._buffer.find(HEAD_END)) < 0:
            if self._buffer.startswith(TLS_HELLO):
                raise ConnectError(
                    "the app connected with TLS, but the proxy was started without --tls",
                    hint="start it with --tls: some SDKs accept only wss:// (openai for Node does)",
                    code="tls_wanted",
                )
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise ConnectError("the headers are too large", code="bad_handshake")
            if self.is_lost or self.has_ended:
                raise ConnectError("the connection ended before the headers", code="bad_handshake")
            if b"\n\n" in self._buffer:  # would otherwise wait for CR LF until the timeout
                raise ConnectError("a line must end with CR and LF", code="bad_handshake")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        head = parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + len(HEAD_END)]
        return head

    def pop_buffer(self) -> bytes:
        """Remove and return the bytes received after the head."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def connect_to(self, consume: Callable[[bytes], None]) -> None:
        """Pass all bytes to ``consume`` from now on, starting with those already received."""
        self._consume = consume
        if self._buffer:
            consume(self.pop_buffer())
        self.hold("early", False)

    def write(self, data: bytes) -> None:
        """Send bytes; they are discarded if the connection has ended."""
        if self.transport is not None and not self.is_lost and not self._has_finished_writing:
            self.transport.write(data)

    def hold(self, why: str, is_held: bool) -> None:
        """Add or remove a reason to pause reading; reading continues when no reason is left."""
        was_held = bool(self._holds)
        (self._holds.add if is_held else self._holds.discard)(why)
        if self.transport is None or self.is_lost or was_held == bool(self._holds):
            return
        if self._holds:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def end_writing(self) -> None:
        """Finish sending after everything was written; the side may continue to send."""
        if self.transport is None or self.is_lost:
            return
        if self.transport.can_write_eof():
            self._has_finished_writing = True
            self.transport.write_eof()
        else:
            self.close()

    def close(self) -> None:
        """End the connection after everything was written, or after ``LINGER_S`` if the side does not read."""
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
        """End the connection with a TCP reset, as a crashed peer does; with a normal close if data is still unsent."""
        if self.transport is None or self.is_lost:
            return
        connection = self.transport.get_extra_info("socket")
        if self.transport.get_write_buffer_size() or connection is None:
            self.close()
            return
        # Lingering for 0 seconds makes the kernel send RST instead of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def detach(self) -> None:
        """Drop all callbacks after the end, because reference cycles are only freed by the garbage collector."""
        self.lost, self.hold_other, self.ended = _ignore_loss, _ignore_hold, ignore_end
        if self._consume is not None:
            self._consume = _discard
        if self._linger is not None:
            self._linger.cancel()
        self.transport = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def open_endpoint(host: str, port: int, *, tls: ssl.SSLContext | None = None) -> Endpoint:
    """Connect to the address of a host that answers first.

    Raises:
        OSError: no address can be reached, or TLS failed.
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
    """The connection of an app, its connection to the API, and the pipes between them."""

    def __init__(
        self, app: Endpoint, api: Endpoint, to_api: DirectionPipe, to_app: DirectionPipe
    ) -> None:
        """Join two connections after the upgrade; ``start`` starts the forwarding.

        Args:
            app: the app's endpoint.
            api: the API's endpoint.
            to_api: the pipe of the client's frames.
            to_app: the pipe of the server's frames.
        """
        self._app, self._api = app, api
        self._to_api, self._to_app = to_api, to_app
        self._closed: Closed | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._is_closing = False
        """True once our own close frames were sent."""
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
        """Start forwarding, beginning with the bytes received so far."""
        self._app.connect_to(self._to_api.received)
        self._api.connect_to(self._to_app.received)
        for endpoint, other in ((self._app, self._api), (self._api, self._app)):
            if endpoint.is_lost:  # since the handshake
                self._lost(endpoint, other, None)
            elif endpoint.has_ended and endpoint.may_half_close:
                other.end_writing()
            endpoint.may_half_close = False  # a WebSocket side that finishes sending has left

    async def ended(self) -> Closed:
        """Wait for the end of both connections; return how they ended."""
        await self._end
        return self._closed or explained(1006, "", Side.NETWORK)

    def pipe(self, direction: Direction) -> DirectionPipe:
        """Return the pipe of a direction."""
        return self._to_api if direction is Direction.CLIENT else self._to_app

    def add(self, direction: Direction, data: bytes, *, is_text: bool, origin: Origin) -> bool:
        """Send our own frame; return False if it can no longer be sent."""
        if not self.can_add(direction):
            return False
        return self.pipe(direction).add(data, is_text=is_text, origin=origin)

    def can_add(self, direction: Direction) -> bool:
        """Return True if our own frame can still be sent."""
        receiver = self._api if direction is Direction.CLIENT else self._app
        return not (receiver.is_lost or self._is_closing) and self.pipe(direction).can_add

    def ping(self) -> None:
        """Send a ping to both sides, which may drop a silent connection while frames are paused."""
        self._to_api.ping()
        self._to_app.ping()

    def close(self, code: int, reason: str, meaning: str = "closed by the inspector") -> None:
        """Close both connections with our own close frame; further calls do nothing."""
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
            # The forwarded bytes are unchanged; only the reason shown to the user is masked, as it may quote the key.
            words = explained(code, mask_text(reason), by)
            self._closed = replace(words, next_step=step_for_app(words.next_step))
        elif self._closed.by is Side.INSPECTOR:
            endpoint.close()  # this is the answer to our own close frame

    def _lost(self, endpoint: Endpoint, other: Endpoint, error: Exception | None) -> None:
        if self._closed is None:
            who = "app" if endpoint is self._app else "server"
            words = explained(1006, "", Side.NETWORK)
            meaning = f"the connection to the {who} was lost without a close frame"
            self._closed = Closed(1006, "", Side.NETWORK, meaning, step_for_app(words.next_step))
        from_it, to_it = (
            (self._to_api, self._to_app) if endpoint is self._app else (self._to_app, self._to_api)
        )
        # Paused frames of the lost side can still be delivered; those for it cannot.
        if from_it.queue is not None:
            from_it.queue.flush("its sender disconnected")
        from_it.finish()
        if to_it.queue is not None:
            to_it.queue.discard("its receiver disconnected")
        if not other.is_lost:
            other.reset() if error is not None else other.close()
        elif not self._end.done():
            self._end.set_result(None)
            self._detach()

    def _detach(self) -> None:
        """Drop the references between endpoints and pipes, so that their memory is freed now.

        They reference each other in cycles, which only the garbage collector frees, and it runs rarely here.
        """
        for timer in self._timers:
            timer.cancel()
        for pipe in (self._to_api, self._to_app):
            pipe.detach()
        for endpoint in (self._app, self._api):
            endpoint.detach()


def _ignore_loss(_: Exception | None) -> None:
    """Default of ``Endpoint.lost``."""


def ignore_end() -> None:
    """Default of ``Endpoint.ended``."""


def _discard(_: bytes) -> None:
    """Consume bytes after the other side has ended."""


def _ignore_hold(_: bool) -> None:
    """Default of ``Endpoint.hold_other``."""

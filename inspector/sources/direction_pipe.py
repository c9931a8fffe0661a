"""DirectionPipe: forwards the bytes of one direction of a relayed connection, and logs the frames in them.

In raw mode, the default, bytes are forwarded unchanged, in the chunks in which they arrived. The reader parses a copy, and each
complete frame is logged right after its bytes are forwarded, in the same step of the event loop. While the intercept queue is
closed (because of a breakpoint, a rule, or an injection that waits for a frame boundary), whole frames are handed to the queue
instead, and the queue decides when each one is forwarded. Even then an unchanged frame is forwarded with its original bytes; only
changed and added frames are serialized again. The pipe switches between the two modes only at frame boundaries.

The two endpoints negotiate compression with each other, so a frame may refer to those before it. If the receiver did not
get a compressed frame, later ones are forwarded uncompressed (RFC 7692 section 6 allows this), and the pipe stays in frame mode.

A failure of the reader, the queue or the log never stops the bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from inspector.core.event import Direction, Origin
from inspector.sources.frame_log import FrameLog, SafeFrameLog
from inspector.sources.frames import (
    BINARY,
    PASSING,
    TEXT,
    TOO_LARGE,
    FrameReader,
    WireFrame,
    close_bytes,
    frame_bytes,
)

log = logging.getLogger(__name__)

PING, PONG = 0x9, 0xA
OWN_PING = b"realtime-inspector"
"""Payload of the inspector's own pings, by which their pongs are recognized and not forwarded."""


# Theory of operation
#
# A pipe has a reader, which finds the frames in the byte stream, and a mode, which says what is done with them.
#
#              | bytes arrive                                 | `engage` (the queue has closed) | `settle` (the queue may be open)
#   -----------+----------------------------------------------+---------------------------------+---------------------------------
#   RAW        | write them, then read and log the frames     | at a boundary: FRAMES           | stays
#              | that they complete                           | within a frame: ENDING          |
#   ENDING     | log the frames up to the next boundary, and  | stays                           | stays
#              | write all bytes up to there; then FRAMES     |                                 |
#   FRAMES     | hand each whole data frame to the queue, and | stays                           | if the queue is open, the
#              | write control frames at once                 |                                 | compression context is intact and
#              |                                              |                                 | the pipe is not busy: write the
#              |                                              |                                 | unfinished frame, then RAW
#   no reader  | write them                                   | stays                           | stays
#
# Other transitions: if a frame in FRAMES is too large to buffer (PASSING), all waiting frames are forwarded, and the pipe is ENDING
# until the end of that frame. If the reader fails, the pipe has no reader for the rest of the connection, in any mode.
#
# Invariants:
#
# 1. Each byte from the sender is forwarded once, in order, or belongs to a frame that the queue has dropped. Bytes that only the reader
#    holds (`reader.unfinished`) were not forwarded yet: code that leaves FRAMES must write them, and so does `finish`.
# 2. A boundary is the end of a whole data frame, with no fragmented frame open. Only there can added data frames be sent, and only there
#    does the mode change. Control frames can also be sent between fragments (`is_between`; RFC 6455 section 5.4).
# 3. In RAW the bytes are written first and logged afterwards, in the same step of the event loop, so no response to them can be logged
#    before them. In FRAMES a frame is logged when it is forwarded (`forward`, `add`), not when it arrives.
# 4. `logged` records a frame; `forwarded` updates the session's state. `forwarded` is called once for all frames of a chunk, after the
#    bytes were written: hence `_is_busy`, which also prevents a return to RAW within a chunk when the queue opens.
# 5. The code called besides the forwarding (reader, queue, log, `close_seen`) may raise. The error is caught here and reported as
#    `inspector.degraded`, and the bytes are forwarded.


class FrameGate(Protocol):
    """The interface of an intercept queue: decides about the frames of one direction while it is closed."""

    @property
    def is_open(self) -> bool:
        """Return True if every frame may be forwarded without a decision."""
        ...

    def intercept(self, frame: WireFrame) -> None:
        """Decide about a whole data frame, and call the pipe's ``forward`` or ``drop`` for it, now or later."""
        ...

    def flush(self, why: str) -> None:
        """Forward all waiting frames, because their sender has closed."""
        ...

    def discard(self, why: str) -> None:
        """Report all waiting frames as undelivered, because their receiver has closed."""
        ...


class _Mode(Enum):
    RAW = auto()
    ENDING = auto()
    """Forwards raw bytes up to the end of the current frame."""
    FRAMES = auto()


class DirectionPipe:
    """Forwards bytes from one endpoint to the other, and logs their frames."""

    def __init__(
        self, direction: Direction, reader: FrameReader, frame_log: FrameLog, *, can_reread: bool
    ) -> None:
        """Create a pipe in raw mode, without endpoints.

        Args:
            direction: client (to the server) or server (to the app).
            reader: finds the frames.
            frame_log: receives the frames; may raise without an effect on the bytes.
            can_reread: False if compressed frames refer to earlier ones (context takeover, RFC 7692 section 7.1.1).
        """
        self.direction = direction
        self.write: Callable[[bytes], None] = _discard_bytes
        """Sends bytes to the receiving endpoint."""
        self.hold_sender: Callable[[bool], None] = _ignore
        """Pauses (True) or resumes (False) reading from the sender."""
        self.close_seen: Callable[[WireFrame], None] = _ignore
        """Called with each close frame."""
        self.queue: FrameGate | None = None
        """The intercept queue; None to forward every frame."""
        self._reader: FrameReader | None = reader
        self._log = SafeFrameLog(direction, frame_log)
        self._mode = _Mode.RAW
        self._is_busy = False
        self._pending: list[tuple[bytes, bool, Origin]] = []
        self._can_reread = can_reread
        self._context_lost = False

    @property
    def is_masked(self) -> bool:
        """Return True if added frames must be masked, as RFC 6455 section 5.3 requires of a client."""
        return self.direction is Direction.CLIENT

    @property
    def can_add(self) -> bool:
        """Return True if frames can be added; without a reader the boundaries are unknown."""
        return self._reader is not None

    def received(self, data: bytes) -> None:
        """Forward bytes from the sender, or hand their frames to the queue."""
        reader = self._reader
        if reader is None:
            self.write(data)
            return
        is_raw = self._mode is _Mode.RAW
        if is_raw:
            # Write before reading and logging, so that neither delays the bytes. No response can be logged first, because this
            # method does not yield to the event loop.
            self.write(data)
        try:
            frames = reader.feed(data)
        except Exception as error:
            log.exception("the frames could not be read")
            self._stop_reading(reader, b"" if is_raw else data, error)
            return
        self._is_busy = True
        try:
            if is_raw:
                self._log_all(frames)
            else:
                self._read_by_frame(frames, data)
        finally:
            self._is_busy = False
        self._log.forwarded()
        self.settle()

    def engage(self) -> None:
        """Hand frames to the queue, from the next frame boundary on."""
        if self._mode is _Mode.RAW and self._reader is not None:
            is_between = self._reader.is_at_boundary
            self._mode = _Mode.FRAMES if is_between else _Mode.ENDING

    def settle(self) -> None:
        """Return to raw mode if the queue is open and the compression context is intact."""
        reader = self._reader
        if reader is None or self._mode is not _Mode.FRAMES or self._context_lost or self._is_busy:
            return
        if self._is_queue_open():
            self._mode = _Mode.RAW
            unfinished = reader.unfinished
            if unfinished:
                self.write(unfinished)

    def forward(self, frame: WireFrame) -> None:
        """Forward and log a frame unchanged."""
        self._log_frame(frame)
        if self._context_lost and frame.is_compressed and not frame.problem:
            # The receiver's inflater lacks the dropped frame, so the original bytes would inflate to garbage.
            self.write(frame_bytes(frame.opcode, frame.data, is_masked=self.is_masked))
        else:
            self.write(frame.raw)
        if not self._is_busy:
            self._log.forwarded()

    def drop(self, frame: WireFrame) -> None:
        """Record that a frame is not forwarded, or is replaced by another one."""
        if frame.is_compressed and not self._can_reread:
            self._context_lost = True

    def add(self, data: bytes, *, is_text: bool, origin: Origin) -> bool:
        """Send an added frame: at once, or at the next boundary if a frame is only partly forwarded.

        Returns:
            False if frames can no longer be added.
        """
        if self._reader is None:
            return False
        is_between = self._reader.is_at_boundary and not self._is_busy
        if self._mode is _Mode.FRAMES or (self._mode is _Mode.RAW and is_between):
            self._log.logged(data, is_text=is_text, origin=origin)
            opcode = TEXT if is_text else BINARY
            self.write(frame_bytes(opcode, data, is_masked=self.is_masked))
            self._log.forwarded()
        else:
            self._pending.append((data, is_text, origin))
            self.engage()
        return True

    def finish(self) -> None:
        """Forward the bytes of an incomplete frame, because its sender has closed."""
        if self._mode is _Mode.FRAMES and self._reader is not None:
            self.write(self._reader.unfinished)

    def detach(self) -> None:
        """Release the endpoints and the queue after the end of the connection."""
        # Also breaks the reference cycle between the pipe, its endpoints and its queue.
        self.write, self.hold_sender, self.close_seen = _discard_bytes, _ignore, _ignore
        self.queue = None

    def ping(self) -> None:
        """Send the inspector's own ping, unless a frame is only partly forwarded."""
        if self._mode is _Mode.FRAMES or (self._reader is not None and self._reader.is_between):
            self.write(frame_bytes(PING, OWN_PING, is_masked=self.is_masked))

    def close(self, code: int, reason: str) -> None:
        """Send the inspector's own close frame, unless a frame is only partly forwarded."""
        if self._mode is _Mode.FRAMES or (self._reader is not None and self._reader.is_between):
            self.write(close_bytes(code, reason, is_masked=self.is_masked))

    def _log_all(self, frames: list[WireFrame]) -> None:
        """Log frames whose bytes were forwarded, as one batch."""
        is_batch = len(frames) > 1
        if is_batch:
            self._log.gather(True)
        for frame in frames:
            self._log_frame(frame)
        if is_batch:
            self._log.gather(False)
        self._add_pending()

    def _read_by_frame(self, frames: list[WireFrame], data: bytes) -> None:
        # Only ENDING writes the bytes of ``data``; in FRAMES each frame carries its own bytes.
        written = 0 if self._mode is _Mode.ENDING else len(data)
        for frame in frames:
            if self._mode is _Mode.ENDING:
                self._log_frame(frame)
                if frame.is_boundary:
                    self.write(data[written : frame.end])
                    self._mode = _Mode.FRAMES
                    written = len(data)
                    self._add_pending()
            elif frame.problem is PASSING:
                self._flush("a frame is too large to pause")
                self.write(frame.raw)
                self._mode, written = _Mode.ENDING, frame.end
            else:
                self._intercept(frame)
        if self._mode is _Mode.ENDING and written < len(data):
            self.write(data[written:])

    def _intercept(self, frame: WireFrame) -> None:
        if frame.is_control:
            if frame.opcode == PONG and frame.data == OWN_PING:
                return
            if frame.is_close:
                # A close frame is the last one, so the waiting frames must be forwarded before it.
                self._flush("the sender closed the connection")
            self._log_frame(frame)
            self.write(frame.raw)
        elif self.queue is None or self._is_queue_open():
            self.forward(frame)
        else:
            try:
                self.queue.intercept(frame)
            except Exception as error:
                log.exception("the intercept queue failed")
                self._log.degraded(f"the intercept queue failed: {type(error).__name__}: {error}")
                self.forward(frame)

    def _is_queue_open(self) -> bool:
        try:
            return self.queue is None or self.queue.is_open
        except Exception:
            log.exception("the intercept queue failed")
            return True

    def _add_pending(self) -> None:
        pending, self._pending = self._pending, []
        for data, is_text, origin in pending:
            self.add(data, is_text=is_text, origin=origin)

    def _flush(self, why: str) -> None:
        try:
            if self.queue is not None:
                self.queue.flush(why)
        except Exception:
            log.exception("the intercept queue failed")

    def _log_frame(self, frame: WireFrame) -> None:
        """Log a frame."""
        if frame.is_control:
            if frame.is_close:
                self._report_close(frame)
        elif frame.problem is TOO_LARGE:
            self._log.degraded("a frame was too large to record; it was forwarded")
        elif frame.problem is not PASSING:
            is_text = frame.is_text and not frame.problem
            self._log.logged(frame.data, is_text=is_text, origin=Origin.WIRE)
            if frame.problem:
                self._log.degraded(f"a frame could not be read: {frame.problem}")

    def _report_close(self, frame: WireFrame) -> None:
        try:
            self.close_seen(frame)
        except Exception as error:
            log.exception("a close frame could not be processed")
            self._log.degraded(f"a close frame was not processed: {type(error).__name__}: {error}")

    def _stop_reading(self, reader: FrameReader, data: bytes, error: Exception) -> None:
        """Stop reading frames for the rest of the connection, and forward the bytes received so far."""
        if self._mode is _Mode.FRAMES:
            # Flush while the reader is still set, because ``add`` needs it for changed frames. Busy, so that ``settle`` does not
            # write the unfinished frame a second time when the queue opens.
            self._is_busy = True
            try:
                self._flush("the frames could not be read")
            finally:
                self._is_busy = False
            data = reader.unfinished
        self._reader = None
        self._mode = _Mode.RAW
        if data:
            self.write(data)
        self._log.degraded(
            f"frames are no longer recorded, only forwarded: {type(error).__name__}: {error}"
        )


def _discard_bytes(_: bytes) -> None:
    """Discard bytes while the pipe has no receiving endpoint."""


def _ignore(_: object) -> None:
    """Ignore a call while the pipe has no listener."""

"""DirectionPipe: one direction of a relayed connection.

Raw by default: bytes go on as they came, in the chunks in which they came, and are read on the side; what is complete is
logged right after its bytes have gone on, in the same step of the loop. While the pipe's queue is closed (a breakpoint, a
rule, an injection that waits for its place), whole frames are handed to the queue instead, which says when each goes on. An
untouched frame leaves with its own bytes even then; only what was changed or added is framed anew. The change from bytes to
frames happens between two frames, and so does the change back.

Compression is agreed on between the two ends and passes through, so each frame may refer to the ones before it. If a
compressed frame was kept from the receiver, later ones are sent on uncompressed (which the extension allows), and the pipe
does not go back to raw.

Nothing that fails on the side stops the bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from inspector.core.event import Direction, Origin
from inspector.sources.frame_log import FrameLog, SafeFrameLog
from inspector.sources.frames import (
    PASSING,
    TOO_LARGE,
    FrameReader,
    WireFrame,
    close_bytes,
    frame_bytes,
)

log = logging.getLogger(__name__)

TEXT, BINARY, PING, PONG = 0x1, 0x2, 0x9, 0xA
OWN_PING = b"realtime-inspector"
"""Payload of our pings, so that the answer to one is not passed on."""


class FrameGate(Protocol):
    """Decides about the frames of one direction while it is closed."""

    @property
    def is_open(self) -> bool:
        """Tell whether every frame may pass unseen."""
        ...

    def take(self, frame: WireFrame) -> None:
        """Decide about a whole data frame: sooner or later the pipe's ``forward`` or ``drop`` is called for it."""
        ...

    def flush(self, why: str) -> None:
        """Let everything go on that waits: its sender has gone."""
        ...

    def discard(self, why: str) -> None:
        """Report what waits as undelivered: its receiver has gone."""
        ...


class _Mode(Enum):
    RAW = auto()
    ENDING = auto()
    """Raw up to the end of the frame that is going by."""
    FRAMES = auto()


class DirectionPipe:
    """Bytes in from one side, out to the other."""

    def __init__(
        self, direction: Direction, reader: FrameReader, frame_log: FrameLog, *, can_reread: bool
    ) -> None:
        """Make a pipe.

        Args:
            direction: client (to the server) or server (to the app).
            reader: reads along.
            frame_log: takes what is seen; what it raises stops nothing.
            can_reread: False where compressed frames refer to earlier ones.
        """
        self.direction = direction
        self.write: Callable[[bytes], None] = _nowhere
        """Sends bytes to the other side."""
        self.hold_sender: Callable[[bool], None] = _nothing
        """Stops reading from the sender, or goes on."""
        self.close_seen: Callable[[WireFrame], None] = _nothing
        self.queue: FrameGate | None = None
        self._reader: FrameReader | None = reader
        self._log = SafeFrameLog(direction, frame_log)
        self._mode = _Mode.RAW
        self._is_busy = False
        self._pending: list[tuple[bytes, bool, Origin]] = []
        self._can_reread = can_reread
        self._context_lost = False

    @property
    def is_masked(self) -> bool:
        """Tell whether frames of our own must be masked."""
        return self.direction is Direction.CLIENT

    @property
    def can_add(self) -> bool:
        """Tell whether a frame of our own finds a place between others."""
        return self._reader is not None

    def received(self, data: bytes) -> None:
        """Pass on what a side has sent."""
        reader = self._reader
        if reader is None:
            self.write(data)
            return
        is_raw = self._mode is _Mode.RAW
        if is_raw:
            # First of all: nothing beside the bytes may hold them up. No answer can be seen before this is logged.
            self.write(data)
        try:
            frames = reader.feed(data)
        except Exception as error:
            log.exception("reading along failed")
            self._go_blind(reader, b"" if is_raw else data, error)
            return
        self._is_busy = True
        try:
            if is_raw:
                self._see_all(frames)
            else:
                self._by_frames(frames, data)
        finally:
            self._is_busy = False
        self._log.went_on()
        self.settle()

    def engage(self) -> None:
        """Hand frames to the queue from the next one on."""
        if self._mode is _Mode.RAW and self._reader is not None:
            is_between = self._reader.is_at_boundary
            self._mode = _Mode.FRAMES if is_between else _Mode.ENDING

    def settle(self) -> None:
        """Go back to raw bytes if nothing stands against it."""
        reader = self._reader
        if reader is None or self._mode is not _Mode.FRAMES or self._context_lost or self._is_busy:
            return
        if self._may_pass_unseen():
            self._mode = _Mode.RAW
            unfinished = reader.unfinished
            if unfinished:
                self.write(unfinished)

    def forward(self, frame: WireFrame) -> None:
        """Send a frame on as it came."""
        self._see(frame)
        if self._context_lost and frame.is_compressed and not frame.problem:
            self.write(frame_bytes(frame.opcode, frame.data, is_masked=self.is_masked))
        else:
            self.write(frame.raw)
        if not self._is_busy:
            self._log.went_on()

    def drop(self, frame: WireFrame) -> None:
        """Take note that the receiver will not get a frame, or gets another in its place."""
        if frame.is_compressed and not self._can_reread:
            self._context_lost = True

    def add(self, data: bytes, *, is_text: bool, origin: Origin) -> bool:
        """Send a frame of our own, at once or, within a frame that is going by, right after it.

        Returns:
            False where that is not possible any more.
        """
        if self._reader is None:
            return False
        is_between = self._reader.is_at_boundary and not self._is_busy
        if self._mode is _Mode.FRAMES or (self._mode is _Mode.RAW and is_between):
            self._log.logged(data, is_text=is_text, origin=origin)
            opcode = TEXT if is_text else BINARY
            self.write(frame_bytes(opcode, data, is_masked=self.is_masked))
            self._log.went_on()
        else:
            self._pending.append((data, is_text, origin))
            self.engage()
        return True

    def finish(self) -> None:
        """Send on what there is of a frame that will not be completed: its sender has gone."""
        if self._mode is _Mode.FRAMES and self._reader is not None:
            self.write(self._reader.unfinished)

    def detach(self) -> None:
        """Forget everybody: the connection has ended."""
        self.write, self.hold_sender, self.close_seen = _nowhere, _nothing, _nothing
        self.queue = None

    def ping(self) -> None:
        """Send a ping of our own, if there is a place for it now."""
        if self._mode is _Mode.FRAMES or (self._reader is not None and self._reader.is_between):
            self.write(frame_bytes(PING, OWN_PING, is_masked=self.is_masked))

    def close(self, code: int, reason: str) -> None:
        """Send a close frame of our own, if there is a place for it now."""
        if self._mode is _Mode.FRAMES or (self._reader is not None and self._reader.is_between):
            self.write(close_bytes(code, reason, is_masked=self.is_masked))

    def _see_all(self, frames: list[WireFrame]) -> None:
        """Log frames whose bytes have gone on."""
        is_many = len(frames) > 1
        if is_many:
            self._log.gather(True)
        for frame in frames:
            self._see(frame)
        if is_many:
            self._log.gather(False)
        self._add_pending()

    def _by_frames(self, frames: list[WireFrame], data: bytes) -> None:
        written = 0 if self._mode is _Mode.ENDING else len(data)
        for frame in frames:
            if self._mode is _Mode.ENDING:
                self._see(frame)
                if frame.is_boundary:
                    self.write(data[written : frame.end])
                    self._mode = _Mode.FRAMES
                    written = len(data)
                    self._add_pending()
            elif frame.problem is PASSING:
                self._flush("a frame came that is too large to hold")
                self.write(frame.raw)
                self._mode, written = _Mode.ENDING, frame.end
            else:
                self._take(frame)
        if self._mode is _Mode.ENDING and written < len(data):
            self.write(data[written:])

    def _take(self, frame: WireFrame) -> None:
        if frame.is_control:
            if frame.opcode == PONG and frame.data == OWN_PING:
                return
            if frame.is_close:
                self._flush("its sender closes the connection")
            self._see(frame)
            self.write(frame.raw)
        elif self.queue is None or self._may_pass_unseen():
            self.forward(frame)
        else:
            try:
                self.queue.take(frame)
            except Exception as error:
                log.exception("the gate failed")
                self._log.degraded(f"the gate failed: {type(error).__name__}: {error}")
                self.forward(frame)

    def _may_pass_unseen(self) -> bool:
        try:
            return self.queue is None or self.queue.is_open
        except Exception:
            log.exception("the gate failed")
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
            log.exception("the gate failed")

    def _see(self, frame: WireFrame) -> None:
        """Log a frame."""
        if frame.is_control:
            if frame.is_close:
                self._tell_close(frame)
        elif frame.problem is TOO_LARGE:
            self._log.degraded("a frame is too large to be kept; it was passed on")
        elif frame.problem is not PASSING:
            is_text = frame.is_text and not frame.problem
            self._log.logged(frame.data, is_text=is_text, origin=Origin.WIRE)
            if frame.problem:
                self._log.degraded(f"a frame could not be read: {frame.problem}")

    def _tell_close(self, frame: WireFrame) -> None:
        try:
            self.close_seen(frame)
        except Exception as error:
            log.exception("a close frame could not be told")
            self._log.degraded(f"a close frame was not read: {type(error).__name__}: {error}")

    def _go_blind(self, reader: FrameReader, data: bytes, error: Exception) -> None:
        """Give up reading along, and pass on what has come."""
        if self._mode is _Mode.FRAMES:
            # With the reader still there, so that changed frames find their way; and busy, so that the queue's opening does
            # not send on the unfinished frame too.
            self._is_busy = True
            try:
                self._flush("reading along has failed")
            finally:
                self._is_busy = False
            data = reader.unfinished
        self._reader = None
        self._mode = _Mode.RAW
        if data:
            self.write(data)
        self._log.degraded(f"frames are not read any more: {type(error).__name__}: {error}")


def _nowhere(_: bytes) -> None:
    """Stand in for a side that is not there yet."""


def _nothing(_: object) -> None:
    """Stand in for a listener that is not there yet."""

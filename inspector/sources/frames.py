"""FrameReader: the frames in one direction of a byte stream that goes past. It reads along and never objects.

``websockets`` unmasks and inflates; the stretch around that is read here, because the library's own parser belongs to a
peer of the connection: it ends with an exception on what breaks the protocol or is too large, while a relay goes on, and
it does not say which bytes a frame was made of, which is what lets an untouched frame leave exactly as it came.

A ``WireFrame`` here is a whole data frame put together from its fragments, or a control frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from websockets.exceptions import ConnectionClosedError, PayloadTooBig, ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Frame, Opcode

from inspector.sources.live import MAX_FRAME_BYTES

try:
    from websockets.speedups import apply_mask
except ImportError:  # an installation without the compiled part
    from websockets.utils import apply_mask

_CONTINUATION, TEXT, BINARY, _CLOSE = 0x0, 0x1, 0x2, 0x8
_FIRST_CONTROL = 0x8
NO_STATUS = 1005
"""What stands for a close frame without a code."""
TOO_LARGE = "too large to keep"
"""The problem of a frame that has gone by."""
PASSING = "too large to hold"
"""The problem of the beginning of such a frame: its bytes must go on before it is complete."""


# Theory of operation
#
#   fin+opcode  mask+length  (16 or 64 bits of length)  (4 bytes of mask)  payload        one fragment (RFC 6455 section 5.2)
#
#   state                 | what says so           | the next byte                        | left by
#   ----------------------+------------------------+--------------------------------------+---------------------------------------------
#   at a boundary         | none of the below      | begins a data or control frame       |
#   in a fragment         | `_rest`, `_need` bytes | belongs to that fragment             | `_need` bytes are there
#   between fragments     | `_is_open`             | begins a fragment, or a control frame| a fragment with FIN
#   skipping a fragment   | `_skip` bytes to go    | is not kept                          | `_skip` is 0; with FIN the frame is over too
#   frame too large       | `_is_too_large`        | as above, and nothing of it is kept  | a fragment with FIN
#
# Rules of the room:
#
# 1. `raw` of all frames, and `unfinished` behind them, are the bytes that were fed: nothing is lost or doubled, and only a control
#    frame moves, before the data frame whose fragments it came between. Of a frame that is too large, `raw` holds what there was when that became known; the rest has gone by, and its `end` says where it ends.
# 2. Nothing is refused. What breaks the protocol comes out as a frame with a `problem`, since the two ends of the connection decide what
#    to make of it.
# 3. Nothing waits for what may never fit: a frame above `max_bytes` is told at its beginning (PASSING), so that whoever holds frames
#    lets its bytes go, and again at its end (TOO_LARGE).
# 4. One inflater reads everything of its direction in order. A compressed frame that it did not see would leave it with the wrong
#    window: then it is given up, and later frames have a problem in place of words (`_went_by`), unless each stands for itself.


@dataclass(slots=True)
class WireFrame:
    """What a stretch of the stream turned out to be (RFC 6455 section 5)."""

    opcode: int
    """RFC 6455 section 5.2; that of the first fragment."""
    data: bytes
    """The payload: unmasked, inflated, put together; as it came where ``problem`` says why."""
    raw: bytes
    """The bytes that it was made of."""
    end: int
    """Where it ends in the bytes that were fed last."""
    is_boundary: bool = True
    """False inside a data frame of several fragments, where only control frames may be put in."""
    is_compressed: bool = False
    """True where it came with RSV1 set (RFC 7692)."""
    problem: str = ""
    """Why the payload could not be read, in words, or ``TOO_LARGE`` or ``PASSING``."""

    @property
    def is_control(self) -> bool:
        """Tell whether it is a close, ping or pong."""
        return self.opcode >= _FIRST_CONTROL

    @property
    def is_close(self) -> bool:
        """Tell whether it is a close frame."""
        return self.opcode == _CLOSE

    @property
    def is_text(self) -> bool:
        """Tell whether it is a text frame."""
        return self.opcode == TEXT


class FrameReader:
    """Reads one direction."""

    def __init__(
        self, inflater: PerMessageDeflate | None = None, *, max_bytes: int = MAX_FRAME_BYTES
    ) -> None:
        """Start at the first byte after the upgrade.

        Args:
            inflater: undoes this direction's compression, if any was agreed on.
            max_bytes: a larger frame is reported, not kept.
        """
        self._inflater = inflater
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._need = 0
        self._skip = 0
        self._ends_after_skip = False
        self._is_open = False
        self._is_too_large = False
        self._opcode = 0
        self._is_compressed = False
        self._parts = bytearray()
        self._raw = bytearray()

    @property
    def is_at_boundary(self) -> bool:
        """Tell whether the bytes so far end with a whole data frame: the place where another one may be put in."""
        return not (self._is_open or self._rest or self._skip)

    @property
    def is_between(self) -> bool:
        """Tell whether the bytes so far end with a whole fragment: the place where a control frame may be put in."""
        return not (self._rest or self._skip)

    @property
    def unfinished(self) -> bytes:
        """Return the bytes of what is not complete yet."""
        return bytes(self._raw + self._rest)

    def feed(self, data: bytes) -> list[WireFrame]:
        """Read on; return what is complete now."""
        known = len(self._rest)
        if known:
            self._rest += data
            if len(self._rest) < self._need:
                return []
            buffer = bytes(self._rest)
            self._rest.clear()
        else:
            buffer = data
        open_before = bytes(self._raw)
        try:
            return self._read(buffer, known)
        except Exception:
            self._raw[:], self._rest[:] = (
                open_before,
                buffer,
            )  # so that ``unfinished`` loses nothing
            raise

    def _read(self, buffer: bytes, known: int) -> list[WireFrame]:
        frames: list[WireFrame] = []
        at, size = 0, len(buffer)
        while at < size:
            if self._skip:
                at += self._skipped(size - at, at - known, frames)
                continue
            end = self._end_of(buffer, at)
            if self._need > self._max_bytes:
                frames.append(self._start_skipping(buffer, at, end, known))
                continue
            if end > size:
                break
            frames += self._frame(buffer, at, end, end - known)
            at = end
        if at < size:
            self._rest += buffer[at:] if at else buffer
        return frames

    def _end_of(self, buffer: bytes, at: int) -> int:
        """Return where the fragment at ``at`` ends, or at least where its header does while that is cut off."""
        size = len(buffer)
        if size - at < 2:
            self._need = 2
            return at + 2
        length = buffer[at + 1] & 0x7F
        header = 2 + (0, 2, 8)[max(0, length - 125)] + (4 if buffer[at + 1] & 0x80 else 0)
        if size - at < header:
            self._need = header
            return at + header
        if length == 126:
            length = buffer[at + 2] << 8 | buffer[at + 3]
        elif length == 127:
            length = int.from_bytes(buffer[at + 2 : at + 10])
        self._need = header + length
        return at + self._need

    def _frame(self, buffer: bytes, at: int, end: int, end_in_data: int) -> Iterable[WireFrame]:
        """Take one whole fragment; none where more of its frame is to come."""
        first, second = buffer[at], buffer[at + 1]
        payload_at = at + 2 + (0, 2, 8)[max(0, (second & 0x7F) - 125)]
        if second & 0x80:
            payload = apply_mask(buffer[payload_at + 4 : end], buffer[payload_at : payload_at + 4])
        else:
            payload = buffer[payload_at:end]
        raw = buffer[at:end]
        opcode = first & 0x0F
        if opcode >= _FIRST_CONTROL:
            return (WireFrame(opcode, payload, raw, end_in_data, is_boundary=not self._is_open),)
        if self._is_open or not first & 0x80:
            return self._fragment(payload, raw, first, end_in_data)
        is_compressed = bool(first & 0x40)
        data, problem = self._inflated(payload, opcode) if is_compressed else (payload, "")
        return (WireFrame(opcode, data, raw, end_in_data, True, is_compressed, problem),)

    def _fragment(self, payload: bytes, raw: bytes, first: int, end: int) -> Iterator[WireFrame]:
        if not self._is_open:
            self._is_open, self._is_too_large = True, False
            self._opcode, self._is_compressed = first & 0x0F, bool(first & 0x40)
        if not self._is_too_large:
            self._parts += payload
            self._raw += raw
            if len(self._parts) > self._max_bytes:
                yield self._give_up(bytes(self._raw), end)
        if first & 0x80:
            yield self._put_together(end)

    def _put_together(self, end: int) -> WireFrame:
        data, raw, problem = bytes(self._parts), bytes(self._raw), ""
        self._parts.clear()
        self._raw.clear()
        self._is_open = False
        if self._is_too_large:
            problem = TOO_LARGE
            self._went_by(is_compressed=self._is_compressed)
        elif self._is_compressed:
            data, problem = self._inflated(data, self._opcode)
        return WireFrame(self._opcode, data, raw, end, True, self._is_compressed, problem)

    def _give_up(self, raw: bytes, end: int) -> WireFrame:
        """Let go of what was kept of a frame that has become too large."""
        self._is_open = self._is_too_large = True
        self._parts.clear()
        self._raw.clear()
        return WireFrame(self._opcode, b"", raw, end, is_boundary=False, problem=PASSING)

    def _inflated(self, payload: bytes, opcode: int) -> tuple[bytes, str]:
        if self._inflater is None or opcode not in (TEXT, BINARY):
            return payload, "compressed in a way that cannot be read"
        try:
            frame = self._inflater.decode(
                Frame(Opcode(opcode), payload, rsv1=True), max_size=self._max_bytes
            )
        except PayloadTooBig:
            self._went_by(is_compressed=True)
            return b"", TOO_LARGE
        except ProtocolError as error:
            return payload, str(error)
        return bytes(frame.data), ""

    def _went_by(self, *, is_compressed: bool) -> None:
        """Note that a frame was not read: what is compressed with reference to it cannot be read either."""
        if is_compressed and self._inflater and not self._inflater.remote_no_context_takeover:
            self._inflater = None

    def _start_skipping(self, buffer: bytes, at: int, end: int, known: int) -> WireFrame:
        """Begin to let a fragment go by that is too large to keep."""
        first = buffer[at]
        if not self._is_open:
            self._opcode, self._is_compressed = first & 0x0F, bool(first & 0x40)
        self._skip = end - at
        self._ends_after_skip = bool(first & 0x80)
        upto = min(end, len(buffer)) - known
        return self._give_up(bytes(self._raw) + buffer[at:end], upto)

    def _skipped(self, available: int, at: int, frames: list[WireFrame]) -> int:
        taken = min(self._skip, available)
        self._skip -= taken
        if not self._skip and self._ends_after_skip:
            frames.append(self._put_together(at + taken))
        return taken


def close_words(data: bytes) -> tuple[int, str]:
    """Return the code and reason in a close frame, 1005 where it has none."""
    try:
        close = Close.parse(data)
    except (ProtocolError, ConnectionClosedError, UnicodeDecodeError):
        code = int.from_bytes(data[:2]) if len(data) >= 2 else NO_STATUS
        return code, data[2:].decode("utf-8", "replace")
    return int(close.code), close.reason


def frame_bytes(opcode: int, data: bytes, *, is_masked: bool) -> bytes:
    """Return a frame of our own; a client's is masked anew."""
    return Frame(Opcode(opcode), data).serialize(mask=is_masked)


def close_bytes(code: int, reason: str, *, is_masked: bool) -> bytes:
    """Return a close frame of our own; 1005 has no payload, and a long reason is cut to what fits."""
    data = b""
    if code != NO_STATUS:
        text = reason.encode()[:123].decode("utf-8", "ignore").encode()
        data = code.to_bytes(2) + text
    return frame_bytes(_CLOSE, data, is_masked=is_masked)

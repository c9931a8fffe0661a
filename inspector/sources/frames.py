"""FrameReader: parses the WebSocket frames in one direction of a relayed byte stream, without affecting the stream.

``websockets`` unmasks and inflates the payloads; the framing is parsed here. The library's own parser is written for an endpoint
of the connection: it raises on protocol violations and on frames above its limit, where a relay must continue, and it does not
return the original bytes of a frame, which a relay needs to forward an unchanged frame exactly as it was received.

A ``WireFrame`` in this module is a whole data message joined from its fragments, or one control frame.
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
except ImportError:  # websockets was installed without its C extension
    from websockets.utils import apply_mask

_CONTINUATION, TEXT, BINARY, _CLOSE = 0x0, 0x1, 0x2, 0x8
_FIRST_CONTROL = 0x8
NO_STATUS = 1005
"""The code reported for a close frame without one (RFC 6455 section 7.1.5)."""
TOO_LARGE = "too large to record"
"""The ``problem`` of a frame that is complete, but was not kept."""
PASSING = "too large to buffer"
"""The ``problem`` of the beginning of such a frame: its bytes must be forwarded before it is complete."""


# Theory of operation
#
#   fin+opcode  mask+length  (16 or 64 bits of length)  (4 bytes of mask)  payload        one fragment (RFC 6455 section 5.2)
#
#   state                 | represented by         | the next byte                         | until
#   ----------------------+------------------------+---------------------------------------+---------------------------------------------
#   at a boundary         | none of the below      | begins a data or control frame        |
#   in a fragment         | `_rest`, `_need` bytes | belongs to that fragment              | `_need` bytes have arrived
#   between fragments     | `_is_open`             | begins a fragment, or a control frame | a fragment with FIN
#   skipping a fragment   | `_skip` bytes to go    | is not kept                           | `_skip` is 0; with FIN the frame ends too
#   frame too large       | `_is_too_large`        | as above, but is not kept             | a fragment with FIN
#
# Invariants:
#
# 1. `raw` of all frames, followed by `unfinished`, equals the bytes that were fed: none is lost or duplicated. The order differs only
#    for a control frame, which comes before the data frame whose fragments surround it. Of a frame that is too large, `raw` contains
#    the bytes up to the moment when the size became known; the rest is skipped, and `end` is the position where the frame ends.
# 2. Nothing is refused. A protocol violation results in a frame with a `problem`, because the two endpoints of the connection decide
#    how to react to it.
# 3. No frame above `max_bytes` is buffered. It is reported at its beginning (PASSING), so that its bytes can be forwarded, and
#    again at its end (TOO_LARGE).
# 4. One inflater reads all compressed frames of its direction in order. Without one of them its window would be wrong, so it is
#    discarded then, and later frames get a `problem` instead of text (`_lose_context`), unless each is compressed independently.


@dataclass(slots=True)
class WireFrame:
    """A data message, or a control frame, as parsed from the stream (RFC 6455 section 5)."""

    opcode: int
    """The opcode of the first fragment (RFC 6455 section 5.2)."""
    data: bytes
    """The payload, unmasked, inflated and joined; still compressed if ``problem`` says that it could not be inflated."""
    raw: bytes
    """The original bytes, headers included."""
    end: int
    """The position after it in the bytes that were fed last."""
    is_boundary: bool = True
    """False between the fragments of a data frame, where only control frames may be inserted."""
    is_compressed: bool = False
    """True if it was received with RSV1 set (RFC 7692)."""
    problem: str = ""
    """Why the payload could not be read, for the user; or ``TOO_LARGE`` or ``PASSING``."""

    @property
    def is_control(self) -> bool:
        """Return True for a close, ping or pong frame."""
        return self.opcode >= _FIRST_CONTROL

    @property
    def is_close(self) -> bool:
        """Return True for a close frame."""
        return self.opcode == _CLOSE

    @property
    def is_text(self) -> bool:
        """Return True for a text frame."""
        return self.opcode == TEXT


class FrameReader:
    """Parses the frames of one direction."""

    def __init__(
        self, inflater: PerMessageDeflate | None = None, *, max_bytes: int = MAX_FRAME_BYTES
    ) -> None:
        """Start at the first byte after the upgrade.

        Args:
            inflater: undoes this direction's compression; None if the endpoints negotiated none.
            max_bytes: the largest payload that is kept; a larger one is only reported.
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
        """Return True if the bytes so far end with a whole data frame, so that another one may be inserted."""
        return not (self._is_open or self._rest or self._skip)

    @property
    def is_between(self) -> bool:
        """Return True if the bytes so far end with a whole fragment, so that a control frame may be inserted."""
        return not (self._rest or self._skip)

    @property
    def unfinished(self) -> bytes:
        """Return the bytes of the incomplete frame at the end."""
        return bytes(self._raw + self._rest)

    def feed(self, data: bytes) -> list[WireFrame]:
        """Parse more bytes; return the frames that they complete."""
        kept = len(self._rest)
        if kept:
            self._rest += data
            if len(self._rest) < self._need:
                return []
            buffer = bytes(self._rest)
            self._rest.clear()
        else:
            buffer = data
        open_before = bytes(self._raw)
        try:
            return self._read(buffer, kept)
        except Exception:
            # The caller forwards ``unfinished`` after an error, so it must contain every byte fed since the last frame.
            self._raw[:], self._rest[:] = open_before, buffer
            raise

    def _read(self, buffer: bytes, kept: int) -> list[WireFrame]:
        frames: list[WireFrame] = []
        at, size = 0, len(buffer)
        while at < size:
            if self._skip:
                at += self._skip_bytes(size - at, at - kept, frames)
                continue
            end = self._fragment_end(buffer, at)
            # The header is enough to know this: begin to skip before the payload has arrived.
            if self._need > self._max_bytes:
                frames.append(self._start_skipping(buffer, at, end, kept))
                continue
            if end > size:
                break
            frames += self._frame(buffer, at, end, end - kept)
            at = end
        if at < size:
            self._rest += buffer[at:] if at else buffer
        return frames

    def _fragment_end(self, buffer: bytes, at: int) -> int:
        """Return the end of the fragment at ``at``, or of its header if that is incomplete."""
        size = len(buffer)
        if size - at < 2:
            self._need = 2
            return at + 2
        length = buffer[at + 1] & 0x7F
        # A length of 126 is followed by 16 bits with the real one, 127 by 64 bits (RFC 6455 section 5.2).
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
        """Parse one whole fragment; return its frame if it is the last one of it."""
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
                yield self._report_too_large(bytes(self._raw), end)
        if first & 0x80:
            yield self._join_fragments(end)

    def _join_fragments(self, end: int) -> WireFrame:
        data, raw, problem = bytes(self._parts), bytes(self._raw), ""
        self._parts.clear()
        self._raw.clear()
        self._is_open = False
        if self._is_too_large:
            problem = TOO_LARGE
            self._lose_context(is_compressed=self._is_compressed)
        elif self._is_compressed:
            data, problem = self._inflated(data, self._opcode)
        return WireFrame(self._opcode, data, raw, end, True, self._is_compressed, problem)

    def _report_too_large(self, raw: bytes, end: int) -> WireFrame:
        """Discard the collected fragments of a frame that is too large, and return the report of its beginning."""
        self._is_open = self._is_too_large = True
        self._parts.clear()
        self._raw.clear()
        return WireFrame(self._opcode, b"", raw, end, is_boundary=False, problem=PASSING)

    def _inflated(self, payload: bytes, opcode: int) -> tuple[bytes, str]:
        if self._inflater is None or opcode not in (TEXT, BINARY):
            return payload, "it is compressed and cannot be decompressed"
        try:
            frame = self._inflater.decode(
                Frame(Opcode(opcode), payload, rsv1=True), max_size=self._max_bytes
            )
        except PayloadTooBig:
            self._lose_context(is_compressed=True)
            return b"", TOO_LARGE
        except ProtocolError as error:
            return payload, str(error)
        return bytes(frame.data), ""

    def _lose_context(self, *, is_compressed: bool) -> None:
        """Discard the inflater after a frame that it did not read, if later frames may refer to that frame."""
        if is_compressed and self._inflater and not self._inflater.remote_no_context_takeover:
            self._inflater = None

    def _start_skipping(self, buffer: bytes, at: int, end: int, kept: int) -> WireFrame:
        """Begin to skip a fragment that is too large to keep, and return the report of it."""
        first = buffer[at]
        if not self._is_open:
            self._opcode, self._is_compressed = first & 0x0F, bool(first & 0x40)
        self._skip = end - at
        self._ends_after_skip = bool(first & 0x80)
        read_to = min(end, len(buffer)) - kept
        return self._report_too_large(bytes(self._raw) + buffer[at:end], read_to)

    def _skip_bytes(self, available: int, at: int, frames: list[WireFrame]) -> int:
        count = min(self._skip, available)
        self._skip -= count
        if not self._skip and self._ends_after_skip:
            frames.append(self._join_fragments(at + count))
        return count


def close_words(data: bytes) -> tuple[int, str]:
    """Return the code and reason of a close frame's payload; the code is 1005 if it has none."""
    try:
        close = Close.parse(data)
    except (ProtocolError, ConnectionClosedError, UnicodeDecodeError):
        # ``Close.parse`` rejects reserved codes and invalid UTF-8; show what the endpoint sent anyway.
        code = int.from_bytes(data[:2]) if len(data) >= 2 else NO_STATUS
        return code, data[2:].decode("utf-8", "replace")
    return int(close.code), close.reason


def frame_bytes(opcode: int, data: bytes, *, is_masked: bool) -> bytes:
    """Return the bytes of a new frame; a masked one gets a new random mask."""
    return Frame(Opcode(opcode), data).serialize(mask=is_masked)


def close_bytes(code: int, reason: str, *, is_masked: bool) -> bytes:
    """Return the bytes of a new close frame; 1005 results in an empty payload, and a long reason is cut."""
    data = b""
    if code != NO_STATUS:
        # A control frame has at most 125 bytes of payload, two of them for the code; do not cut within a character.
        text = reason.encode()[:123].decode("utf-8", "ignore").encode()
        data = code.to_bytes(2) + text
    return frame_bytes(_CLOSE, data, is_masked=is_masked)

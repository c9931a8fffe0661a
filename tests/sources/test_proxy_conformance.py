"""The cases of Autobahn's WebSocket test suite that concern a relay: it forwards invalid frames, too, and loses nothing.

Every case goes both ways at once, through raw bytes and through a queue that looks at whole frames, and must arrive as it left,
to the last byte, whatever the ends would make of it.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Iterator

import pytest

from inspector.analysis.query import parse
from inspector.core.event import Direction
from inspector.engine.proxied_session import FrameRules
from inspector.engine.rules import Rule, RuleAction
from inspector.sources.frames import FrameReader
from tests.proxy_stage import PATIENCE_S, Stage, proxied, upgrade_request, upgrade_response
from tests.sources.loopback import raw_server

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
WATCHFUL = FrameRules(
    (
        Rule(
            "never",
            parse("type:never"),
            RuleAction.DROP,
            frozenset({Direction.CLIENT, Direction.SERVER}),
        ),
    )
)
"""A rule that matches no frame, but makes the queue parse every frame."""
BROKEN_UTF8 = (
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited", b"\x80", b"\xf8\x88\x80\x80\x80",
    b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xed\xb0\x80", b"\xf5", b"\xff\xfe", b"a\x00b",
)  # fmt: skip
CLOSE_CODES = (
    *(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999),
    *(0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535),
)  # fmt: skip


def frame(
    opcode: int,
    data: bytes = b"",
    *,
    fin: int = 1,
    rsv: int = 0,
    masked: bool = True,
    form: int = 0,
) -> bytes:
    """Return a frame that may break every rule; ``form`` 2 or 8 writes its length in more bytes than it needs."""
    head = bytes([fin << 7 | rsv << 4 | opcode])
    mask_bit, key = (0x80, b"\1\2\3\4") if masked else (0, b"")
    if form == 8 or len(data) > 0xFFFF:
        head += bytes([mask_bit | 127]) + len(data).to_bytes(8)
    elif form == 2 or len(data) > 125:
        head += bytes([mask_bit | 126]) + len(data).to_bytes(2)
    else:
        head += bytes([mask_bit | len(data)])
    body = bytes(byte ^ key[at % 4] for at, byte in enumerate(data)) if masked else data
    return head + key + body


def deflated(data: bytes) -> bytes:
    """Return data compressed for permessage-deflate."""
    squeezer = zlib.compressobj(wbits=-15)
    return (squeezer.compress(data) + squeezer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def close(code: int, reason: bytes = b"") -> bytes:
    """Return a close frame."""
    return frame(CLOSE, code.to_bytes(2) + reason)


def fragments(*parts: bytes, between: bytes = b"", opcode: int = TEXT, rsv: int = 0) -> bytes:
    """Return one message in several fragments, with other frames between them."""
    last = len(parts) - 1
    return between.join(
        frame(opcode if at == 0 else CONT, part, fin=at == last, rsv=rsv if at == 0 else 0)
        for at, part in enumerate(parts)
    )


def cases() -> Iterator[tuple[str, bytes]]:
    """Return (name, byte stream) pairs, named by the numbers of the suite's sections."""
    for opcode in (TEXT, BINARY):
        for size in (0, 125, 126, 127, 128, 65_535, 65_536):
            yield f"1 opcode {opcode}, {size}", frame(opcode, b"*" * size) + close(1000)
    for size in (0, 125, 126):
        yield f"2 ping {size}", frame(PING, b"p" * size) + frame(PONG, b"unasked")
    for rsv in range(1, 8):
        yield f"3 reserved bits {rsv}", frame(TEXT, b"x") + frame(TEXT, b"y", rsv=rsv)
        yield f"3 reserved bits {rsv}, ping", frame(PING, b"", rsv=rsv) + frame(TEXT, b"x")
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield f"4 opcode {opcode}", frame(TEXT, b"x") + frame(opcode, b"y") + frame(PING)
    yield "5 fragmented ping", frame(PING, b"a", fin=0) + frame(CONT, b"b")
    yield "5 ping between", fragments(b"a", b"", b"b", between=frame(PING, b"p"))
    yield "5 no beginning", frame(CONT, b"x", fin=0) + frame(TEXT, b"y") + frame(CONT, b"z")
    yield "5 two beginnings", frame(TEXT, b"x", fin=0) + frame(BINARY, b"y") + frame(CONT)
    for number, text in enumerate(BROKEN_UTF8):
        yield f"6 text {number}", frame(TEXT, text) + fragments(text[:1], text[1:])
    yield "7 twice", close(1000) + close(1001) + frame(TEXT, b"late")
    yield "7 within a frame", frame(TEXT, b"x", fin=0) + close(1000) + frame(CONT, b"y")
    yield "7 empty", frame(CLOSE)
    yield "7 one byte", frame(CLOSE, b"a")
    yield "7 too long", close(1000, b"*" * 124)
    yield "7 broken reason", close(1000, b"\xce\xba\xed\xa0\x80")
    for code in CLOSE_CODES:
        yield f"7 code {code}", close(code, b"why")
    yield "9 a mebibyte", frame(BINARY, bytes(1 << 20))
    yield "9 many fragments", fragments(*[b"A" * 999] * 300)
    yield "12 compressed", frame(TEXT, deflated(b"abc" * 99), rsv=4) + frame(TEXT, b"plain")
    yield "12 not compressed at all", frame(TEXT, b"not deflate", rsv=4) + frame(TEXT, b"x")
    halves = deflated(b"Q" * 900)[:5], deflated(b"Q" * 900)[5:]
    yield "12 in fragments", fragments(*halves, between=frame(PING), rsv=4)
    yield "12 every fragment", frame(TEXT, b"a", fin=0, rsv=4) + frame(CONT, b"b", rsv=4)
    yield "unmasked", frame(TEXT, b"x", masked=False) + frame(TEXT, b"y")
    yield "long lengths", frame(TEXT, b"x", form=2) + frame(TEXT, b"y" * 300, form=8)
    yield "length beyond 63 bits", b"\x81\xff\x80\0\0\0\0\0\0\1\1\2\3\4x"
    yield "length without end", b"\x81\xff\x7f" + b"\xff" * 7 + b"\1\2\3\4" + b"x" * 999
    yield "cut in the header", frame(TEXT, b"x") + b"\x81"
    yield "cut in the frame", frame(TEXT, b"x") + frame(TEXT, b"y" * 999)[:500]
    yield "cut between fragments", frame(TEXT, b"x", fin=0)
    yield "no frames at all", b"GET / HTTP/1.1\r\n\r\n"
    for seed in range(5):
        yield f"noise {seed}", random.Random(seed).randbytes(3000)


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("faults", [None, WATCHFUL], ids=["raw", "frames"])
def test_what_arrives_is_what_left(faults: FrameRules | None, is_compressed: bool) -> None:
    agreed = (DEFLATE,) if is_compressed else ()
    streams: dict[bytes, bytes] = {}
    received: asyncio.Future[bytes]

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        stream = streams[request.split(b" ")[1]]
        writer.write(upgrade_response(request, *agreed) + stream)
        received.set_result(await reader.read())
        writer.close()

    async def one(stage: Stage, name: str, stream: bytes) -> None:
        nonlocal received
        received = asyncio.get_running_loop().create_future()
        target = f"/v1/realtime?case={len(streams)}"
        streams[target.encode()] = stream
        reader, writer = await stage.raw_app(upgrade_request(target=target))
        await reader.readuntil(b"\r\n\r\n")
        piece = max(1, len(stream) // 7)
        for at in range(0, len(stream), piece):
            writer.write(stream[at : at + piece])
            await writer.drain()
        back = await reader.readexactly(len(stream) - len(kept_back(stream)))
        writer.write_eof()
        writer.close()

        assert in_order(back + kept_back(stream)) == in_order(stream), name
        assert in_order(await received) == in_order(stream), name

    def kept_back(stream: bytes) -> bytes:
        """Return the incomplete frame at the end: if frames are intercepted, it is forwarded when its sender disconnects."""
        if faults is None:
            return b""
        along = FrameReader()
        along.feed(stream)
        return along.unfinished

    def in_order(stream: bytes) -> list[int]:
        """Allow a ping to overtake the fragments around it if frames are intercepted."""
        return list(stream) if faults is None else sorted(stream)

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url, faults=faults) as stage:
            async with asyncio.timeout(3 * PATIENCE_S):
                for name, stream in cases():
                    await one(stage, name, stream)
            await stage.over()

    asyncio.run(scenario())

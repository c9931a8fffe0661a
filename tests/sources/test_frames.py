"""Parsing a copy of the byte stream: the same frames for any chunks, without losses or exceptions."""

from __future__ import annotations

import random
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from inspector.core.event import Direction, Origin
from inspector.sources.deflate import inflaters
from inspector.sources.direction_pipe import DirectionPipe
from inspector.sources.frames import (
    NO_STATUS,
    PASSING,
    TOO_LARGE,
    FrameReader,
    WireFrame,
    close_bytes,
    close_words,
    frame_bytes,
)

MASKS = (True, False)


def compressed(data: bytes) -> bytes:
    frame = Frame(Opcode.TEXT, data).serialize(mask=False)
    return bytes((frame[0] | 0x40,)) + frame[1:]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(at)]


@given(
    st.lists(
        st.tuples(st.sampled_from((1, 2, 9, 10)), st.binary(max_size=200), st.booleans()),
        max_size=8,
    ),
    st.lists(st.integers(0, 10_000), max_size=12),
)
def test_chunks_do_not_matter(frames: list[tuple[int, bytes, bool]], places: list[int]) -> None:
    data = b"".join(
        Frame(Opcode(code), body[:125]).serialize(mask=mask) for code, body, mask in frames
    )
    reader = FrameReader()
    seen = [frame for chunk in cut(data, places) for frame in reader.feed(chunk)]

    assert [(frame.opcode, frame.data) for frame in seen] == [(c, b[:125]) for c, b, _ in frames]
    assert b"".join(frame.raw for frame in seen) == data
    assert reader.is_at_boundary


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_hostile_bytes_are_read_without_an_error_and_passed_on(
    data: bytes, places: list[int]
) -> None:
    pipe, out, _ = stage(max_bytes=100)
    for chunk in cut(data, places):
        pipe.received(chunk)

    assert b"".join(out) == data


@pytest.mark.parametrize("mask", MASKS)
def test_where_a_frame_ends_is_told_in_the_bytes_fed_last(mask: bool) -> None:
    first, second = (Frame(Opcode.TEXT, b"x" * n).serialize(mask=mask) for n in (300, 70_000))
    reader = FrameReader()
    assert reader.feed(first[:7]) == []
    assert reader.unfinished == first[:7]
    (frame,) = reader.feed(first[7:] + second[:100])

    assert frame.end == len(first) - 7
    assert reader.unfinished == second[:100]
    (frame,) = reader.feed(second[100:])
    assert frame.end == len(second) - 100


def test_a_frame_that_is_too_large_goes_by_and_the_next_is_read() -> None:
    reader = FrameReader(max_bytes=1000)
    large = Frame(Opcode.TEXT, b"x" * 5000).serialize(mask=True)
    small = Frame(Opcode.TEXT, b"y").serialize(mask=True)
    seen = [f for chunk in (large[:2000], large[2000:] + small) for f in reader.feed(chunk)]

    assert [frame.problem for frame in seen] == [PASSING, TOO_LARGE, ""]
    assert seen[0].raw == large[:2000]
    assert seen[1].end == 3000 + 8
    assert seen[2].data == b"y"
    assert reader.is_at_boundary


def test_many_small_fragments_are_too_large_together() -> None:
    reader = FrameReader(max_bytes=1000)
    parts = [
        Frame(Opcode.TEXT if not n else Opcode.CONT, b"x" * 400, n == 4).serialize(mask=True)
        for n in range(5)
    ]
    seen = [reader.feed(part) for part in parts]

    assert [[frame.problem for frame in frames] for frames in seen] == [
        [], [], [PASSING], [], [TOO_LARGE],
    ]  # fmt: skip
    assert seen[2][0].raw == b"".join(parts[:3])
    assert seen[4][0].is_boundary


@pytest.mark.parametrize(
    ("accepted", "takes_over"),
    [
        ("permessage-deflate", (True, True)),
        ("permessage-deflate; client_no_context_takeover", (False, True)),
        ("permessage-deflate; server_no_context_takeover; server_max_window_bits=9", (True, False)),
    ],
)
def test_compression_is_read_as_it_was_agreed_on(
    accepted: str, takes_over: tuple[bool, bool]
) -> None:
    pair = inflaters([accepted])
    assert all(pair)
    for inflater, takes in zip(pair, takes_over, strict=True):
        assert inflater is not None
        assert inflater.remote_no_context_takeover is not takes
        bits = inflater.remote_max_window_bits
        reader = FrameReader(inflater)
        deflater = zlib.compressobj(wbits=-bits)
        for text in (b"the same words " * 20, b"the same words " * 30):
            if not takes:
                deflater = zlib.compressobj(wbits=-bits)
            packed = (deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
            (frame,) = reader.feed(compressed(packed))
            assert (frame.data, frame.problem, frame.is_compressed) == (text, "", True)


def test_a_bomb_is_not_inflated() -> None:
    reader = FrameReader(inflaters(["permessage-deflate"])[0], max_bytes=10_000)
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH)
    (frame,) = reader.feed(compressed(packed[:-4][:9000]))

    assert frame.problem is TOO_LARGE


@pytest.mark.parametrize("accepted", [[], ["x-other"], ["permessage-deflate; ="], [""]])
def test_an_unknown_extension_is_not_inflated(accepted: list[str]) -> None:
    assert inflaters(accepted) == (None, None)
    (frame,) = FrameReader().feed(compressed(b"\x01"))

    assert "cannot be decompressed" in frame.problem
    assert frame.data == b"\x01"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", (NO_STATUS, "")),
        (b"\x03\xe8", (1000, "")),
        (b"\x0b\xb8why", (3000, "why")),
        (b"\x03", (NO_STATUS, "")),
        (b"\x00\x01x", (1, "x")),
        (b"\x03\xe8\xff", (1000, "\ufffd")),
    ],
)
def test_the_words_of_a_close_frame(data: bytes, words: tuple[int, str]) -> None:
    assert close_words(data) == words


def test_a_long_reason_is_cut_where_a_character_ends() -> None:
    (frame,) = FrameReader().feed(close_bytes(4000, "ü" * 100, is_masked=True))

    assert close_words(frame.data) == (4000, "ü" * 61)
    (frame,) = FrameReader().feed(close_bytes(NO_STATUS, "", is_masked=False))
    assert frame.data == b""


class Kept:
    """A log and a queue in one: records calls, and releases frames on demand."""

    def __init__(self, pipe_of: list[DirectionPipe]) -> None:
        self.logged_data: list[bytes] = []
        self.problems: list[str] = []
        self.followed_up = 0
        self.gathers = False
        self.waiting: list[WireFrame] = []
        self.is_open = True
        self._pipe_of = pipe_of

    def logged(self, direction: Direction, data: bytes, *, is_text: bool, origin: Origin) -> None:
        self.logged_data.append(data)

    def gather(self, is_on: bool) -> None:
        assert is_on is not self.gathers
        self.gathers = is_on

    def forwarded(self) -> None:
        self.followed_up = len(self.logged_data)

    def degraded(self, direction: Direction, what: str) -> None:
        self.problems.append(what)

    def intercept(self, frame: WireFrame) -> None:
        self.waiting.append(frame)

    def flush(self, why: str) -> None:
        waiting, self.waiting = self.waiting, []
        for frame in waiting:
            self._pipe_of[0].forward(frame)

    def discard(self, why: str) -> None:
        self.waiting.clear()


def stage(*, max_bytes: int = 1 << 20) -> tuple[DirectionPipe, list[bytes], Kept]:
    pipes: list[DirectionPipe] = []
    kept = Kept(pipes)
    pipe = DirectionPipe(Direction.CLIENT, FrameReader(max_bytes=max_bytes), kept, can_reread=True)
    pipes.append(pipe)
    out: list[bytes] = []
    pipe.write, pipe.queue = out.append, kept
    return pipe, out, kept


@pytest.mark.parametrize("seed", range(30))
def test_bytes_are_the_same_however_often_the_intercept_queue_closes_and_opens(seed: int) -> None:
    chance = random.Random(seed)
    stream = bytearray()
    for _ in range(40):
        body = chance.randbytes(chance.choice((0, 5, 200, 700, 1500)))
        if chance.random() < 0.3:
            stream += Frame(Opcode.TEXT, body, False).serialize(mask=True)
            stream += Frame(Opcode.PING, b"p").serialize(mask=True)
            stream += Frame(Opcode.CONT, body).serialize(mask=True)
        else:
            stream += Frame(Opcode.BINARY, body).serialize(mask=True)
    pipe, out, kept = stage(max_bytes=1000)
    at = 0
    while at < len(stream):
        size = chance.choice((1, 3, 50, 700, 4000))
        pipe.received(bytes(stream[at : at + size]))
        at += size
        if chance.random() < 0.3:
            kept.is_open = not kept.is_open
            if kept.is_open:
                kept.flush("the queue opens")
                pipe.settle()
            else:
                pipe.engage()
        assert kept.followed_up == len(kept.logged_data)
    kept.flush("the end")
    kept.is_open = True
    pipe.settle()

    # Pings pass paused frames, so the order of the two may differ; every other byte is in its place.
    ping = frame_bytes(9, b"p", is_masked=False)[2:]
    assert sorted(b"".join(out)) == sorted(stream)
    assert ping == b"p"
    reread, whole = FrameReader(), FrameReader()
    assert [f.raw for f in reread.feed(b"".join(out)) if not f.is_control] == [
        f.raw for f in whole.feed(bytes(stream)) if not f.is_control
    ]


def test_bytes_are_forwarded_after_the_reader_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    for is_closed in (False, True):
        pipe, out, kept = stage()
        whole = Frame(Opcode.TEXT, b"x" * 50).serialize(mask=True)
        if is_closed:
            kept.is_open = False
            pipe.engage()
        pipe.received(whole[:10])
        with monkeypatch.context() as patch:
            patch.setattr(FrameReader, "_frame", lambda *_: 1 / 0)
            pipe.received(whole[10:])
        pipe.received(whole)

        assert b"".join(out) == whole * 2
        assert "no longer recorded" in kept.problems[0]
        assert not pipe.add(b"x", is_text=True, origin=Origin.HAND)

"""FileFeed: sends the lines of a file or a pipe into a session, verbatim, no faster than they are sent."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

from inspector.cli.printing import say
from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.engine.live_engine import Engine
from inspector.engine.outbox import CAPACITY, Outgoing
from inspector.errors import InspectorError

READ_BYTES = 1 << 16
MAX_LINE_BYTES = 64 << 20
"""Limit for one event; a device without line ends would fill the memory."""


class InputFileError(InspectorError):
    """The input file cannot be read."""

    code = "bad_input"
    exit_code = 4


class FileFeed:
    """A file or stdin to send line by line."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or stdin for None.

        Raises:
            InputFileError: the file cannot be opened, or is a directory.
        """
        if path is None and sys.stdin is None:
            raise InputFileError("stdin is closed")
        self._path = path
        self._sent_something = asyncio.Event()
        try:
            # O_NONBLOCK: opening a pipe without a writer would block the session, and ctrl+c.
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
            self._fd = sys.stdin.fileno() if path is None else os.open(path, flags)
        except OSError as error:
            raise InputFileError(f"cannot read {path}: {error.strerror}") from None
        mode = os.fstat(self._fd).st_mode
        self._is_pipe = path is not None and stat.S_ISFIFO(mode)
        if stat.S_ISDIR(mode):
            self.__exit__(None, None, None)
            raise InputFileError(f"cannot read {path or 'stdin'}: it is a directory")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._path is not None:
            os.close(self._fd)

    async def feed(self, engine: Engine) -> None:
        """Submit every line unchanged; return when all are sent or the connection has ended."""
        engine.tap(self._note)
        number = 0
        async for line in self._lines():
            number += 1
            if not line.strip():
                continue
            problem = decode(line)[2]
            if problem is not None:
                say(f"warning: line {number} is sent as is: {problem.message}")
            await self._wait_for_room(engine, CAPACITY - 1)
            if not engine.can_send:
                return
            engine.outbox.put(Outgoing(line, Origin.HAND, ""))
        await self._wait_for_room(engine, 0)

    async def _wait_for_room(self, engine: Engine, waiting: int) -> None:
        while len(engine.outbox) > waiting and engine.can_send:
            self._sent_something.clear()
            await self._sent_something.wait()

    def _note(self, event: Event) -> None:
        if event.direction is not Direction.SERVER:
            self._sent_something.set()  # a frame was sent, or the connection has ended

    async def _lines(self) -> AsyncIterator[bytes]:
        """Yield lines without line ends, as they are written to a stream."""
        rest = bytearray()
        async for chunk in self._chunks():
            rest += chunk
            if len(rest) > MAX_LINE_BYTES + READ_BYTES:
                raise InputFileError(
                    f"{self._path or 'stdin'} has a line of more than {MAX_LINE_BYTES >> 20} MB, which no server accepts"
                )
            if b"\n" in chunk:
                *lines, last = bytes(rest).split(b"\n")
                rest = bytearray(last)
                for line in lines:
                    yield line.removesuffix(b"\r")
        if rest:
            yield bytes(rest)

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            raise
        except OSError as error:
            raise InputFileError(
                f"cannot read {self._path or 'stdin'}: {error.strerror}"
            ) from error

    async def _chunks(self) -> AsyncIterator[bytes]:
        if self._is_pipe:
            try:
                chunk = self._read()
            except BlockingIOError:
                chunk = b""  # there is a writer, but no data yet
            else:
                if not chunk:
                    say(f"{self._path} is a pipe without a writer: waiting for one")
            if chunk:
                yield chunk
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        try:
            loop.add_reader(self._fd, readable.set)
        except PermissionError:  # a regular file: epoll rejects it, and reading it never blocks
            while chunk := self._read():
                yield chunk
            return
        try:
            while True:
                await readable.wait()
                readable.clear()
                try:
                    chunk = self._read()
                except BlockingIOError:
                    continue
                if not chunk:
                    return
                yield chunk
        finally:
            loop.remove_reader(self._fd)

"""HeadlessRun: a session without a screen, printed to stdout until one of its bounds is reached."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from inspector.analysis.lint.linted_state import faults_of
from inspector.analysis.totals import totals
from inspector.cli.new_recording import finish_recording, say_recorded
from inspector.cli.printed_row import PrintedRow
from inspector.cli.printing import (
    OutputFailed,
    ReaderGone,
    escaped_json,
    flush,
    to_terminal,
    use_colour,
    with_schema,
    write_bytes,
    write_line,
    write_object,
)
from inspector.cli.refusal_text import blame_words, with_blame
from inspector.core.event import Direction, Event
from inspector.core.log import CLEAN_CLOSES, EventLog
from inspector.engine.live_engine import Engine
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.errors import EXIT_INTERRUPTED, ConnectError, RunTimeout, SessionFailed
from inspector.recording.format import render
from inspector.sources.base import Closed, Side

NOT_AUTHORISED = 3000  # the API accepts the upgrade and then closes with this code
HEARD_OUT_S = 0.05
"""Interval for checking whether the answer was heard to its end."""
Feed = Callable[[Engine], Awaitable[None]]


class Shown(StrEnum):
    """What a run prints."""

    ROWS = "rows"
    STREAM = "jsonl"
    REPLIES = "replies"
    """The stream without client and local events."""
    SUMMARY = "json"
    """One object at the end."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a run, besides the end of the connection."""

    until: str = ""
    """Event type or glob; the run ends after a matching event in any direction."""
    timeout_s: float | None = None
    idle_s: float | None = None
    """The run ends after this time without a server event, once ``feed`` is finished."""


class End(StrEnum):
    """Why a run ended."""

    CLOSED = "closed"
    FOUND = "found"
    IDLE = "idle"
    INTERRUPTED = "interrupted"
    READER_GONE = "reader gone"
    REFUSED = "refused"
    TIMEOUT = "timeout"


class HeadlessRun:
    """Runs one engine to its end."""

    def __init__(self, engine: Engine, bounds: Bounds, shown: Shown) -> None:
        self._engine = engine
        self._bounds = bounds
        self._shown = shown
        self._why: End | None = None
        self._is_interrupted = False
        self._wakeup = asyncio.Event()
        self._is_fed = True
        self._heard_ns = 0
        self._previous: Event | None = None
        self._output_error: ReaderGone | OutputFailed | None = None
        self._rows = PrintedRow(colour=use_colour())
        self._safe = to_terminal()

    async def run(self, feed: Feed | None = None) -> int:
        """Connect, print events, close the recording, say where it is, and return the exit status.

        Raises:
            ConnectError: no connection, or not authorised.
            SessionFailed: the session ended in an error, or before the expected event.
            RunTimeout: the timeout has passed.
            ReaderGone: stdout was closed.
            OutputFailed: stdout cannot be written.
        """
        engine = self._engine
        engine.tap(self._event)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end, End.INTERRUPTED)
        try:
            await self._run(feed)
        finally:
            kept = finish_recording(engine.recording)
            say_recorded(kept, len(engine.log), faults_of(engine.state))
        if self._shown is Shown.SUMMARY:
            write_object(self._summary(kept.path))
        return self._verdict()

    async def _run(self, feed: Feed | None) -> None:
        engine = self._engine
        self._is_fed = feed is None
        async with TaskSupervisor() as host, asyncio.TaskGroup() as tasks:
            host.start(engine).add_done_callback(lambda _: self._end(End.CLOSED))
            feeding = tasks.create_task(self._feed(feed)) if feed is not None else None
            await self._wait()
            await self._hear_out()
            if feeding is not None:
                feeding.cancel()
            await host.stop(engine)

    async def _hear_out(self) -> None:
        """Wait until received audio was played, if there is an output: it arrives faster than it plays."""
        sound = self._engine.sound
        while (
            self._why is End.FOUND
            and sound is not None
            and sound.can_be_heard
            and not sound.is_idle
            and not self._is_interrupted
            and self._engine.can_send
        ):
            limit_s = self._bounds.timeout_s
            if limit_s is not None and self._engine.now_ns / 1e9 >= limit_s:
                return
            await asyncio.sleep(HEARD_OUT_S)

    async def _feed(self, feed: Feed) -> None:
        await feed(self._engine)
        self._is_fed = True
        self._heard_ns = self._engine.now_ns
        self._wakeup.set()

    async def _wait(self) -> None:
        while self._why is None:
            # Cleared before waiting, so that a wakeup in between is not lost.
            self._wakeup.clear()
            try:
                async with asyncio.timeout(self._next_deadline_s()):
                    await self._wakeup.wait()
            except TimeoutError:
                self._check_deadlines()

    def _next_deadline_s(self) -> float | None:
        """Return the seconds until the next deadline; None without one."""
        now_s = self._engine.now_ns / 1e9
        limits = []
        if self._bounds.timeout_s is not None:
            limits.append(self._bounds.timeout_s - now_s)
        if self._bounds.idle_s is not None and self._is_fed:
            limits.append(self._heard_ns / 1e9 + self._bounds.idle_s - now_s)
        return max(0.0, min(limits)) if limits else None

    def _check_deadlines(self) -> None:
        now_s = self._engine.now_ns / 1e9
        bounds = self._bounds
        if bounds.timeout_s is not None and now_s >= bounds.timeout_s:
            self._end(End.TIMEOUT)
        elif (
            bounds.idle_s is not None
            and self._is_fed
            and not len(self._engine.outbox)
            and now_s >= self._heard_ns / 1e9 + bounds.idle_s
        ):
            self._end(End.IDLE)

    def _end(self, why: End) -> None:
        self._is_interrupted |= why is End.INTERRUPTED
        if self._why is None:
            self._why = why
            self._wakeup.set()

    def _event(self, event: Event) -> None:
        if self._output_error is None:
            try:
                self._print(event)
            except (ReaderGone, OutputFailed) as error:
                self._output_error = error
                self._end(End.READER_GONE)
        # Local events are this program's own and do not count as activity of the session.
        if event.direction is not Direction.LOCAL:
            self._heard_ns = event.stamp_ns
        if self._bounds.until and fnmatchcase(event.type, self._bounds.until):
            self._end(End.FOUND)

    def _print(self, event: Event) -> None:
        match self._shown:
            case Shown.SUMMARY:
                return
            case Shown.ROWS:
                self._rows.see(event)
                remark = blame_words(self._engine.state.causes, event.seq)
                write_line(self._rows.line(event, self._previous, remark))
                self._previous = event
            case Shown.STREAM | Shown.REPLIES:
                if self._shown is Shown.REPLIES and event.direction is not Direction.SERVER:
                    return
                line = with_schema(render(event))
                line = with_blame(line, self._engine.state.causes, event.seq)
                write_bytes(escaped_json(line[:-1]) + b"\n" if self._safe else line)
        # Line by line, for readers of a pipe.
        flush()

    def _summary(self, path: Path | None) -> dict[str, Any]:
        engine = self._engine
        closed = engine.closed
        return {
            "ended": str(self._why if engine.refusal is None else End.REFUSED),
            "events": len(engine.log),
            "duration_s": (engine.log.end_us or 0) / 1e6,
            "recording": str(path) if path is not None else None,
            "totals": totals(engine.state),
            "losses": engine.losses,
            "closed": {"code": closed.code, "reason": closed.reason, "by": str(closed.by)}
            if closed is not None
            else None,
        }

    def _verdict(self) -> int:
        if self._output_error is not None:
            raise self._output_error
        match self._why:
            case End.INTERRUPTED:
                return EXIT_INTERRUPTED
            case End.TIMEOUT:
                raise RunTimeout(
                    f"timed out after {self._bounds.timeout_s:g} s"
                    + (f" without {self._bounds.until}" if self._bounds.until else "")
                )
            case End.CLOSED:
                self._judge_close()
        return 0

    def _judge_close(self) -> None:
        judge_session(self._engine)
        if self._bounds.until:
            raise SessionFailed(
                f"the session ended before {self._bounds.until}", code="ended_early"
            )


def judge_session(engine: Engine) -> None:
    """Check how a session has ended; accept a normal end, or none yet.

    Raises:
        ConnectError: there was no connection, or the server rejected the credentials.
        SessionFailed: the session ended in an error.
    """
    if engine.refusal is not None:
        raise engine.refusal
    if engine.closed is not None:
        judge(engine.closed, is_after_error=_is_last_an_error(engine.log))


def _is_last_an_error(log: EventLog) -> bool:
    """Return whether the server's last event was an error."""
    rows = range(len(log) - 1, -1, -1)
    last = next((row for row in rows if log.direction_of(row) is Direction.SERVER), None)
    return last is not None and log.type_of(last) == "error"


def judge(closed: Closed, *, is_after_error: bool) -> None:
    """Check a close; accept a normal one.

    Raises:
        ConnectError: the server rejected the credentials.
        SessionFailed: the session ended in an error.
    """
    reason = f" ({closed.reason})" if closed.reason else ""
    message = f"{closed.meaning or 'closed'}: code {closed.code}{reason}"
    if closed.code == NOT_AUTHORISED:
        raise ConnectError(message, code="not_authorised", hint=closed.next_step)
    is_clean = closed.code in CLEAN_CLOSES and closed.by is not Side.NETWORK
    if not is_clean or (is_after_error and closed.by is Side.SERVER):
        raise SessionFailed(message, hint=closed.next_step)

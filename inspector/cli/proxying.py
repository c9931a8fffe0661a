"""ProxyRun: one run of the proxy, with or without a screen, from opening its port to closing it."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import orjson

from inspector import collector
from inspector.analysis.lint.linted_state import faults_of
from inspector.cli.launch import (
    SIMULATED_MODEL,
    SessionLauncher,
)
from inspector.cli.listen_options import ProxyOptions, listen_options, secret_in
from inspector.cli.new_recording import RecordedSessions, create_unique, recording_name
from inspector.cli.printing import SCHEMA, say, write_object
from inspector.cli.refusal_text import with_blame
from inspector.cli.screens import look_of
from inspector.cli.stdout_writer import LineStream
from inspector.config import Settings, choose_profile
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.engine.proxied_session import FrameRules, ProxiedSession
from inspector.engine.proxy_engine import KEPT_SESSIONS, Proxy
from inspector.engine.rules import read_rules
from inspector.errors import EXIT_FAULT, EXIT_INTERRUPTED, RecordingError, RunTimeout, UsageError
from inspector.folders import make_folder
from inspector.profiles import SIMULATOR
from inspector.recording.format import render
from inspector.recording.writer import RecordingFile
from inspector.sources.address import is_loopback
from inspector.sources.http_exchange import HttpExchange
from inspector.sources.session_observer import SessionRequest
from inspector.sources.upstream import Upstream, upstream_at

log = logging.getLogger(__name__)

CALM_AFTER_S = 1.0
"""Delay of the first collection, until after the screen's first frame."""
OPEN_FILES = 65_536
"""A session takes three descriptors; the usual limit of 1,024 would allow about three hundred sessions."""


class ProxyRun:
    """One run of the proxy."""

    def __init__(self, launch: SessionLauncher, options: ProxyOptions) -> None:
        """Check the options.

        Raises:
            UsageError: an option is invalid, or other machines would get access without a token.
        """
        self._launch = launch
        self._options = options
        self._listen_options = listen_options(options, launch.environment)
        self._key = secret_in(options.key_env, launch.environment)
        self._faults = FrameRules(
            read_rules(options.rules) if options.rules is not None else (), options.adds_event_ids
        )
        self._numbers = count(1)
        self._sweep = collector.Sweep()
        self._totals = RecordedSessions()
        self._is_done = asyncio.Event()
        self._is_interrupted = False
        self._stream: LineStream | None = None
        self._tell: Callable[[str], None] = log.warning
        """Called with warnings; a screen must not be overwritten by stderr, so it gets the log."""

    async def headless(self) -> int:
        """Serve until a bound is reached or a signal arrives; return the exit status.

        Raises:
            ConnectError: the port cannot be opened.
            RunTimeout: the timeout has passed.
            ReaderGone: stdout was closed.
            OutputFailed: stdout cannot be written.
        """
        loop = asyncio.get_running_loop()
        # Without a screen no rules watch the sessions: what the rules find is read from the recordings afterwards.
        proxy = self._proxy(kept=0, limit=self._options.max_sessions, new_state=SessionState)
        self._report_to_stderr(proxy)
        is_timeout = False
        try:
            async with self._listening(proxy) as url:
                write_object(self._first_line(url))
                collector.calm()
                if self._options.as_jsonl:
                    # The stream reports failures from its thread.
                    self._stream = LineStream(partial(loop.call_soon_threadsafe, self._is_done.set))
                try:
                    async with asyncio.timeout(self._options.timeout_s):
                        await self._is_done.wait()
                except TimeoutError:
                    is_timeout = True
        finally:
            failure = self._stream.close() if self._stream is not None else None
            self._totals.say()
            found = self._lint()
        if failure is not None:
            raise failure
        if is_timeout:
            raise RunTimeout(f"stopped after {self._options.timeout_s:g} s (--timeout)")
        return EXIT_INTERRUPTED if self._is_interrupted else found

    def _lint(self) -> int:
        """Print what is wrong in the recordings if that is asked for; return 1 if anything is, else 0."""
        if not self._options.lints:
            return 0
        from inspector.cli.linting import say_findings

        return say_findings(sorted(self._totals.paths))

    async def on_screen(self) -> int:
        """Show the sessions until the user quits; return the exit status.

        If the screen fails, the proxy continues without it until a signal ends it.

        Raises:
            ConnectError: the port cannot be opened.
        """
        from inspector.tui.app import run_proxy

        proxy = self._proxy(kept=KEPT_SESSIONS, limit=None)
        async with self._listening(proxy):
            asyncio.get_running_loop().call_later(CALM_AFTER_S, collector.calm)
            status = await run_proxy(proxy, look_of(self._launch))
            self._tell = say
            # Apps depend on the proxy, so a bug in the screen must not disconnect them.
            if status == EXIT_FAULT:
                self._report_to_stderr(proxy)
                say(f"the proxy continues without a screen at {proxy.url}; press ctrl+c to end it")
                await self._is_done.wait()
        self._totals.say()
        return status

    def _warn(self, text: str) -> None:
        """Print or log a warning, depending on whether there is a screen at the moment."""
        self._tell(text)

    def _report_to_stderr(self, proxy: Proxy) -> None:
        """Report sessions and warnings on stderr, and let signals end the run."""
        self._tell = say
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        proxy.on_open = self._opened
        proxy.on_end = partial(self._ended, proxy)
        proxy.on_exchange = self._exchange

    def _proxy(
        self, *, kept: int, limit: int | None, new_state: Callable[[], SessionState] | None = None
    ) -> Proxy:
        proxy = Proxy(
            self._launch.clock,
            self._new_recording,
            lambda recording: self._totals.finish(recording, self._tell),
            faults=self._faults,
            kept_sessions=kept,
            max_sessions=limit,
            new_state=new_state,
        )
        proxy.on_end = partial(self._count_ended, proxy)
        if self._options.upstream == SIMULATOR:
            proxy.upstream = SIMULATOR
        return proxy

    @asynccontextmanager
    async def _listening(self, proxy: Proxy) -> AsyncIterator[str]:
        _allow_many_files()
        listening = self._listen_options
        if self._options.uses_tls:
            # Named by port, so that two proxies do not overwrite each other's certificate.
            name = listening.port or f"process-{os.getpid()}"
            file = self._launch.folders.state / "tls" / f"proxy-{name}.pem"
            listening = replace(listening, tls=_certificate(listening.host, file))
            proxy.trusted_file = str(file)
        async with self._upstream() as upstream, proxy.listen(listening, upstream) as url:
            yield url

    @asynccontextmanager
    async def _upstream(self) -> AsyncIterator[Upstream]:
        if self._options.upstream != SIMULATOR:
            yield self._real_upstream()
            return
        from inspector.cli.serving import ServeOptions, service_for
        from inspector.sources.server_port import Listening, serve

        clock = self._launch.clock
        service = service_for(
            ServeOptions(brain=self._options.brain),
            clock,
            left=lambda: None,
            tell=log.info,
            warn=self._warn,
        )
        # The browser's Origin header reaches the simulator too, which must accept the same pages.
        listening = Listening(allowed_origins=self._listen_options.admission.allowed_origins)
        async with serve(service.new_session, clock, listening, service.hooks) as url:
            yield upstream_at(url.removesuffix("/v1/realtime"), key=self._key)

    def _real_upstream(self) -> Upstream:
        upstream = upstream_at(self._options.upstream, key=self._key)
        profile = choose_profile(Settings(url=self._options.upstream))
        upstream = replace(upstream, key_header=profile.key_header)
        _ = upstream.way_out  # raises at once where the environment names no proxy that can be used
        if self._key is not None and upstream.tls is None and not is_loopback(upstream.url):
            say("warning: the key travels unencrypted; use wss:// or https://")
        return upstream

    def _first_line(self, url: str) -> Mapping[str, str]:
        query = f"?model={SIMULATED_MODEL}" if self._options.upstream == SIMULATOR else ""
        return {
            "url": f"{url}/v1/realtime{query}",
            "base_url": f"http{url.removeprefix('ws')}/v1",
            "websocket_base_url": f"{url}/v1",
        }

    def _new_recording(self, request: SessionRequest) -> RecordingFile:
        clock = self._launch.clock
        name = f"{recording_name(request, clock.utc_now())}-{next(self._numbers):04d}"
        try:
            folder = self._options.folder or self._launch.folders.sessions
            return create_unique(make_folder(folder), name, clock)
        except (OSError, RecordingError) as error:
            self._tell(f"warning: a session is not recorded to disk: {error}")
            return RecordingFile(None, clock)

    def _interrupt(self) -> None:
        self._is_interrupted = True
        self._is_done.set()

    def _count_ended(self, proxy: Proxy, session: ProxiedSession) -> None:
        self._totals.count(session)
        self._sweep.session_ended(is_idle=not proxy.running)

    def _opened(self, session: ProxiedSession) -> None:
        session.tap(partial(self._event, session))

    def _event(self, session: ProxiedSession, event: Event) -> None:
        if self._stream is not None:
            line = b'{"schema":%d,"session":%d,' % (SCHEMA, session.number) + render(event)[1:]
            self._stream.put(with_blame(line, session.state.causes, event.seq))

    def _exchange(self, exchange: HttpExchange) -> None:
        """Report a plain HTTP request; a refused one also goes to the stream, as it belongs to no session."""
        say(str(exchange))
        if self._stream is not None and exchange.refusal:
            fact = {
                "type": "inspector.refused",
                "method": exchange.method,
                "target": exchange.target,
                "status": exchange.status,
                "code": exchange.refusal,
                "message": exchange.problem,
            }
            line = {"schema": SCHEMA, "session": None, "dir": "local", "origin": "wire"}
            self._stream.put(orjson.dumps({**line, "type": fact["type"], "event": fact}) + b"\n")

    def _ended(self, proxy: Proxy, session: ProxiedSession) -> None:
        self._count_ended(proxy, session)
        say(status_line(session))
        if proxy.ended_count == self._options.max_sessions:
            self._is_done.set()


def _certificate(host: str, file: Path) -> ssl.SSLContext:
    """Create a certificate for this run, and write to a file what apps must trust."""
    from inspector.sources.certificate import self_signed

    try:
        make_folder(file.parent)
        names = [host] if host not in ("0.0.0.0", "::") else []  # noqa: S104 - compared, not bound
        context = self_signed([*names, "localhost", "127.0.0.1", "::1"], file)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None
    say(f"apps must trust {file} (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS)")
    return context


def status_line(session: ProxiedSession) -> str:
    """Return how a session ended, in one line."""
    closed, refusal = session.closed, session.refusal
    if refusal is not None:
        how = f"refused: {refusal.message}"
    elif closed is not None:
        reason = f" {closed.reason}" if closed.reason else ""
        how = f"closed by {closed.by}: {closed.code}{reason}"
    else:
        how = "ended"
    path = session.recording.path
    errors = faults_of(session.state)
    parts = [
        f"session {session.number} {how}",
        session.source.model,
        f"{len(session.log):,} events",
        f"{errors} error{'s' * (errors != 1)}" if errors else "",
        f"{session.now_ns / 1e9:.1f} s",
        path.name if path is not None else "not recorded",
    ]
    return " · ".join(part for part in parts if part)


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

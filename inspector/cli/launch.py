"""SessionLauncher: builds sources, engines and recordings from settings, for screens and headless runs."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from inspector.cli.live_target import LiveOptions, live_target
from inspector.cli.new_recording import RecordedSessions, new_recording
from inspector.cli.printing import say
from inspector.cli.session_file import session_update
from inspector.clock import Clock, SystemClock
from inspector.config import Settings, load_settings
from inspector.core.event import Origin
from inspector.engine.live_engine import Engine
from inspector.engine.outbox import Outgoing
from inspector.engine.session_sound import SessionSound
from inspector.engine.sound_places import DEFAULT_DEVICE, SoundOptions
from inspector.folders import Folders, config_file, find_folders, path_exists
from inspector.profiles import PROFILES, SIMULATOR
from inspector.shipped import shipped_folder
from inspector.sources.base import Source
from inspector.sources.live import LiveSource

if TYPE_CHECKING:
    from inspector.cli.simulation import SimPlan
    from inspector.engine.replay import Replay
    from inspector.recording.recording_facts import RecordingFacts
    from inspector.sim.connect_request import HttpAnswer
    from inspector.sim.provider import HttpRequest, SimProvider
    from inspector.sources.chat.endpoint import ChatEndpoint
    from inspector.sources.server_port import ServerHooks
    from inspector.sources.simulator import NewSession
    from inspector.tui.home.launching import HomeWords, KnownConnection

ON_SCREEN = SoundOptions(DEFAULT_DEVICE, DEFAULT_DEVICE)
"""Default for sessions on the screen: the sound card, if there is one."""
SIMULATED_MODEL = "gpt-realtime"
LEAST_FREE_BYTES = 1 << 20
"""A disk with less free space counts as full."""


@dataclass(frozen=True, slots=True)
class SessionLauncher:
    """Opens sessions and recordings with one set of settings."""

    settings: Settings
    folders: Folders
    environment: Mapping[str, str]
    clock: Clock
    tell: Callable[[str], None] = say
    """Called with warnings, one line each."""
    tell_running: Callable[[str], None] = say
    """Called with warnings while a session runs; a screen must not be overwritten by stderr."""
    opened: list[Engine] = field(default_factory=list)
    """Sessions opened by this launcher that the user has not left."""
    recorded: RecordedSessions = field(default_factory=RecordedSessions)
    """Counts over those that the user has left."""

    def with_settings(self, answers: Mapping[str, str]) -> Self:
        """Return a launcher with settings overridden by values from a dialog; empty values change nothing.

        Raises:
            UsageError: a value is invalid.
        """
        settings = load_settings(answers, self.environment, self.folders.config)
        return replace(self, settings=settings)

    def open_simulator(
        self,
        plan: SimPlan | None = None,
        *,
        session: Path | None = None,
        output: Path | None = None,
        sound: SoundOptions = ON_SCREEN,
    ) -> Engine:
        """Return an engine for the simulator, not yet running.

        Raises:
            UsageError: the session file or the plan is invalid.
            RecordingError: the recording cannot be created.
        """
        from inspector.cli.simulation import SimPlan
        from inspector.sim.dialects import SIMULATED
        from inspector.sources.simulator import SimulatorSource

        plan = plan or SimPlan()
        usual = SIMULATED[plan.dialect].default_model if plan.dialect else SIMULATED_MODEL
        new_session = new_session_maker(self.clock, plan.provider(self.tell_running))
        model = self.settings.simulator_model or usual
        source = SimulatorSource(new_session, self.clock, model=model)
        return self._open(source, session, output, sound)

    def open_live(
        self,
        options: LiveOptions | None = None,
        *,
        session: Path | None = None,
        output: Path | None = None,
        sound: SoundOptions = ON_SCREEN,
        brain: ChatEndpoint | None = None,
    ) -> Engine:
        """Return an engine for a server, not yet connected. ``brain`` applies only if the server is the simulator.

        Raises:
            UsageError: the settings are invalid.
            ConnectError: the server requires a key, and none is configured.
            RecordingError: the recording cannot be created.
        """
        if session is None and self.settings.session:
            session = Path(self.settings.session)
        if self.settings.url == SIMULATOR:
            from inspector.cli.simulation import SimPlan

            plan = SimPlan(dialect=self.settings.dialect, brain=brain)
            return self.open_simulator(plan, session=session, output=output, sound=sound)
        target = live_target(self.settings, options or LiveOptions(), self.environment, self.tell)
        return self._open(LiveSource(target), session, output, sound)

    def close_session(self, engine: Engine) -> None:
        """Close the recording of a session that the user has left, and drop the session."""
        if engine in self.opened:
            self.opened.remove(engine)
            self.recorded.count(engine)
            self.recorded.finish(engine.recording)

    def open_replay(self, path: Path) -> Replay:
        """Return a replay of a recording.

        Raises:
            RecordingError: the file is not a recording.
        """
        from inspector.engine.replay import Replay
        from inspector.recording.opening import open_recording

        return Replay(open_recording(path, self.clock, self.folders.cache), self.clock)

    def import_replay(self, path: Path) -> Replay:
        """Return a replay of a foreign file, imported to a temporary recording. May take seconds: call in a thread.

        Raises:
            RecordingError: the file contains no session.
        """
        from inspector.cli.importing import imported_for, imported_words
        from inspector.recording.opening import open_recording

        recording, summary = imported_for(
            path, lambda ours: open_recording(ours, self.clock, self.folders.cache)
        )
        recording.notices.append(imported_words(path, summary))
        from inspector.engine.replay import Replay

        return Replay(recording, self.clock)

    def recent(self) -> list[Path]:
        """Return the recordings in the sessions folder, newest first, without those shipped with the program."""
        shipped = {path.name: path for path in self.examples()}
        try:
            with os.scandir(self.folders.sessions) as entries:
                found = [
                    (entry.stat().st_mtime_ns, Path(entry.path))
                    for entry in entries
                    if entry.name.endswith(".jsonl") and entry.is_file()
                ]
        except OSError:
            return []
        return [path for _, path in sorted(found, reverse=True) if not _is_same(path, shipped)]

    def open_connection(self, name: str) -> Engine:
        """Return an engine for a user profile, not yet connected.

        Raises:
            UsageError: the profile does not exist or is invalid.
            ConnectError: the profile requires a key, and none is configured.
            RecordingError: the recording cannot be created.
        """
        return self.with_settings({"profile": name}).open_live()

    def connections(self) -> list[KnownConnection]:
        """Return the user's profiles as shown on the home screen."""
        from inspector.cli.connections import known_connection

        return [
            known_connection(profile, self.environment)
            for profile in self.settings.profiles.values()
        ]

    def providers(self) -> list[str]:
        """Return the names of the user's profiles, then those of the providers."""
        return list(dict.fromkeys((*self.settings.profiles, *PROFILES)))

    def examples(self) -> list[Path]:
        """Return the recordings shipped with the program."""
        return sorted(shipped_folder("sessions").glob("example-*.jsonl"))

    def read_facts(self, paths: Sequence[Path]) -> Iterator[tuple[Path, RecordingFacts]]:
        """Yield facts about recordings. Call in a thread."""
        from inspector.recording.recording_facts import KnownFacts

        facts = KnownFacts(self.folders.cache)
        yield from facts.read(paths)
        yield from facts.read_verdicts(paths)

    def home_words(self) -> HomeWords:
        """Return where files are kept, and why sessions could not be recorded."""
        from inspector.tui.home.launching import HomeWords

        folder = self.folders.sessions
        there = next(path for path in (folder, *folder.parents) if path_exists(path))
        trouble = ""
        if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            trouble = f"sessions are not recorded to disk: {there} cannot be written"
        elif shutil.disk_usage(there).free < LEAST_FREE_BYTES:
            trouble = (
                f"the disk of {there} is full: sessions are kept in memory until there is space"
            )
        return HomeWords(_short(folder), _short(self.folders.config), trouble)

    def _open(
        self, source: Source, session: Path | None, output: Path | None, sound: SoundOptions
    ) -> Engine:
        first = session_update(session) if session is not None else b""
        recording = new_recording(source, self.folders.sessions, output, self.clock, self.tell)
        engine = Engine(source, recording, self.clock)
        self.opened.append(engine)
        engine.sound = SessionSound(engine, sound)
        if first:
            engine.outbox.put(Outgoing(first, Origin.HAND, ""))
        return engine


def _is_same(path: Path, known: Mapping[str, Path]) -> bool:
    """Return whether a file is the known one of the same name."""
    with contextlib.suppress(OSError):
        return path.name in known and path.samefile(known[path.name])
    return False


def _short(path: Path) -> str:
    """Return a path relative to the current or home folder, if it is inside one of them."""
    with contextlib.suppress(OSError):  # the current folder may be gone
        path = path.absolute()
        for base, sign in ((Path.cwd(), "."), (Path.home(), "~")):
            if path.is_relative_to(base) and path != base:
                return f"{sign}/{path.relative_to(base)}"
    return str(path)


def launcher(
    flags: Mapping[str, str | None], *, environment: Mapping[str, str] | None = None
) -> SessionLauncher:
    """Return the launcher for a command line.

    Args:
        flags: settings given as options, by name; None for options not given.
        environment: replaces ``os.environ``.

    Raises:
        UsageError: the configuration is invalid.
    """
    environment = os.environ if environment is None else environment
    settings = load_settings(flags, environment, config_file())
    return SessionLauncher(
        settings, find_folders(settings.sessions, Path()), environment, SystemClock()
    )


def new_session_maker(clock: Clock, provider: SimProvider) -> NewSession:
    """Return a factory of simulated sessions. Each session has its own ids, the same in every run."""
    from inspector.sim.server import ConnectRequest, SimSession

    def new_session(request: ConnectRequest) -> SimSession:
        return provider.open(request, int(clock.utc_now().timestamp()))

    return new_session


def server_hooks(clock: Clock, provider: SimProvider) -> ServerHooks:
    """Return the simulator's hooks for a server: rejecting connections, and answering plain HTTP."""
    from inspector.sources.server_port import ServerHooks

    def answer(request: HttpRequest) -> HttpAnswer:
        return provider.answer(request, int(clock.utc_now().timestamp()))

    return ServerHooks(provider.http_refusal, answer)

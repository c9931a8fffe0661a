"""Building sessions from settings: the same sources, engines and recordings for the screen and for headless runs."""

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
"""Sound where nobody said anything: the sound card, if there is one."""
SIMULATED_MODEL = "gpt-realtime"
LEAST_FREE_BYTES = 1 << 20
"""A disk with less is as good as full."""


@dataclass(frozen=True, slots=True)
class SessionLauncher:
    """Opens sessions and recordings."""

    settings: Settings
    folders: Folders
    environment: Mapping[str, str]
    clock: Clock
    tell: Callable[[str], None] = say
    """Takes warnings, one line each."""
    tell_running: Callable[[str], None] = say
    """Takes warnings while a session runs; on the screen, words on stderr would be drawn across it."""
    opened: list[Engine] = field(default_factory=list)
    """Sessions begun by this launcher that have not been left."""
    recorded: RecordedSessions = field(default_factory=RecordedSessions)
    """Those that have."""

    def with_settings(self, answers: Mapping[str, str]) -> Self:
        """Return a launcher whose settings are overridden by what was typed; empty answers change nothing.

        Raises:
            UsageError: they make no sense.
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
        """Return an engine joined to the simulator; nothing runs yet.

        Raises:
            UsageError: the session file is no session, or the plan makes no sense.
            RecordingError: the recording cannot be created.
        """
        from inspector.cli.simulation import SimPlan
        from inspector.sim.dialects import DIALECTS
        from inspector.sources.simulator import SimulatorSource

        plan = plan or SimPlan()
        usual = DIALECTS[plan.dialect].default_model if plan.dialect else SIMULATED_MODEL
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
        """Return an engine that will connect to a server; nothing runs yet. A ``brain`` is for one that is the simulator.

        Raises:
            UsageError: the settings make no sense.
            ConnectError: the server is known to need a key, and there is none.
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
        """Finish the recording of a session that nobody looks at any more, and let go of it."""
        if engine in self.opened:
            self.opened.remove(engine)
            self.recorded.count(len(engine.log), engine.state.problems.errors)
            self.recorded.finish(engine.recording)

    def open_replay(self, path: Path) -> Replay:
        """Return a recording under a cursor.

        Raises:
            RecordingError: the file is not a recording.
        """
        from inspector.engine.replay import Replay
        from inspector.recording.opening import open_recording

        return Replay(open_recording(path, self.clock, self.folders.cache), self.clock)

    def recent(self) -> list[Path]:
        """Return the recordings in the sessions folder, the newest first; without those that come with the program."""
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
        """Return an engine for a profile of the user's; nothing runs yet.

        Raises:
            UsageError: there is no such profile, or it makes no sense.
            ConnectError: it needs a key, and there is none.
            RecordingError: the recording cannot be created.
        """
        return self.with_settings({"profile": name}).open_live()

    def connections(self) -> list[KnownConnection]:
        """Return the user's profiles in words."""
        from inspector.cli.connections import known_connection

        return [
            known_connection(profile, self.environment)
            for profile in self.settings.profiles.values()
        ]

    def providers(self) -> list[str]:
        """Return the names of the user's profiles, then of the providers."""
        return list(dict.fromkeys((*self.settings.profiles, *PROFILES)))

    def examples(self) -> list[Path]:
        """Return the recordings that come with the program."""
        return sorted(shipped_folder("sessions").glob("example-*.jsonl"))

    def read_facts(self, paths: Sequence[Path]) -> Iterator[tuple[Path, RecordingFacts]]:
        """Yield what is known of recordings; for a thread of its own."""
        from inspector.recording.recording_facts import KnownFacts

        return KnownFacts(self.folders.cache).read(paths)

    def home_words(self) -> HomeWords:
        """Return where things are kept, and why nothing would be recorded."""
        from inspector.tui.home.launching import HomeWords

        folder = self.folders.sessions
        there = next(path for path in (folder, *folder.parents) if path_exists(path))
        trouble = ""
        if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            trouble = f"sessions are not recorded to disk: {there} cannot be written"
        elif shutil.disk_usage(there).free < LEAST_FREE_BYTES:
            trouble = f"the disk of {there} is full: sessions stay in memory until there is room"
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
    """Tell whether a file is the one that is known by its name."""
    with contextlib.suppress(OSError):
        return path.name in known and path.samefile(known[path.name])
    return False


def _short(path: Path) -> str:
    """Return a path as a user would write it."""
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
        flags: settings given as options, by name; None where not given.
        environment: in place of ``os.environ``.

    Raises:
        UsageError: the configuration makes no sense.
    """
    environment = os.environ if environment is None else environment
    settings = load_settings(flags, environment, config_file())
    return SessionLauncher(
        settings, find_folders(settings.sessions, Path()), environment, SystemClock()
    )


def new_session_maker(clock: Clock, provider: SimProvider) -> NewSession:
    """Return what makes the simulator's side of a connection; each has ids of its own, the same in every run."""
    from inspector.sim.server import ConnectRequest, SimSession

    def new_session(request: ConnectRequest) -> SimSession:
        return provider.open(request, int(clock.utc_now().timestamp()))

    return new_session


def server_hooks(clock: Clock, provider: SimProvider) -> ServerHooks:
    """Return what the simulator answers outside of its sessions: whom it turns away, and plain HTTP."""
    from inspector.sources.server_port import ServerHooks

    def answer(request: HttpRequest) -> HttpAnswer:
        return provider.answer(request, int(clock.utc_now().timestamp()))

    return ServerHooks(provider.turn_away, answer)

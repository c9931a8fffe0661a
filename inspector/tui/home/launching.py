"""What the home screen needs from whoever knows the settings: ways to open things, and what there is to open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from inspector.engine.live_engine import Engine
    from inspector.engine.replay import Replay
    from inspector.recording.recording_facts import RecordingFacts


@dataclass(frozen=True, slots=True)
class KnownConnection:
    """A connection that the user keeps in the configuration file, in words."""

    name: str
    address: str
    """Where it goes, its secrets masked."""
    model: str = ""
    key: str = ""
    """Where its key is; never the key."""
    is_ready: bool = True
    """False where a key is wanted and not there."""
    extras: tuple[str, ...] = ()
    """What else it says: its session, dialect, headers."""


@dataclass(frozen=True, slots=True)
class HomeWords:
    """Where things are kept."""

    sessions: str
    config: str
    trouble: str = ""
    """Why nothing will be recorded; ``""`` where all is well."""


class LaunchSettings(Protocol):
    """What the live dialog is filled in with."""

    @property
    def profile(self) -> str:
        """Return the chosen profile."""
        ...

    @property
    def url(self) -> str:
        """Return the server's address."""
        ...

    @property
    def model(self) -> str:
        """Return the model."""
        ...


class Launcher(Protocol):
    """Opens sessions and recordings."""

    @property
    def settings(self) -> LaunchSettings:
        """Return the settings in force."""
        ...

    def with_settings(self, answers: Mapping[str, str]) -> Self:
        """Return a launcher whose settings are overridden by what was typed.

        Raises:
            UsageError: they make no sense.
        """
        ...

    def open_simulator(self) -> Engine:
        """Return an engine joined to the simulator; nothing runs yet."""
        ...

    def open_live(self) -> Engine:
        """Return an engine that will connect to a server; nothing runs yet."""
        ...

    def open_connection(self, name: str) -> Engine:
        """Return an engine for a connection of the user's; nothing runs yet."""
        ...

    def close_session(self, engine: Engine) -> None:
        """Finish a session that was opened here and has been left; its recording is closed."""
        ...

    def connections(self) -> Sequence[KnownConnection]:
        """Return the connections that the user keeps."""
        ...

    def providers(self) -> Sequence[str]:
        """Return the names that a connection can be chosen by: the user's, then the providers."""
        ...

    def open_replay(self, path: Path) -> Replay:
        """Return a recording under a cursor."""
        ...

    def recent(self) -> list[Path]:
        """Return the recordings, the newest first."""
        ...

    def examples(self) -> list[Path]:
        """Return the recordings that come with the program."""
        ...

    def read_facts(self, paths: Sequence[Path]) -> Iterator[tuple[Path, RecordingFacts]]:
        """Yield what is known of recordings, what is known already first. For a thread of its own."""
        ...

    def home_words(self) -> HomeWords:
        """Return where things are kept, and what is wrong with that."""
        ...

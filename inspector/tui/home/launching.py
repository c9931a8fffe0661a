"""Launcher: what the home screen needs from the command line's side: opening sessions, and finding recordings."""

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
    """A profile in the user's configuration file, as shown on the screen."""

    name: str
    address: str
    """The server's address, with secrets masked."""
    model: str = ""
    key: str = ""
    """Where the API key comes from; never the key itself."""
    is_ready: bool = True
    """False if a key is required and missing."""
    extras: tuple[str, ...] = ()
    """Other settings: session, dialect, headers."""


@dataclass(frozen=True, slots=True)
class HomeWords:
    """Where files are kept, for display."""

    sessions: str
    config: str
    trouble: str = ""
    """Why sessions cannot be recorded; ``""`` if they can."""


class LaunchSettings(Protocol):
    """The initial values of the live dialog."""

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
        """Return the current settings."""
        ...

    def with_settings(self, answers: Mapping[str, str]) -> Self:
        """Return a launcher whose settings are overridden by values from a dialog.

        Raises:
            UsageError: the values are invalid.
        """
        ...

    def open_simulator(self) -> Engine:
        """Return an engine for the simulator, not yet running."""
        ...

    def open_live(self) -> Engine:
        """Return an engine for a server, not yet connected."""
        ...

    def open_connection(self, name: str) -> Engine:
        """Return an engine for one of the user's profiles, not yet connected."""
        ...

    def close_session(self, engine: Engine) -> None:
        """Close the recording of a session that the user has left."""
        ...

    def connections(self) -> Sequence[KnownConnection]:
        """Return the user's profiles."""
        ...

    def providers(self) -> Sequence[str]:
        """Return the names for ``--profile``: the user's profiles, then the providers."""
        ...

    def open_replay(self, path: Path) -> Replay:
        """Return a replay of a recording."""
        ...

    def import_replay(self, path: Path) -> Replay:
        """Return a replay of a foreign file, which is imported first. Call in a thread."""
        ...

    def recent(self) -> list[Path]:
        """Return the recordings, newest first."""
        ...

    def examples(self) -> list[Path]:
        """Return the example recordings shipped with the program."""
        ...

    def read_facts(self, paths: Sequence[Path]) -> Iterator[tuple[Path, RecordingFacts]]:
        """Yield facts about recordings, cached ones first. Call in a thread."""
        ...

    def home_words(self) -> HomeWords:
        """Return where files are kept, and problems with that."""
        ...

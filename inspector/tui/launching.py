"""What the home screen needs from whoever knows the settings: ways to open things."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Self

from inspector.engine.replay import Replay
from inspector.engine.session import Engine


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

    def open_replay(self, path: Path) -> Replay:
        """Return a recording under a cursor."""
        ...

    def recent(self) -> list[Path]:
        """Return the recordings, the newest first."""
        ...

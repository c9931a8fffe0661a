"""What a simulated server is like by the command line: scenario, faults, and the voice and ear that are installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.errors import UsageError
from inspector.shipped import shipped_folder
from inspector.sim.faults import RaisedFault, parse_fault
from inspector.sim.provider import SimProvider
from inspector.sim.server import Seams
from inspector.sim.settings import SimSettings

if TYPE_CHECKING:
    from inspector.sim.scenario import Scenario


@dataclass(frozen=True, slots=True)
class SimPlan:
    """How the simulator is to behave."""

    seed: int = 0
    dialect: str = ""
    """``""`` for that of each request."""
    scenario: str = ""
    """A file, or the name of one that comes with the program; ``""`` for none."""
    faults: tuple[str, ...] = ()
    """``NAME`` or ``NAME@TURN``."""

    def provider(self, tell: Callable[[str], None]) -> SimProvider:
        """Return the simulated server.

        Args:
            tell: takes a line of words where sessions get less than what is installed.

        Raises:
            UsageError: the scenario cannot be read, or there is no such fault.
        """
        from inspector.sources.speech.seams import InstalledSeams

        installed_seams = InstalledSeams(tell)
        faults = tuple(parse_fault(text) for text in self.faults)
        if not self.scenario:
            return SimProvider(
                self.seed, dialect=self.dialect, new_seams=installed_seams, faults=_in_order(faults)
            )
        scenario = read_scenario(self.scenario)
        return SimProvider(
            self.seed,
            settings=_settings(scenario),
            dialect=self.dialect,
            new_seams=lambda: _played(scenario, installed_seams()),
            faults=_in_order((*scenario.faults, *faults)),
        )


def scenario_names() -> list[str]:
    """Return the names of the scenarios that come with the program."""
    return sorted(path.stem for path in _folder().glob("*.toml"))


def read_scenario(name: str) -> Scenario:
    """Read a scenario from a file, or one that comes with the program.

    Raises:
        UsageError: there is none, or it makes no sense.
    """
    from inspector.sim.scenario import parse_scenario

    path = Path(name)
    if not path.suffix and not path.exists():
        path = _folder() / f"{name}.toml"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"cannot read the scenario {name}: {why}",
            code="no_such_scenario",
            hint=f"a file, or one of {', '.join(scenario_names())}",
        ) from None
    return parse_scenario(text, path.name)


def _folder() -> Path:
    return shipped_folder("sessions") / "scenarios"


def _in_order(faults: tuple[RaisedFault, ...]) -> tuple[RaisedFault, ...]:
    """Return faults for a turn before those for any: each has its chance."""
    return tuple(sorted(faults, key=lambda fault: fault.turn == 0))


def _settings(scenario: Scenario) -> SimSettings:
    usual = SimSettings()
    return replace(
        usual,
        latency_scale=usual.latency_scale if scenario.latency is None else scenario.latency,
        audio_speed=scenario.audio_speed or usual.audio_speed,
    )


def _played(scenario: Scenario, usual: Seams) -> Seams:
    from inspector.sim.scenario import ScenarioBrain, ScenarioEar

    return replace(
        usual,
        brain=ScenarioBrain(scenario, usual.brain),
        ear=ScenarioEar(scenario, usual.ear),
    )

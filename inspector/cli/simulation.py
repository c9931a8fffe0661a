"""The simulator's configuration from the command line: scenario, faults, brain, voice and recognizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.cli.printing import say
from inspector.errors import UsageError
from inspector.folders import path_exists
from inspector.shipped import shipped_folder
from inspector.sim.faults import RaisedFault, parse_fault
from inspector.sim.provider import SimProvider
from inspector.sim.server import Seams
from inspector.sim.settings import SimSettings
from inspector.sources.address import is_loopback

if TYPE_CHECKING:
    from inspector.sim.scenario import Scenario
    from inspector.sources.chat.endpoint import ChatEndpoint


@dataclass(frozen=True, slots=True)
class SimPlan:
    """Configuration of the simulator."""

    seed: int = 0
    dialect: str = ""
    """``""`` chooses by each request's path and model."""
    scenario: str = ""
    """A file, or the name of a shipped scenario; ``""`` for none."""
    faults: tuple[str, ...] = ()
    """``NAME`` or ``NAME@TURN``."""
    brain: ChatEndpoint | None = None
    """Model that answers; None for the rules."""

    def provider(self, tell: Callable[[str], None]) -> SimProvider:
        """Return the simulated server.

        Args:
            tell: called with one line if a session gets less than what is installed.

        Raises:
            UsageError: the scenario cannot be read, or a fault is unknown.
            ConnectError: the HTTP proxy on the way to the brain does not speak HTTP.
        """
        new_seams = self._new_seams(tell)
        faults = tuple(parse_fault(text) for text in self.faults)
        if not self.scenario:
            return SimProvider(
                self.seed, dialect=self.dialect, new_seams=new_seams, faults=_in_order(faults)
            )
        scenario = read_scenario(self.scenario)
        return SimProvider(
            self.seed,
            settings=_settings(scenario),
            dialect=self.dialect,
            new_seams=lambda: _played(scenario, new_seams()),
            faults=_in_order((*scenario.faults, *faults)),
        )

    def _new_seams(self, tell: Callable[[str], None]) -> Callable[[], Seams]:
        from inspector.sources.speech.seams import InstalledSeams

        installed_seams = InstalledSeams(tell)
        if self.brain is None:
            return installed_seams
        from inspector.sources.chat.chat_brain import ChatBrain

        brain = ChatBrain(self.brain, tell)
        return lambda: replace(installed_seams(), brain=brain)


@dataclass(frozen=True, slots=True)
class BrainOptions:
    """The options for the simulator's brain."""

    url: str | None = None
    model: str | None = None
    key_env: str | None = None

    def endpoint(self, environment: Mapping[str, str]) -> ChatEndpoint | None:
        """Return the endpoint of the model that answers; None for the rules.

        Raises:
            UsageError: the address or the key is invalid, or --brain is missing.
        """
        if self.url is None:
            self.refuse("needs --brain URL")
            return None
        from inspector.cli.listen_options import secret_in
        from inspector.sources.chat.endpoint import chat_endpoint

        key = secret_in(self.key_env, environment)
        endpoint = chat_endpoint(self.url, self.model or "", key)
        if key is not None and endpoint.server.tls is None and not is_loopback(endpoint.url):
            say("warning: the brain's key travels unencrypted; use https://")
        return endpoint

    def refuse(self, why: str) -> None:
        """Reject the options if there is no simulator to use them.

        Raises:
            UsageError: one of the options is given.
        """
        given = {"--brain": self.url, "--brain-model": self.model, "--brain-key-env": self.key_env}
        name = next((name for name, value in given.items() if value is not None), None)
        if name is not None:
            raise UsageError(f"{name} {why}")


def scenario_names() -> list[str]:
    """Return the names of the shipped scenarios."""
    return sorted(path.stem for path in _folder().glob("*.toml"))


def read_scenario(name: str) -> Scenario:
    """Parse a scenario from a file, or a shipped one.

    Raises:
        UsageError: the scenario does not exist or is invalid.
    """
    from inspector.sim.scenario import parse_scenario

    path = Path(name)
    if not path.suffix and not path_exists(path):
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
    """Return faults for a certain turn before those for any turn, so that each gets its turn."""
    return tuple(sorted(faults, key=lambda fault: fault.turn == 0))


def _settings(scenario: Scenario) -> SimSettings:
    usual = SimSettings()
    return replace(
        usual,
        latency_scale=usual.latency_scale if scenario.latency is None else scenario.latency,
        audio_speed=scenario.audio_speed or usual.audio_speed,
    )


def _played(scenario: Scenario, usual: Seams) -> Seams:
    from inspector.sim.scenario import ScenarioBrain, ScenarioRecognizer

    return replace(
        usual,
        brain=ScenarioBrain(scenario, usual.brain),
        recognizer=ScenarioRecognizer(scenario, usual.recognizer),
    )

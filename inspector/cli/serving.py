"""The service behind ``inspector serve``: simulated or recorded sessions, TLS, and recordings of the clients."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.cli.launch import launcher, new_session_maker, server_hooks
from inspector.cli.simulation import SimPlan
from inspector.clock import Clock
from inspector.errors import ConnectError, RecordingError
from inspector.folders import make_folder
from inspector.recording.writer import RecordingFile
from inspector.secret import Secret
from inspector.sim.connect_request import ConnectRequest, key_refusal
from inspector.sim.dialects import SIMULATED
from inspector.sim.recorded_server import Pace, RecordedScript, RecordedServer, script_of
from inspector.sources.client_recorder import ClientRecorder
from inspector.sources.server_port import ServerHooks
from inspector.sources.simulator import NewSession, ServerSession

if TYPE_CHECKING:
    from inspector.sources.chat.endpoint import ChatEndpoint

NAMES_TRIED = 1000


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options of ``inspector serve``."""

    dialect: str = ""
    """``""`` chooses by each request's path and model."""
    seed: int = 0
    scenario: str = ""
    """A file, or the name of a shipped scenario."""
    faults: tuple[str, ...] = ()
    replay: Path | None = None
    """A recording to play instead of the simulator."""
    pace: Pace = Pace.RECORDED
    record: Path | None = None
    """Folder for the recordings of the clients."""
    requires_key: bool = False
    """Reject clients without a key, as the API does."""
    key: Secret | None = None
    """The only accepted key; None accepts any."""
    brain: ChatEndpoint | None = None
    """Model that answers; None for the rules."""


@dataclass(frozen=True, slots=True)
class Service:
    """What answers the clients of a port."""

    new_session: NewSession
    hooks: ServerHooks
    path: str
    """Path of the URL to connect to."""
    query: str
    """Query of that URL, with the model."""


def service_for(
    options: ServeOptions,
    clock: Clock,
    *,
    left: Callable[[], None],
    tell: Callable[[str], None],
    warn: Callable[[str], None] | None = None,
) -> Service:
    """Return the service for a port.

    Args:
        options: the command line's options.
        clock: for wall-clock times and recordings.
        left: called when a client has disconnected.
        tell: called with one line for each client that connects or disconnects.
        warn: called with one line if a session gets less than what is installed; None uses ``tell``.

    Raises:
        UsageError: the scenario cannot be read, or a fault is unknown.
        RecordingError: the file to replay is not a recording, or has no server events.
    """
    plan = SimPlan(options.seed, options.dialect, options.scenario, options.faults, options.brain)
    provider = plan.provider(warn or tell)
    provider.settings = replace(
        provider.settings, require_key=options.requires_key, accepted_key=options.key
    )
    spoken = SIMULATED[options.dialect or "openai"]

    new_recorder = None
    if options.record is not None:
        new_recorder = ClientRecordings(options.record, clock).new_recorder
    hooks = replace(server_hooks(clock, provider), new_recorder=new_recorder, left=left, tell=tell)
    if options.replay is None:
        new_session = new_session_maker(clock, provider)
        query = spoken.query.format(model=spoken.default_model)
        return Service(new_session, hooks, spoken.path, query)
    script, model = _script(options.replay)
    # A recording is played for any model, so the simulator's checks do not apply.
    hooks = replace(hooks, http_refusal=lambda _: None)
    rejecting = new_session_maker(clock, provider)

    def replayed(request: ConnectRequest) -> ServerSession:
        if key_refusal(request, provider.settings) is not None and options.requires_key:
            return rejecting(request)  # sends the API's error and closes
        return RecordedServer(script, options.pace)

    return Service(
        replayed,
        hooks,
        spoken.path,
        spoken.query.format(model=model or spoken.default_model),
    )


def trusted_file(port: int) -> Path:
    """Return the path for the certificate that clients must trust, named by the port or else the process.

    Raises:
        ConnectError: the folder cannot be created.
    """
    path = launcher({}).folders.state / "tls" / f"serve-{port or f'process-{os.getpid()}'}.pem"
    try:
        make_folder(path.parent)
    except OSError as error:
        raise ConnectError(
            f"cannot write a certificate to {path}: {error.strerror or error}", code="no_tls"
        ) from error
    return path


def own_names(host: str) -> tuple[str, ...]:
    """Return the host name for the certificate; none for an address that means all interfaces."""
    try:
        is_every_address = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        is_every_address = not host
    return () if is_every_address else (host,)


class ClientRecordings:
    """Creates the recordings of a server's clients in one folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._numbers = count(1)

    def new_recorder(self, url: str, model: str, secrets: Sequence[Secret] = ()) -> ClientRecorder:
        """Start the recording of a client.

        Raises:
            RecordingError: the folder cannot be written.
        """
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.")[:60]
        started = self._clock.utc_now().strftime("%Y-%m-%dT%H-%M-%S")
        while True:
            number = next(self._numbers)
            name = f"{started}-serve-{number:03d}{f'-{safe}' if safe else ''}.jsonl"
            try:
                recording = RecordingFile(self._folder / name, self._clock)
            except RecordingError as error:
                if error.code != "exists" or number > NAMES_TRIED:
                    raise
            else:
                return ClientRecorder(recording, self._clock, url, model, secrets)


def _script(path: Path) -> tuple[RecordedScript, str]:
    """Return the script of a recording, and the model in its header."""
    from inspector.cli.listing import opened

    with opened(path) as reader:
        script = script_of(list(reader.events()))
        model = reader.header.model
    if not script.lines:
        raise RecordingError(
            f"{path} contains no server events to replay", code="nothing_to_replay"
        )
    return script, model

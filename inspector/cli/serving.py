"""What ``inspector serve`` puts behind its port: simulated sessions or a recorded one, TLS, and a recording of each client."""

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
from inspector.recording.reader import RecordingReader
from inspector.recording.writer import RecordingFile
from inspector.secret import Secret
from inspector.sim.connect_request import ConnectRequest, key_refusal
from inspector.sim.dialects import DIALECTS
from inspector.sim.recorded_server import Pace, RecordedScript, RecordedServer, script_of
from inspector.sources.client_recorder import ClientRecorder
from inspector.sources.server_port import ServerHooks
from inspector.sources.simulator import NewSession, ServerSession

if TYPE_CHECKING:
    from inspector.sources.chat.endpoint import ChatEndpoint

NAMES_TRIED = 1000


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line asks for."""

    dialect: str = ""
    """``""`` for that of each request."""
    seed: int = 0
    scenario: str = ""
    """A file, or the name of a shipped one."""
    faults: tuple[str, ...] = ()
    replay: Path | None = None
    """A recording to play in place of the simulator."""
    pace: Pace = Pace.RECORDED
    record: Path | None = None
    """Folder for a recording of each client."""
    requires_key: bool = False
    """Refuse who brings no key, as the API does."""
    key: Secret | None = None
    """The one that is accepted; None accepts any."""
    brain: ChatEndpoint | None = None
    """The model that answers; None for rules."""


@dataclass(frozen=True, slots=True)
class Service:
    """Who answers the clients."""

    new_session: NewSession
    hooks: ServerHooks
    path: str
    """Of the URL to connect to."""
    query: str
    """The same, with the model in it."""


def service_for(
    options: ServeOptions,
    clock: Clock,
    *,
    left: Callable[[], None],
    tell: Callable[[str], None],
    warn: Callable[[str], None] | None = None,
) -> Service:
    """Return what stands behind the port.

    Args:
        options: what the command line asks for.
        clock: for wall-clock times and recordings.
        left: called whenever a client has left.
        tell: takes one line of words per client that comes or goes.
        warn: takes a line of words where sessions get less than they should; None leaves that to ``tell``.

    Raises:
        UsageError: the scenario cannot be read, or there is no such fault.
        RecordingError: the recording to be played is none, or the server says nothing in it.
    """
    plan = SimPlan(options.seed, options.dialect, options.scenario, options.faults, options.brain)
    provider = plan.provider(warn or tell)
    provider.settings = replace(
        provider.settings, require_key=options.requires_key, accepted_key=options.key
    )
    spoken = DIALECTS[options.dialect or "openai"]

    tapes = ClientRecordings(options.record, clock).new_tape if options.record is not None else None
    hooks = replace(server_hooks(clock, provider), new_tape=tapes, left=left, tell=tell)
    if options.replay is None:
        new_session = new_session_maker(clock, provider)
        query = spoken.query.format(model=spoken.default_model)
        return Service(new_session, hooks, spoken.path, query)
    script, model = _script(options.replay)
    hooks = replace(hooks, turn_away=lambda _: None)
    refusing = new_session_maker(clock, provider)

    def replayed(request: ConnectRequest) -> ServerSession:
        if key_refusal(request, provider.settings) is not None and options.requires_key:
            return refusing(request)  # which says so, and closes
        return RecordedServer(script, options.pace)

    return Service(
        replayed,
        hooks,
        spoken.path,
        spoken.query.format(model=model or spoken.default_model),
    )


def trusted_file(port: int) -> Path:
    """Return where the certificate that clients must trust is written: by the port, or else by the process.

    Raises:
        ConnectError: its folder cannot be made.
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
    """Return the names of a host that a certificate can be for: none where it stands for every address."""
    try:
        is_every_address = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        is_every_address = not host
    return () if is_every_address else (host,)


class ClientRecordings:
    """Makes the recordings of a server's clients in one folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._numbers = count(1)

    def new_tape(self, url: str, model: str, secrets: Sequence[Secret] = ()) -> ClientRecorder:
        """Begin the recording of a client.

        Raises:
            RecordingError: the folder does not take it.
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
    """Return the script of a recording, and the model that it names."""
    reader = RecordingReader(path)
    try:
        script = script_of(list(reader.events()))
        model = reader.header.model
    finally:
        reader.close()
    if not script.lines:
        raise RecordingError(f"in {path} the server says nothing", code="nothing_to_replay")
    return script, model

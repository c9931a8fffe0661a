"""``inspector serve``: serve the simulator, or a recording, to the user's own client."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inspector.cli import options
from inspector.cli.printing import say, write_object
from inspector.cli.text_command import TextCommand
from inspector.errors import EXIT_INTERRUPTED, RunTimeout, UsageError

REQUIRE_KEY = "--require-key"
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")

if TYPE_CHECKING:
    import asyncio

    from inspector.cli.serving import ServeOptions, Service
    from inspector.sources.server_port import Listening


def _known_pace(pace: str) -> str:
    if pace not in ("recorded", "full"):
        raise typer.BadParameter(f"'{pace}' is neither recorded nor full")
    return pace


class ServeCommand(TextCommand):
    """The command, with an option whose value may be omitted; Typer supports none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give ``--require-key`` an empty value if none follows."""
        # Whether a value follows is decided here, since click options either always or never take
        # one.
        following = [*args, "--"][1:]
        given = [
            f"{one}=" if one == REQUIRE_KEY and after.startswith("-") else one
            for one, after in zip(args, following, strict=True)
        ]
        return super().parse_args(ctx, given)


def serve(
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="HOST:PORT",
            help="Address for the clients; port 0 takes a free one (default: 127.0.0.1:0).",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="The port alone, instead of --listen."),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="The host alone, instead of --listen.")
    ] = None,
    allow_remote: Annotated[
        bool,
        typer.Option("--allow-remote", help="Let --listen be reachable from other machines."),
    ] = False,
    require_key: Annotated[
        str | None,
        typer.Option(
            REQUIRE_KEY,
            metavar="[ENV]",
            help="Reject clients without a key, or without the one in this environment variable, as the API does.",
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="URL",
            help="Allow web pages of this origin, or of any with '*'; may be repeated.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="S",
            min=0,
            callback=options.finite,
            help="End after S seconds, with exit status 124.",
        ),
    ] = None,
    dialect: options.DialectOption = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Use TLS (wss://), with a certificate for this run.")
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="DIR", help="Record each client to a file in DIR."),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when the first client has disconnected.")
    ] = False,
    replay: Annotated[
        Path | None,
        typer.Option(
            "--replay", metavar="FILE", help="Play the server's side of this recording instead."
        ),
    ] = None,
    pace: Annotated[
        str,
        typer.Option(
            "--pace",
            metavar="recorded|full",
            callback=_known_pace,
            help="Speed of --replay: with the recorded pauses, or without.",
        ),
    ] = "recorded",
    scenario: options.ScenarioOption = None,
    fault: options.FaultsOption = None,
    seed: options.SeedOption = 0,
    brain: options.BrainOption = None,
    brain_model: options.BrainModelOption = None,
    brain_key_env: options.BrainKeyEnvOption = None,
    json: Annotated[  # noqa: ARG001 - read before parsing; the first line is JSON in any case
        bool, typer.Option("--json", help="Print errors as JSON (the first line always is).")
    ] = False,
) -> None:
    """Serve the simulator, or a recording, to your own client. Any key is accepted; none is needed without --require-key.

    The first line on stdout is {"schema":1,"url":"ws://…/v1/realtime?model=…","base_url":"ws://…/v1","http_url":"http://…/v1"}:
    the URL of a session, and the base URLs that SDKs expect; with --tls also "certificate", the file that clients must
    trust. POST /v1/realtime/client_secrets and GET /v1/models are answered on the same port. The dialect follows the path
    (Azure, Voice Live, Qwen) and the model (xAI, Qwen) unless --dialect names one. Ends on ctrl+c. Web pages are rejected unless
    --allow-origin names their origin.
    """
    host, port = _place(listen, host, port)
    is_local = host in ("localhost", "::1") or host.startswith("127.")
    if not is_local and not allow_remote:
        raise UsageError(
            f"{host} is reachable from other machines",
            code="not_loopback",
            hint="add --allow-remote if that is what you want",
        )

    if replay is not None:
        _refuse_beside_replay(
            {
                "--scenario": scenario,
                "--fault": fault,
                "--seed": seed or None,
                "--brain": brain,
                "--brain-model": brain_model,
                "--brain-key-env": brain_key_env,
            }
        )
    elif pace != "recorded":
        raise UsageError("--pace needs --replay FILE")

    import asyncio

    from inspector.cli.listen_options import read_origins, secret_in
    from inspector.cli.serving import ServeOptions, own_names, trusted_file
    from inspector.cli.simulation import BrainOptions
    from inspector.sim.recorded_server import Pace
    from inspector.sources.certificate import self_signed
    from inspector.sources.server_port import Listening

    certificate = trusted_file(port) if tls else None
    context = self_signed((*_LOCAL_NAMES, *own_names(host)), certificate) if certificate else None
    listening = Listening(host, port, read_origins(allow_origin or ()), context)
    serve_options = ServeOptions(
        dialect or "",
        seed,
        scenario or "",
        tuple(fault or ()),
        replay,
        Pace(pace),
        record,
        require_key is not None,
        secret_in(require_key or None, os.environ),
        BrainOptions(brain, brain_model, brain_key_env).endpoint(os.environ),
    )
    raise typer.Exit(
        asyncio.run(_serve(listening, serve_options, _Ending(timeout, once), certificate))
    )


def _refuse_beside_replay(given: Mapping[str, object]) -> None:
    """Refuse what only the simulator could do: a recording says what it says.

    Raises:
        UsageError: one of the options has a value.
    """
    name = next((name for name, value in given.items() if value), None)
    if name is not None:
        raise UsageError(
            f"{name} is for the simulator, and --replay plays a recording in its place",
            hint=f"leave one of {name} and --replay out",
        )


def _place(listen: str | None, host: str | None, port: int | None) -> tuple[str, int]:
    """Return the host and port from either form of the options."""
    if listen is None:
        return host or "127.0.0.1", port or 0
    if host is not None or port is not None:
        raise UsageError("--listen cannot be combined with --host or --port")

    from inspector.cli.listen_options import read_place

    return read_place(listen)


@dataclass(frozen=True, slots=True)
class _Ending:
    """When to stop serving."""

    timeout_s: float | None
    is_once: bool


async def _serve(
    listening: Listening,
    options: ServeOptions,
    ending: _Ending,
    certificate: Path | None,
) -> int:
    import asyncio

    from inspector.cli.serving import service_for
    from inspector.clock import SystemClock
    from inspector.sources.server_port import serve as listen

    clock = SystemClock()
    interrupted, disconnected = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    service = service_for(options, clock, left=disconnected.set, tell=say)
    async with listen(service.new_session, clock, listening, service.hooks) as bound:
        write_object(_first_line(bound.removesuffix("/v1/realtime"), service, certificate))
        try:
            async with asyncio.timeout(ending.timeout_s):
                return await _until(interrupted, disconnected if ending.is_once else None)
        except TimeoutError:
            raise RunTimeout(f"stopped after {ending.timeout_s:g} s (--timeout)") from None


async def _until(interrupted: asyncio.Event, disconnected: asyncio.Event | None) -> int:
    """Wait for the end; return the exit status."""
    import asyncio

    if disconnected is None:
        await interrupted.wait()
        return EXIT_INTERRUPTED
    async with asyncio.TaskGroup() as tasks:
        waits = [tasks.create_task(event.wait()) for event in (interrupted, disconnected)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    return EXIT_INTERRUPTED if interrupted.is_set() else 0


def _first_line(origin: str, service: Service, certificate: Path | None) -> dict[str, str]:
    base = origin + service.path.removesuffix("/realtime")
    line = {
        "url": f"{origin}{service.path}?{service.query}",
        "base_url": base,
        "http_url": base.replace("ws", "http", 1),
    }
    if certificate is not None:
        line["certificate"] = str(certificate)
    return line

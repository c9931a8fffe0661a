"""``inspector serve``: the simulator as a server for the user's own client."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated

import typer

from inspector.cli import options
from inspector.cli.output import EXIT_INTERRUPTED, say, write_object
from inspector.errors import RunTimeout, UsageError

if TYPE_CHECKING:
    from inspector.sources.serve import Listening


def serve(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 0,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let --host be one that other machines reach.")
    ] = False,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="URL",
            help="Let pages of this origin connect; may be repeated.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", metavar="S", min=0, help="End after S seconds, with exit status 124."
        ),
    ] = None,
    seed: options.Seed = 0,
    json: Annotated[  # noqa: ARG001 - accepted so that errors are JSON too; the first line always is
        bool, typer.Option("--json", help="Print errors as JSON (the first line always is).")
    ] = False,
) -> None:
    """Serve the simulator to your own client; any key is accepted, and none is needed.

    The first line on stdout is {"schema":1,"url":"ws://…/v1/realtime?model=…","base_url":"ws://…/v1"}: the URL of a
    session, and what SDKs want as their base URL. Any model of the API will do, but one must be named. Ends on ctrl+c. A web page is refused unless --allow-origin
    names its origin.
    """
    is_local = host in ("localhost", "::1") or host.startswith("127.")
    if not is_local and not allow_remote:
        raise UsageError(
            f"{host} can be reached by other machines",
            code="not_loopback",
            hint="add --allow-remote if that is what you want",
        )

    import asyncio

    from inspector.sources.serve import Listening

    listening = Listening(host, port, tuple(allow_origin or ()))
    raise typer.Exit(asyncio.run(_serve(listening, timeout, seed)))


async def _serve(listening: Listening, timeout_s: float | None, seed: int) -> int:
    import asyncio

    from inspector.cli.launch import SIMULATED_MODEL, new_session_maker
    from inspector.clock import SystemClock
    from inspector.sources.serve import serve as listen

    clock = SystemClock()
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    async with listen(new_session_maker(clock, seed), clock, listening, tell=say) as url:
        write_object(
            {"url": f"{url}?model={SIMULATED_MODEL}", "base_url": url.removesuffix("/realtime")}
        )
        try:
            async with asyncio.timeout(timeout_s):
                await interrupted.wait()
        except TimeoutError:
            raise RunTimeout(f"served for {timeout_s:g} s") from None
    return EXIT_INTERRUPTED

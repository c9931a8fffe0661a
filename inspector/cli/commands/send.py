"""``inspector send``: send raw events from a file or a pipe, and print the server's replies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inspector.cli import options
from inspector.errors import UsageError

IDLE_S = 3.0


def send(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="Events, one JSON object per line; - is stdin.")
    ],
    sim: Annotated[bool, typer.Option("--sim", help="Send to the built-in simulator.")] = False,
    brain: options.BrainOption = None,
    brain_model: options.BrainModelOption = None,
    brain_key_env: options.BrainKeyEnvOption = None,
    url: options.Url = None,
    model: options.Model = None,
    profile: options.ProfileName = None,
    call_id: options.CallId = None,
    intent: options.Intent = None,
    session: options.SessionFile = None,
    header: options.Headers = None,
    beta: options.Beta = False,
    key_env: options.KeyEnv = None,
    key_file: options.KeyFile = None,
    connect_timeout: options.ConnectTimeout = 10.0,
    output: options.OutputOption = None,
    jsonl: Annotated[  # noqa: ARG001 - accepted for symmetry: replies are always a stream
        bool, typer.Option("--jsonl", help="Print replies as JSON lines (always so).")
    ] = True,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="TYPE", help="End after an event of this type; globs are allowed."
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
    idle: Annotated[
        float,
        typer.Option(
            "--idle",
            metavar="S",
            min=0,
            callback=options.finite,
            help="Without --until: end when all is sent and nothing was received for S seconds; 0 disables this.",
        ),
    ] = IDLE_S,
) -> None:
    """Send raw events, and print the server's replies as JSON lines.

    Each line is sent exactly as it is, as one text frame; a line that is not JSON is sent too, with a warning.
    The command ends at the first of: --until, --timeout (status 124), the end of the connection, and, without --until,
    --idle seconds of silence after the last line was sent.
    """
    if sim and (url or profile or call_id):
        raise UsageError("--sim cannot be combined with --url, --profile or --call-id")

    import asyncio

    from inspector.cli.simulation import BrainOptions, SimPlan

    brain_options = BrainOptions(brain, brain_model, brain_key_env)
    if not sim:
        brain_options.refuse("needs --sim")

    from inspector.cli.headless import Bounds, HeadlessRun, Shown
    from inspector.cli.live_target import LiveOptions, parse_header
    from inspector.cli.screens import start_launcher
    from inspector.cli.stdin_feed import FileFeed

    feed = FileFeed(None if file == "-" else Path(file))
    flags = {
        "url": url,
        "model": model,
        "profile": profile,
        "key_env": key_env,
        "key_file": key_file,
    }
    launch = start_launcher(flags)
    if sim:
        plan = SimPlan(brain=brain_options.endpoint(launch.environment))
        engine = launch.open_simulator(plan, session=session, output=output)
    else:
        live_options = LiveOptions(
            call_id=call_id or "",
            intent=intent or "",
            headers=tuple(parse_header(text) for text in header or ()),
            use_beta=beta,
            connect_timeout_s=connect_timeout,
        )
        engine = launch.open_live(live_options, session=session, output=output)
    bounds = Bounds(until or "", timeout, None if until or not idle else idle)
    with feed:
        status = asyncio.run(HeadlessRun(engine, bounds, Shown.REPLIES).run(feed.feed))
    raise typer.Exit(status)

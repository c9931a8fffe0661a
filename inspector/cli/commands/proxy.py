"""``inspector proxy``: put the inspector between an app and its server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inspector import collector
from inspector.cli import options
from inspector.cli.screens import need_terminal, start_launcher
from inspector.errors import UsageError

Listen = Annotated[
    str,
    typer.Option(
        "--listen", metavar="HOST:PORT", help="Address for the apps; port 0 takes a free one."
    ),
]
UpstreamAddress = Annotated[
    str,
    typer.Option(
        "--upstream", metavar="URL", help="The server, or sim for the built-in simulator."
    ),
]
AllowRemote = Annotated[
    bool,
    typer.Option("--allow-remote", help="Let --listen be reachable from other machines."),
]
AllowOrigin = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        metavar="URL",
        help="Allow web pages of this origin, or of any with '*'; may be repeated.",
    ),
]
TokenFrom = Annotated[
    str | None,
    typer.Option(
        "--token-from",
        metavar="ENV",
        help="Require the token in this environment variable from apps.",
    ),
]
KeyFrom = Annotated[
    str | None,
    typer.Option(
        "--key-from",
        metavar="ENV",
        help="Send the key in this environment variable instead of the app's.",
    ),
]
Tls = Annotated[
    bool, typer.Option("--tls", help="Use TLS toward the apps, with a certificate for this run.")
]
Rules = Annotated[
    Path | None,
    typer.Option(
        "--rules", metavar="FILE", help="Fault rules (TOML): drop, delay, replace, inject, close."
    ),
]
AddEventIds = Annotated[
    bool,
    typer.Option(
        "--add-event-ids",
        help="Add an event_id to client events without one, so that errors can name them.",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="DIR",
        help="Record each session to a file of its own in DIR (default: the sessions folder).",
    ),
]
MaxSessions = Annotated[
    int | None,
    typer.Option(
        "--max-sessions",
        metavar="N",
        min=1,
        help="Headless: end after N sessions.",
    ),
]


def proxy(
    listen: Listen = "127.0.0.1:8899",
    upstream: UpstreamAddress = "wss://api.openai.com",
    allow_remote: AllowRemote = False,
    allow_origin: AllowOrigin = None,
    token_from: TokenFrom = None,
    key_from: KeyFrom = None,
    tls: Tls = False,
    rules: Rules = None,
    add_event_ids: AddEventIds = False,
    output: Folder = None,
    theme: options.Theme = None,
    headless: options.Headless = False,
    jsonl: options.JsonlOption = False,
    json: Annotated[  # noqa: ARG001 - read before parsing, so that parsing errors are JSON too
        bool, typer.Option("--json", help="Print errors as JSON.")
    ] = False,
    max_sessions: MaxSessions = None,
    timeout: options.Timeout = None,
    lint: options.Lint = False,
    brain: options.BrainOption = None,
    brain_model: options.BrainModelOption = None,
    brain_key_env: options.BrainKeyEnvOption = None,
) -> None:
    """Stand between your app and the API: see, hold and change its traffic.

    Point the app at the proxy (OPENAI_BASE_URL=http://127.0.0.1:8899/v1) and start it as usual; its own key is passed through.
    Every session is recorded to a file of its own. Traffic continues even if the inspector fails.

    Headless, the first line on stdout is {"schema":1,"url":"ws://…/v1/realtime","base_url":"http://…/v1",…}; --jsonl adds one line
    per event, with the number of its session. Ends on ctrl+c or SIGTERM; every recording is closed.
    """
    if not headless:
        for name, is_given in (
            ("--jsonl", jsonl),
            ("--max-sessions", max_sessions is not None),
            ("--timeout", timeout is not None),
            ("--lint", lint),
        ):
            if is_given:
                raise UsageError(f"{name} needs --headless")
        need_terminal("add --headless, and --jsonl for a stream that programs can read")
        collector.pause()
    launch = start_launcher({"theme": theme})

    import asyncio

    from inspector.cli.simulation import BrainOptions

    brain_options = BrainOptions(brain, brain_model, brain_key_env)
    if upstream != "sim":
        brain_options.refuse("needs --upstream sim")

    from inspector.cli.listen_options import ProxyOptions
    from inspector.cli.proxying import ProxyRun

    proxy_options = ProxyOptions(
        listen=listen,
        upstream=upstream,
        is_remote_allowed=allow_remote,
        origins=tuple(allow_origin or ()),
        token_env=token_from,
        key_env=key_from,
        uses_tls=tls,
        rules=rules,
        adds_event_ids=add_event_ids,
        folder=output,
        as_jsonl=jsonl,
        max_sessions=max_sessions,
        timeout_s=timeout,
        lints=lint,
        brain=brain_options.endpoint(launch.environment),
    )
    run = ProxyRun(launch, proxy_options)
    raise typer.Exit(asyncio.run(run.headless() if headless else run.on_screen()))

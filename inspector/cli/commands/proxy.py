"""``inspector proxy``: see inside an app that is not changed."""

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
        "--listen", metavar="HOST:PORT", help="Where apps connect; port 0 takes a free one."
    ),
]
UpstreamAddress = Annotated[
    str,
    typer.Option(
        "--upstream", metavar="URL", help="The server behind it, or sim for the built-in simulator."
    ),
]
AllowRemote = Annotated[
    bool,
    typer.Option("--allow-remote", help="Let --listen be an address that other machines reach."),
]
AllowOrigin = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        metavar="URL",
        help="Let pages of this origin connect, or of any with '*'; may be repeated.",
    ),
]
TokenFrom = Annotated[
    str | None,
    typer.Option(
        "--token-from",
        metavar="ENV",
        help="Let in only who brings the token in this environment variable.",
    ),
]
KeyFrom = Annotated[
    str | None,
    typer.Option(
        "--key-from",
        metavar="ENV",
        help="Send the key in this environment variable in place of the app's.",
    ),
]
Tls = Annotated[
    bool, typer.Option("--tls", help="Speak TLS to apps, with a certificate made for this run.")
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
        help="Give client events without an event_id one, so that errors can be tied to them.",
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
        help="Headless: let N sessions in, end when they have.",
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
    json: Annotated[  # noqa: ARG001 - read from the command line itself, so that its errors are JSON too
        bool, typer.Option("--json", help="Print errors as JSON.")
    ] = False,
    max_sessions: MaxSessions = None,
    timeout: options.Timeout = None,
    brain: options.BrainOption = None,
    brain_model: options.BrainModelOption = None,
    brain_key_env: options.BrainKeyEnvOption = None,
) -> None:
    """Stand between your app and the API: see, hold and change what goes by.

    Point the app at the proxy (OPENAI_BASE_URL=http://127.0.0.1:8899/v1) and start it as ever; its own key goes through.
    Every session is recorded to a file of its own. Frames go on whatever happens here.

    Headless, the first line on stdout is {"schema":1,"url":"ws://…/v1/realtime","base_url":"http://…/v1",…}; --jsonl adds one line
    per event, with the number of its session. Ends on ctrl+c or SIGTERM, with every recording closed.
    """
    if not headless:
        for name, is_given in (
            ("--jsonl", jsonl),
            ("--max-sessions", max_sessions is not None),
            ("--timeout", timeout is not None),
        ):
            if is_given:
                raise UsageError(f"{name} needs --headless")
        need_terminal("add --headless, and --jsonl for a stream that programs can read")
        collector.pause()
    launch = start_launcher({"theme": theme})

    import asyncio

    from inspector.cli.simulation import BrainOptions

    thinking = BrainOptions(brain, brain_model, brain_key_env)
    if upstream != "sim":
        thinking.refuse("needs --upstream sim")

    from inspector.cli.listen_options import ProxyOptions
    from inspector.cli.proxying import ProxyRun

    asked = ProxyOptions(
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
        brain=thinking.endpoint(launch.environment),
    )
    run = ProxyRun(launch, asked)
    raise typer.Exit(asyncio.run(run.headless() if headless else run.on_screen()))

"""The commands that open a session or a recording on the screen, or a session without one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspector.cli import options
from inspector.cli.hearing import sound_options
from inspector.cli.output import say, to_terminal
from inspector.errors import UsageError

if TYPE_CHECKING:
    from inspector.cli.launch import Launcher
    from inspector.engine.session import Engine


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a session is run, whatever it is joined to."""

    is_headless: bool = False
    as_jsonl: bool = False
    as_json: bool = False
    until: str | None = None
    timeout_s: float | None = None


def home() -> int:
    """Open the home screen."""
    _need_terminal("see inspector --help for what works without one")
    launch = start_launcher({})

    import asyncio

    from inspector.cli.launch import finish_recording
    from inspector.tui.app import run_home

    try:
        return asyncio.run(run_home(launch, theme=launch.settings.theme or None))
    finally:
        for recording in launch.opened:
            finish_recording(recording)


def sim(
    model: options.Model = None,
    session: options.SessionFile = None,
    output: options.Output = None,
    mic: options.Mic = None,
    speaker: options.Speaker = None,
    append_ms: options.AppendMs = 40,
    no_auto_truncate: options.NoAutoTruncate = False,
    theme: options.Theme = None,
    headless: options.Headless = False,
    jsonl: options.Jsonl = False,
    json: options.Json = False,
    until: options.Until = None,
    timeout: options.Timeout = None,
    seed: options.Seed = 0,
) -> None:
    """Open a session with the built-in simulator: no key, no network, no sound card."""
    run = RunOptions(headless, jsonl, json, until, timeout)
    _check(run)
    launch = start_launcher({"model": model, "theme": theme})
    sound = sound_options(
        mic, speaker, append_ms, truncates=not no_auto_truncate, is_headless=headless
    )
    engine = launch.open_simulator(session=session, output=output, seed=seed, sound=sound)
    raise typer.Exit(_run(launch, engine, run))


def live(
    url: options.Url = None,
    model: options.Model = None,
    profile: options.ProfileName = None,
    call_id: options.CallId = None,
    intent: options.Intent = None,
    session: options.SessionFile = None,
    header: options.Headers = None,
    beta: options.Beta = False,
    browser_auth: options.InSubprotocol = False,
    key_env: options.KeyEnv = None,
    key_file: options.KeyFile = None,
    connect_timeout: options.ConnectTimeout = 10.0,
    output: options.Output = None,
    mic: options.Mic = None,
    speaker: options.Speaker = None,
    append_ms: options.AppendMs = 40,
    no_auto_truncate: options.NoAutoTruncate = False,
    theme: options.Theme = None,
    headless: options.Headless = False,
    jsonl: options.Jsonl = False,
    json: options.Json = False,
    until: options.Until = None,
    timeout: options.Timeout = None,
) -> None:
    """Open a session with a server, as its client.

    The key comes from the environment (OPENAI_API_KEY, AZURE_OPENAI_API_KEY, …), from --key-env or from --key-file. A
    server that no profile knows gets a key only if one of these options says which.
    """
    run = RunOptions(headless, jsonl, json, until, timeout)
    _check(run)
    flags = {
        "url": url,
        "model": model,
        "profile": profile,
        "key_env": key_env,
        "key_file": key_file,
        "theme": theme,
    }
    launch = start_launcher(flags)

    from inspector.cli.target import LiveOptions, parse_header

    asked = LiveOptions(
        call_id=call_id or "",
        intent=intent or "",
        headers=tuple(parse_header(text) for text in header or ()),
        use_beta=beta,
        key_in_subprotocol=browser_auth,
        connect_timeout_s=connect_timeout,
    )
    sound = sound_options(
        mic, speaker, append_ms, truncates=not no_auto_truncate, is_headless=headless
    )
    engine = launch.open_live(asked, session=session, output=output, sound=sound)
    raise typer.Exit(_run(launch, engine, run))


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The recording.")],
    theme: options.Theme = None,
) -> None:
    """Open a recording on the screen.

    Reads recordings of this program, {"dir":…,"event":{…}} per line, and bare events {"type":…} per line.
    """
    _need_terminal(f"use inspector cat {file}")
    launch = start_launcher({"theme": theme})
    recording = launch.open_replay(file)

    import asyncio

    from inspector.tui.app import run_replay

    status = asyncio.run(run_replay(recording, theme=launch.settings.theme or None))
    raise typer.Exit(status)


def start_launcher(flags: Mapping[str, str | None]) -> Launcher:
    """Return the launcher for a command's options, with the program's log going to its file."""
    from inspector.cli.journal import start_logging
    from inspector.cli.launch import launcher

    launch = launcher(flags)
    start_logging(launch.folders.state)
    return launch


def _check(run: RunOptions) -> None:
    """Refuse options that do not go together, before anything is opened."""
    if run.is_headless:
        if run.as_json and run.as_jsonl:
            raise UsageError("--json and --jsonl exclude each other")
        return
    given = {
        "--jsonl": run.as_jsonl,
        "--json": run.as_json,
        "--until": run.until is not None,
        "--timeout": run.timeout_s is not None,
    }
    for name, is_given in given.items():
        if is_given:
            raise UsageError(f"{name} needs --headless")
    _need_terminal("add --headless, and --jsonl for a stream that programs can read")


def _need_terminal(hint: str) -> None:
    if not (to_terminal() and sys.stdin is not None and sys.stdin.isatty()):
        raise UsageError(
            "the screen needs a terminal, and stdin or stdout is none",
            code="no_terminal",
            hint=hint,
        )


def _run(launch: Launcher, engine: Engine, run: RunOptions) -> int:
    import asyncio

    if run.is_headless:
        from inspector.cli.headless import Bounds, HeadlessRun, Shown

        shown = Shown.STREAM if run.as_jsonl else Shown.SUMMARY if run.as_json else Shown.ROWS
        if engine.recording.path is not None:
            say(f"recording to {engine.recording.path}")
        bounds = Bounds(run.until or "", run.timeout_s)
        return asyncio.run(HeadlessRun(engine, bounds, shown).run())
    return asyncio.run(_show(engine, launch.settings.theme or None))


async def _show(engine: Engine, theme: str | None) -> int:
    from inspector.cli.launch import finish_recording
    from inspector.engine.host import Host
    from inspector.tui.app import run_session

    try:
        async with Host() as host:
            return await run_session(host, engine, theme=theme)
    finally:
        finish_recording(engine.recording)

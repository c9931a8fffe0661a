"""``inspector sim``, ``live`` and ``replay``: sessions and recordings on a screen, or sessions without one."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspector import collector
from inspector.cli import options
from inspector.cli.printing import say
from inspector.cli.screens import need_terminal, show_replay, show_session, start_launcher
from inspector.cli.sound_options import sound_options
from inspector.errors import UsageError
from inspector.profiles import SIMULATOR

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from inspector.cli.launch import SessionLauncher
    from inspector.engine.live_engine import Engine


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a session is run, independent of its server."""

    is_headless: bool = False
    as_jsonl: bool = False
    as_json: bool = False
    until: str | None = None
    timeout_s: float | None = None
    lints: bool = False


def sim(
    model: options.Model = None,
    session: options.SessionFile = None,
    output: options.OutputOption = None,
    mic: options.MicOption = None,
    speaker: options.SpeakerOption = None,
    append_ms: options.AppendMsOption = 40,
    no_auto_truncate: options.NoAutoTruncateOption = False,
    theme: options.Theme = None,
    headless: options.Headless = False,
    jsonl: options.JsonlOption = False,
    json: options.JsonOption = False,
    until: options.Until = None,
    timeout: options.Timeout = None,
    lint: options.Lint = False,
    seed: options.SeedOption = 0,
    dialect: options.DialectOption = None,
    scenario: options.ScenarioOption = None,
    fault: options.FaultsOption = None,
    brain: options.BrainOption = None,
    brain_model: options.BrainModelOption = None,
    brain_key_env: options.BrainKeyEnvOption = None,
) -> None:
    """Open a session with the built-in simulator: no key, no network, no sound card.

    Rules produce its answers, or, with --brain, a model behind a chat completions endpoint.
    """
    run = RunOptions(headless, jsonl, json, until, timeout, lint)
    _check(run)
    launch = _start({"model": model, "theme": theme}, run)

    from inspector.cli.simulation import BrainOptions, SimPlan

    endpoint = BrainOptions(brain, brain_model, brain_key_env).endpoint(launch.environment)
    plan = SimPlan(seed, dialect or "", scenario or "", tuple(fault or ()), endpoint)
    sound = sound_options(
        mic, speaker, append_ms, truncates=not no_auto_truncate, is_headless=headless
    )
    engine = launch.open_simulator(plan, session=session, output=output, sound=sound)
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
    output: options.OutputOption = None,
    mic: options.MicOption = None,
    speaker: options.SpeakerOption = None,
    append_ms: options.AppendMsOption = 40,
    no_auto_truncate: options.NoAutoTruncateOption = False,
    theme: options.Theme = None,
    headless: options.Headless = False,
    jsonl: options.JsonlOption = False,
    json: options.JsonOption = False,
    until: options.Until = None,
    timeout: options.Timeout = None,
    lint: options.Lint = False,
    brain: options.BrainOption = None,
    brain_model: options.BrainModelOption = None,
    brain_key_env: options.BrainKeyEnvOption = None,
) -> None:
    """Open a session with a server, as its client.

    The key comes from the environment (OPENAI_API_KEY, AZURE_OPENAI_API_KEY, …), from --key-env or from --key-file. A
    server without a known profile gets a key only if one of these options names it.
    """
    run = RunOptions(headless, jsonl, json, until, timeout, lint)
    _check(run)
    flags = {
        "url": url,
        "model": model,
        "profile": profile,
        "key_env": key_env,
        "key_file": key_file,
        "theme": theme,
    }
    launch = _start(flags, run)

    from inspector.cli.simulation import BrainOptions

    brain_options = BrainOptions(brain, brain_model, brain_key_env)
    if launch.settings.url != SIMULATOR:
        brain_options.refuse("needs --url sim")

    from inspector.cli.live_target import LiveOptions, parse_header

    live_options = LiveOptions(
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
    endpoint = brain_options.endpoint(launch.environment)
    engine = launch.open_live(
        live_options, session=session, output=output, sound=sound, brain=endpoint
    )
    raise typer.Exit(_run(launch, engine, run))


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The recording.")],
    theme: options.Theme = None,
) -> None:
    """Open a recording on the screen.

    Files of other programs are imported first (see inspector import --help). Two shapes open as they are: lines of
    {"dir":…,"event":{…}}, and bare events, {"type":…} per line.
    """
    raise typer.Exit(show_replay(file, theme))


def _start(flags: dict[str, str | None], run: RunOptions) -> SessionLauncher:
    """Return the launcher for a command line; with a screen, warnings go to the log."""
    launch = start_launcher(flags)
    return launch if run.is_headless else replace(launch, tell_running=log.warning)


def _check(run: RunOptions) -> None:
    """Reject options that cannot be combined, before anything is opened."""
    if run.is_headless:
        if run.as_json and run.as_jsonl:
            raise UsageError("--json and --jsonl cannot be combined")
        return
    given = {
        "--jsonl": run.as_jsonl,
        "--json": run.as_json,
        "--until": run.until is not None,
        "--timeout": run.timeout_s is not None,
        "--lint": run.lints,
    }
    for name, is_given in given.items():
        if is_given:
            raise UsageError(f"{name} needs --headless")
    need_terminal("add --headless, and --jsonl for a stream that programs can read")
    collector.pause()


def _run(launch: SessionLauncher, engine: Engine, run: RunOptions) -> int:
    import asyncio

    if run.is_headless:
        from inspector.cli.headless import Bounds, HeadlessRun, Shown

        shown = Shown.STREAM if run.as_jsonl else Shown.SUMMARY if run.as_json else Shown.ROWS
        if engine.recording.path is not None:
            say(f"recording to {engine.recording.path}")
        bounds = Bounds(run.until or "", run.timeout_s)
        found = 0
        try:
            status = asyncio.run(HeadlessRun(engine, bounds, shown).run())
        finally:
            if run.lints and engine.recording.path is not None:
                from inspector.cli.linting import say_findings

                found = say_findings([engine.recording.path])
        return status or found
    return asyncio.run(show_session(launch, engine))

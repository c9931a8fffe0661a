"""The command-line application: all commands with their examples. Each command has its own module, which imports its code on use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer
from typer.core import TyperCommand

from inspector import __version__
from inspector.cli.commands import (
    cat,
    cost,
    diff,
    doctor,
    export,
    import_,
    keys,
    lint,
    paths,
    proxy,
    send,
    serve,
    sessions,
    sound,
    stats,
    turns,
    vad,
)
from inspector.cli.printing import write_line
from inspector.cli.screens import show_home
from inspector.cli.text_command import TextCommand

# ``\b`` on a line of its own keeps click from rewrapping the paragraph after it.
HELP = """See, steer, record and replay sessions of the OpenAI Realtime API.

Without a command: the home screen.

\b
Examples:
  inspector sim                                   try everything; no key, no network
  inspector live --model gpt-realtime             needs OPENAI_API_KEY
  inspector live --url ws://127.0.0.1:8080        any server that speaks the protocol
  inspector replay session.jsonl                  look at a recording
  inspector sim --headless --jsonl --timeout 5    events as JSON lines
  echo '{"type":"response.create"}' | inspector send - --sim --until response.done

\b
Exit status: 0 ok, 1 findings, 2 usage, 3 cannot connect or not authorised, 4 bad input file,
5 the session ended in a server error, 70 an internal error, 74 a file cannot be written,
124 timeout, 130 interrupted.
"""

COMMANDS: tuple[tuple[Callable[..., None], tuple[str, ...]], ...] = (
    (
        sessions.sim,
        (
            "inspector sim",
            "inspector sim --session session.json -o try.jsonl",
            "inspector sim --headless --jsonl --until session.created",
            "inspector sim --brain http://127.0.0.1:11434/v1 --brain-model llama3.2",
        ),
    ),
    (
        sessions.live,
        (
            "inspector live",
            "inspector live --profile azure --model my-deployment",
            "inspector live --url ws://127.0.0.1:8080",
            "inspector live --call-id rtc_u1_abc",
            "inspector live --headless --jsonl --until response.done --timeout 30",
        ),
    ),
    (
        sessions.replay,
        (
            "inspector replay sessions/example-truncated-answer.jsonl",
            "inspector cat FILE           the same without a screen",
        ),
    ),
    (
        serve.serve,
        (
            "inspector serve --listen 127.0.0.1:8899",
            "inspector serve --allow-origin http://localhost:3000",
            "inspector serve --require-key                    refuse requests without a key",
        ),
    ),
    (
        proxy.proxy,
        (
            "inspector proxy                                  then OPENAI_BASE_URL=http://127.0.0.1:8899/v1",
            "inspector proxy --upstream https://NAME.openai.azure.com",
            "inspector proxy --upstream sim",
            "inspector proxy --rules faults.toml",
            "inspector proxy --headless -o recordings --max-sessions 1 --timeout 60",
        ),
    ),
    (
        send.send,
        (
            "inspector send events.jsonl --until response.done --timeout 30",
            'echo \'{"type":"response.create"}\' | inspector send - --sim --until response.done',
            "inspector send - --url ws://127.0.0.1:8080 -o try.jsonl < events.jsonl",
        ),
    ),
    (
        cat.cat,
        (
            "inspector cat session.jsonl",
            "inspector cat session.jsonl --no-deltas --filter 'dir:server err'",
            "inspector cat session.jsonl --jsonl | jq .type",
            "inspector cat session.jsonl --raw > frames.jsonl",
        ),
    ),
    (
        lint.lint,
        (
            "inspector lint session.jsonl",
            "inspector lint recordings/*.jsonl --fail-on error",
            "inspector lint recordings/*.jsonl --baseline known.json",
            "inspector lint session.jsonl --json | jq '.recordings[].findings[] | {rule, text}'",
            "inspector lint session.jsonl --sarif > findings.sarif",
            "inspector lint --explain tool-result-unspoken",
        ),
    ),
    (
        turns.turns,
        (
            "inspector turns session.jsonl",
            "inspector turns session.jsonl --json | jq '.recordings[].turns[] | {turn, voice_to_voice_ms, waited_for}'",
            "inspector turns --explain endpointing",
        ),
    ),
    (
        stats.stats,
        (
            "inspector stats sessions/*.jsonl --by model",
            "inspector stats sessions/*.jsonl --by day --csv > latency.csv",
        ),
    ),
    (
        sound.sound,
        (
            "inspector sound session.jsonl",
            "inspector sound session.jsonl --json | jq '.recordings[].echo'",
            "inspector sound --explain jitter",
        ),
    ),
    (
        vad.vad,
        (
            "inspector vad session.jsonl --silence 400",
            "inspector vad session.jsonl --threshold 0.6 --silence 300 --json | jq '.recordings[].outcome.words'",
            "inspector vad session.jsonl --sweep",
        ),
    ),
    (
        cost.cost,
        (
            "inspector cost session.jsonl",
            "inspector cost recordings/*.jsonl --json | jq .total.usd",
            "inspector cost session.jsonl --csv > cost.csv",
            "inspector cost session.jsonl --explain cost           the formula of every response",
            "inspector cost --explain rebilled                     what a number means",
        ),
    ),
    (
        diff.diff,
        (
            "inspector diff yesterday.jsonl today.jsonl",
            "inspector diff before.jsonl after.jsonl --latency-over 10 --cost-over 20",
            "inspector diff before.jsonl after.jsonl --json | jq '.settings[] | {path, a, b}'",
        ),
    ),
    (
        export.export,
        (
            "inspector export session.jsonl --to wav",
            "inspector export session.jsonl --to wav --what heard -o heard.wav",
            "inspector export session.jsonl --to wav --what items -o items",
            "inspector export session.jsonl --to wav -o - | ffplay -",
            "inspector export session.jsonl --to text",
        ),
    ),
    (
        import_.import_,
        (
            "inspector import app.log -o session.jsonl",
            "inspector import chrome.har mitmproxy.flows -o sessions/",
            "kubectl logs my-pod | inspector import -",
            "inspector import app.log --json | jq '.imports[].inferred'",
        ),
    ),
    (
        doctor.doctor,
        (
            "inspector doctor",
            "inspector doctor --json | jq '.checks[] | select(.status != \"ok\")'",
        ),
    ),
    (
        keys.keys,
        (
            "inspector keys",
            "inspector keys --json | jq -r '.keys[] | select(.does == \"truncate\") | .id'",
        ),
    ),
    (
        paths.paths,
        (
            "inspector paths",
            "inspector paths --json | jq -r .sessions",
        ),
    ),
)
"""All commands with their examples, in the order of help. A command is named like its function; ``import`` is a keyword."""
CLASSES: Mapping[Callable[..., None], type[TyperCommand]] = {serve.serve: serve.ServeCommand}
"""Commands that need their own parsing of arguments."""


def command_name(command: Callable[..., None]) -> str:
    """Return the name of a command: that of its function, which has an underscore where the name is a keyword."""
    return command.__name__.removesuffix("_")


def parser_of(arguments: Sequence[str]) -> typer.Typer:
    """Return the parser of a command line: of its command alone if the first argument names one, else of all.

    Typer takes longer to read the signatures of all commands than most of them take to run.
    """
    parser = typer.Typer(
        name="inspector",
        add_completion=False,
        # Plain help and errors: rich takes long to import, and square brackets in examples are not markup.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    parser.callback(invoke_without_command=True, help=HELP)(_home)
    named = [entry for entry in COMMANDS if command_name(entry[0]) == next(iter(arguments), None)]
    for command, examples in named or COMMANDS:
        shown = "\n".join(f"  {example}" for example in examples)
        parser.command(
            command_name(command),
            cls=CLASSES.get(command, TextCommand),
            epilog=f"\b\nExamples:\n{shown}",
        )(command)
    return parser


def _print_version(is_requested: bool) -> None:
    if is_requested:
        write_line(f"realtime-inspector {__version__}")
        raise typer.Exit


def _home(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - the callback has done the work
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Open the home screen when no command is given."""
    if context.invoked_subcommand is None:
        raise typer.Exit(show_home())

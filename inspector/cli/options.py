"""Options that several commands share, declared once."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from inspector.errors import UsageError
from inspector.spec.dialects import SPOKEN


def finite(seconds: float | None) -> float | None:
    """Return a number of seconds.

    Raises:
        typer.BadParameter: the value is not a finite number (``float`` also accepts ``nan`` and ``1e400``).
    """
    if seconds is not None and not math.isfinite(seconds):
        raise typer.BadParameter(f"{seconds} is not a number of seconds")
    return seconds


Recordings = Annotated[
    list[str] | None, typer.Argument(metavar="FILE|-…", help="Recordings; - is stdin.")
]
"""Optional, because ``--explain`` needs none; ``required`` checks the other cases."""


def required(recordings: list[str] | None, command: str) -> list[str]:
    """Return the recordings of a command.

    Raises:
        UsageError: none is given.
    """
    if not recordings:
        raise UsageError("no recording is given", hint=f"inspector {command} FILE…")
    return recordings


OutputOption = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Record to FILE (default: a new file in the sessions folder).",
    ),
]
Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Server: a URL, a base URL, or HOST[:PORT]."),
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="Model, or deployment on Azure.")
]
ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="A profile in the configuration file, or a provider: openai, azure, xai, qwen, custom (default: by the URL's host).",
    ),
]
CallId = Annotated[
    str | None,
    typer.Option(
        "--call-id", metavar="rtc_…", help="Observe the running WebRTC or SIP call with this id."
    ),
]
Intent = Annotated[
    str | None,
    typer.Option("--intent", metavar="NAME", help="Kind of session, e.g. transcription."),
]
SessionFile = Annotated[
    Path | None,
    typer.Option(
        "--session", metavar="FILE", help="Send this session (JSON) first, as a session.update."
    ),
]
Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--header", metavar="K=V", help="Send this header with the upgrade; may be repeated."
    ),
]
Beta = Annotated[
    bool, typer.Option("--beta", help="Request the old beta protocol (OpenAI rejects it).")
]
InSubprotocol = Annotated[
    bool,
    typer.Option(
        "--browser-auth",
        help="Send the key in a subprotocol, as browsers must, instead of a header.",
    ),
]
KeyEnv = Annotated[
    str | None,
    typer.Option("--key-env", metavar="NAME", help="Read the key from this environment variable."),
]
KeyFile = Annotated[
    str | None, typer.Option("--key-file", metavar="FILE", help="Read the key from this file.")
]
ConnectTimeout = Annotated[
    float,
    typer.Option(
        "--connect-timeout",
        metavar="S",
        min=0.1,
        callback=finite,
        help="Stop connecting after S seconds.",
    ),
]
Theme = Annotated[str | None, typer.Option("--theme", metavar="NAME", help="Theme of the screen.")]
Headless = Annotated[bool, typer.Option("--headless", help="No screen: print events on stdout.")]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="TYPE",
        help="Headless: end after an event of this type; globs like 'response.*' are allowed.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="S",
        min=0,
        callback=finite,
        help="Headless: end after S seconds, with exit status 124.",
    ),
]
Lint = Annotated[
    bool,
    typer.Option(
        "--lint",
        help="Headless: end with what is wrong in the recording; exit status 1 if anything is.",
    ),
]
JsonlOption = Annotated[
    bool, typer.Option("--jsonl", help="Print a stream: one JSON object per event.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, the names of the columns first.")]
NoSound = Annotated[
    bool,
    typer.Option(
        "--no-sound",
        help="Do not listen to the audio: faster, but without the end of speech and the first audible sample.",
    ),
]


def _known_detector(name: str | None) -> str | None:
    if name is not None and name not in DETECTORS:
        raise typer.BadParameter(f"'{name}' is none of {', '.join(DETECTORS)}")
    return name


DETECTORS = ("energy", "webrtc", "silero")
"""What tells the user's speech from silence: loudness, the same everywhere, or a detector of the extra ``voice`` as well."""
Vad = Annotated[
    str,
    typer.Option(
        "--vad",
        metavar="NAME",
        callback=_known_detector,
        help="What finds the end of the user's speech: energy (loudness alone), webrtc or silero (of the extra voice).",
    ),
]
TrialVad = Annotated[
    str | None,
    typer.Option(
        "--vad",
        metavar="NAME",
        callback=_known_detector,
        help="What gives the probability of speech: silero, webrtc (both of the extra voice) or energy; default: the first installed.",
    ),
]
Explain = Annotated[
    str | None,
    typer.Option("--explain", metavar="NAME", help="Print what a figure means, e.g. endpointing."),
]
SeedOption = Annotated[
    int, typer.Option("--seed", metavar="N", help="Seed of the simulator's random numbers.")
]


ScenarioOption = Annotated[
    str | None,
    typer.Option(
        "--scenario",
        metavar="FILE|NAME",
        help="Play a scenario in the simulator: a TOML file, or the name of a shipped one.",
    ),
]
FaultsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="NAME[@TURN]",
        help="Inject a fault as soon as possible, or in the nth response; may be repeated.",
    ),
]


BrainOption = Annotated[
    str | None,
    typer.Option(
        "--brain",
        metavar="URL",
        help="Let a model answer for the simulator: an OpenAI-compatible endpoint, e.g. http://127.0.0.1:11434/v1 for Ollama.",
    ),
]
BrainModelOption = Annotated[
    str | None,
    typer.Option("--brain-model", metavar="NAME", help="Model to use at the --brain endpoint."),
]
BrainKeyEnvOption = Annotated[
    str | None,
    typer.Option(
        "--brain-key-env",
        metavar="NAME",
        help="Read the key for --brain from this environment variable.",
    ),
]


def _known_dialect(name: str | None) -> str | None:
    if name is None:
        return None
    if name not in SPOKEN:
        raise typer.BadParameter(f"'{name}' is not one of {', '.join(SPOKEN)}")
    return name


DialectOption = Annotated[
    str | None,
    typer.Option(
        "--dialect",
        metavar="NAME",
        callback=_known_dialect,
        help=f"Dialect of the server: {', '.join(SPOKEN[:-1])} or {SPOKEN[-1]}.",
    ),
]
MicOption = Annotated[
    str | None,
    typer.Option(
        "--mic",
        metavar="DEVICE|FILE.wav|none",
        help="Use a microphone (name, part of it, index or 'default'), or play a sound file in real time, then silence.",
    ),
]
SpeakerOption = Annotated[
    str | None,
    typer.Option(
        "--speaker",
        metavar="DEVICE|FILE.wav|none",
        help="Play on a speaker, or write what is heard, including silence, to a new FILE.wav; none: no output, but the same timing.",
    ),
]
AppendMsOption = Annotated[
    int,
    typer.Option(
        "--append-ms",
        metavar="MS",
        min=20,
        max=100,
        help="Duration of one append of microphone audio.",
    ),
]
NoAutoTruncateOption = Annotated[
    bool,
    typer.Option(
        "--no-auto-truncate",
        help="Do not truncate the answer when the user speaks over it.",
    ),
]

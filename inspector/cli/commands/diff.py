"""``inspector diff``: print what differs between two recorded sessions."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from inspector.cli import options
from inspector.errors import UsageError


def _percent(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a percentage")
    return value


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="The earlier recording; - is stdin.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The later recording; - is stdin.")],
    json: options.JsonOption = False,
    no_sound: options.NoSound = False,
    latency_over: Annotated[
        float | None,
        typer.Option(
            "--latency-over",
            metavar="PERCENT",
            min=0,
            callback=_percent,
            help="Exit with 1 if the median wait of B is longer by more than this, or cannot be compared.",
        ),
    ] = None,
    cost_over: Annotated[
        float | None,
        typer.Option(
            "--cost-over",
            metavar="PERCENT",
            min=0,
            callback=_percent,
            help="Exit with 1 if B costs more by more than this, or either has no price.",
        ),
    ] = None,
) -> None:
    """Print what differs between two sessions; exit 1 if settings, texts, tools, the order of events or findings do.

    Turns are compared with the turn in which the user said the same, or nearly. Ids and times are not compared. Latency and cost
    are shown; they differ in any two sessions, and fail only with a limit.
    """
    if a == b == "-":
        raise UsageError("only one of the two recordings can be stdin")

    from inspector.cli import comparing

    limits = comparing.RiseLimits(latency_over, cost_over)
    raise typer.Exit(comparing.print_comparison(a, b, limits, as_json=json, has_sound=not no_sound))

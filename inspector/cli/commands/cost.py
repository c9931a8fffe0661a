"""``inspector cost``: print what recordings cost, per response, with the formula behind each number."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inspector.cli import options
from inspector.errors import UsageError
from inspector.spec.dialects import ZONES


def cost(
    files: options.Recordings = None,
    json: options.JsonOption = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print a stream: one JSON object per charge.")
    ] = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print comma-separated values, one row per charge.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="NAME",
            help="Explain a number (cost, cached, rebilled, …), or print the formula of a response, given by its id or event number.",
        ),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option("--zone", metavar="NAME", help=f"Azure's zone: {', '.join(ZONES)}."),
    ] = None,
    price_as: Annotated[
        str | None,
        typer.Option(
            "--price-as",
            metavar="MODEL",
            help="Use this model's prices, for a deployment with another name.",
        ),
    ] = None,
) -> None:
    """Print what recordings cost: tokens, money, what was cached, what was billed again, and what invalidated the cache."""
    if json + jsonl + csv > 1:
        raise UsageError("--json, --jsonl and --csv cannot be combined")
    if zone is not None and zone not in ZONES:
        raise UsageError(f"unknown zone {zone!r}", hint=f"choose one of {', '.join(ZONES)}")
    if not files and explain is None:
        raise UsageError("no recording is given", hint="inspector cost FILE…")

    from inspector.cli.costing import CostForm, explain_cost, print_costs
    from inspector.price_file import read_price_table

    prices = read_price_table()
    paths = [None if file == "-" else Path(file) for file in files or ()]
    if paths.count(None) > 1:
        raise UsageError("stdin can be read only once")
    form = next(
        (form for form, is_asked in zip(CostForm, (json, jsonl, csv), strict=False) if is_asked),
        CostForm.TABLE,
    )
    if explain is not None:
        status = explain_cost(
            explain, paths, prices, zone or "", price_as or "", as_json=json or jsonl
        )
    else:
        status = print_costs(paths, form, prices, zone or "", price_as or "")
    raise typer.Exit(status)

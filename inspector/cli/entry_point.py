"""The outermost layer: runs one command line, prints its error, and returns its exit status. No traceback gets out.

Exit statuses: 0 ok · 1 findings or differences · 2 usage · 3 cannot connect or not authorised · 4 bad input file ·
5 the session ended in a server error · 70 a bug in the program · 74 a file or stdout cannot be written · 124 timeout ·
130 interrupted (SIGINT or SIGTERM) · 141 the reader of stdout is gone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from inspector.cli.printing import EXIT_BROKEN_PIPE, OutputFailed, ReaderGone, flush, print_error
from inspector.cli.screens import show_home, show_replay
from inspector.errors import EXIT_FAULT, EXIT_INTERRUPTED, InspectorError


def run(arguments: Sequence[str]) -> int:
    """Run a command line, print its error if any, and return the exit status."""
    options = list(arguments)
    options = options[: options.index("--")] if "--" in options else options
    as_json = "--json" in options or "--jsonl" in options
    try:
        status = _run(arguments)
        flush()
    except OutputFailed as error:
        _discard_output()
        print_error(error.code, error.message, error.hint, as_json=as_json)
        status = error.exit_code
    except InspectorError as error:
        print_error(error.code, error.message, error.hint, as_json=as_json)
        status = error.exit_code
    except ReaderGone:
        _discard_output()
        status = EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the top of the program: the user gets a line and a report file
        names = {base.__name__ for base in type(error).__mro__}
        expected = _expected(error)
        if expected is not None:
            print_error(expected.code, expected.message, expected.hint, as_json=as_json)
            status = expected.exit_code
        elif "Abort" in names:
            status = EXIT_INTERRUPTED
        elif names & _PARSER_ERRORS:
            status = _usage_error(error, as_json=as_json)
        else:
            status = _fault(error, as_json=as_json)
    return status


_PARSER_ERRORS = {"TyperException", "ClickException"}
"""Compared by name: newer Typer brings its own copy of click, older ones use the real one, and neither may be imported here."""


def _run(arguments: Sequence[str]) -> int:
    # The two most common screens bypass the parser: importing it takes as long as the screen itself.
    if not arguments:
        return show_home()
    if len(arguments) == 2 and arguments[0] == "replay" and not arguments[1].startswith("-"):
        return show_replay(Path(arguments[1]))
    import typer

    from inspector.cli.command_tree import parser_of

    command = typer.main.get_command(parser_of(arguments))
    result = command.main(args=list(arguments), prog_name="inspector", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _expected(error: BaseException) -> InspectorError | None:
    """Return the error behind a task group's failure if every error in it is an ``InspectorError``."""
    if isinstance(error, BaseExceptionGroup):
        found = [_expected(one) for one in error.exceptions]
        return found[0] if all(found) else None
    return error if isinstance(error, InspectorError) else None


def _usage_error(error: BaseException, *, as_json: bool) -> int:
    click_error = cast("Any", error)
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "inspector"
    text = click_error.format_message() or "a command is missing"
    print_error(
        "usage", text[:1].lower() + text[1:].rstrip("."), f"see {command} --help", as_json=as_json
    )
    return 2


def _fault(error: Exception, *, as_json: bool) -> int:
    from inspector.cli.crash_log import write_crash

    where = write_crash(error)
    hint = f"details are in {where}" if where is not None else "details could not be written"
    print_error(
        "fault",
        f"this is a bug in the inspector: {type(error).__name__}",
        hint,
        as_json=as_json,
        # The message names only the type: the error's text may hold a secret.
    )
    return EXIT_FAULT


def _discard_output() -> None:
    """Redirect stdout to nothing, so that the interpreter's flush at exit does not fail on a closed pipe."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)

"""Printing: data to stdout, messages to stderr, and nothing from the wire that a terminal would act on."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from inspector.analysis.ascii_fallbacks import ascii_text, terminal_encoding
from inspector.analysis.combining import bounded
from inspector.analysis.sanitize import sanitized
from inspector.errors import EXIT_CANNOT_WRITE, InspectorError

SCHEMA = 1
"""Version of the JSON objects and streams, as printed in ``schema``."""
EXIT_BROKEN_PIPE = 141
"""The status that a shell reports for a program ended by SIGPIPE."""

# Characters that JSON allows in strings and a terminal may act on or hide: DEL, C1 controls, bidirectional marks, zero-width
# characters. The joiners U+200C and U+200D are allowed: the spelling of some languages needs them.
_UNSAFE_IN_JSON = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def escaped_json(line: bytes) -> bytes:
    r"""Return a JSON text of the same meaning in which everything that a terminal acts on is a ``\u`` escape.

    JSON itself forbids only C0 controls inside strings; DEL and C1 controls could still steer a terminal.
    """
    if line.isascii() and b"\x7f" not in line:
        return line
    text = line.decode("utf-8", "replace")
    return bounded(
        _UNSAFE_IN_JSON.sub(lambda found: _escape_json(found.group()), text), _escape_json
    ).encode()


def to_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout.isatty()


def use_colour() -> bool:
    """Return whether to print in colour: on a terminal that is not dumb, without ``NO_COLOR``."""
    return to_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class OutputFailed(InspectorError):
    """Stdout cannot be written, for example because the disk is full."""

    code = "cannot_write"
    exit_code = EXIT_CANNOT_WRITE


class ReaderGone(Exception):
    """The reader of stdout has closed it. Not an ``OSError``, on which Typer would exit with status 1 itself."""


def write_bytes(data: bytes) -> None:
    """Write raw bytes to stdout.

    Raises:
        ReaderGone: stdout was closed by its reader.
        OutputFailed: stdout cannot be written.
    """
    rest = memoryview(data)
    try:
        while rest:  # with PYTHONUNBUFFERED this is a raw file, whose write may be partial
            rest = rest[sys.stdout.buffer.write(rest) :]
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise OutputFailed(f"cannot write to stdout: {error.strerror}") from error


def write_json(text: bytes) -> None:
    """Write JSON to stdout, escaped for a terminal, else verbatim.

    Raises:
        ReaderGone: stdout was closed by its reader.
        OutputFailed: stdout cannot be written.
    """
    write_bytes(escaped_json(text) if to_terminal() else text)


def write_line(text: str) -> None:
    """Write a line of text to stdout; in ASCII if the locale lacks a character."""
    encoding = _encoding(sys.stdout)
    write_bytes(_shown_in(text, encoding).encode(encoding, "backslashreplace") + b"\n")


def write_object(data: Mapping[str, Any]) -> None:
    """Write one JSON object as a line, with ``schema``."""
    import orjson

    body = {"schema": SCHEMA, **data}
    try:
        line = orjson.dumps(body, default=str)
    except TypeError:  # the name of a file that is not UTF-8: its bytes become escapes
        line = json.dumps(body, default=str).encode()
    write_json(line + b"\n")
    flush()


def is_utf8(text: str) -> bool:
    """Return whether a text is valid Unicode: arguments and file names may contain any bytes, as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encodable(text: str) -> str:
    """Return a text with lone surrogates escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def flush() -> None:
    """Flush stdout.

    Raises:
        ReaderGone: stdout was closed by its reader.
        OutputFailed: stdout cannot be written.
    """
    try:
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise OutputFailed(f"cannot write to stdout: {error.strerror}") from error


def with_schema(line: bytes) -> bytes:
    """Return the line of a recording as a line of a stream: with ``schema`` first, the rest verbatim."""
    return b'{"schema":%d,' % SCHEMA + line[1:]


def say(text: str) -> None:
    """Write a line of text to stderr."""
    with contextlib.suppress(OSError):  # stderr may be closed
        print(_shown_in(sanitized(text), _encoding(sys.stderr)), file=sys.stderr, flush=True)  # noqa: T201 - the only place that prints messages


def print_error(code: str, message: str, hint: str, *, as_json: bool) -> None:
    """Write an error to stderr, as text or as one JSON object."""
    if as_json:
        import orjson

        message, hint = _encodable(sanitized(message)), _encodable(sanitized(hint))
        error = {"error": {"code": code, "message": message, "hint": hint}}
        say(orjson.dumps(error).decode())
        return
    say(f"inspector: {message}")
    if hint:
        say(f"  {hint}")


def _encoding(stream: TextIO) -> str:
    is_utf8_mode = bool(sys.flags.utf8_mode)
    return terminal_encoding(stream.encoding or "utf-8", os.environ, is_utf8_mode=is_utf8_mode)


def _shown_in(text: str, encoding: str) -> str:
    """Return a text in an encoding's characters: unchanged, or with ASCII replacements."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return ascii_text(text)
    return text


def _escape_json(character: str) -> str:
    units = character.encode(
        "utf-16-be"
    )  # JSON escapes a character beyond U+FFFF as its two surrogates
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

"""What the commands print: data on stdout, words on stderr, and no bytes from the wire that a terminal would obey."""

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
"""Version of every JSON object and stream printed."""
EXIT_FAULT = 70
"""EX_SOFTWARE of sysexits.h."""
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
"""What a shell reports for a program that SIGPIPE ended."""

# What JSON lets stand in a string and a terminal may obey or hide: DEL, C1 controls, marks that turn the writing direction,
# characters without width. The joiners U+200C and U+200D stay: words of some languages are spelled with them.
_UNSAFE_IN_JSON = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def escaped_json(line: bytes) -> bytes:
    r"""Return a JSON text with the same meaning and nothing that a terminal obeys: that becomes ``\u`` escapes.

    JSON itself forbids only C0 inside strings; DEL and the C1 controls could still steer a terminal.
    """
    if line.isascii() and b"\x7f" not in line:
        return line
    text = line.decode("utf-8", "replace")
    return bounded(
        _UNSAFE_IN_JSON.sub(lambda found: _escape_json(found.group()), text), _escape_json
    ).encode()


def to_terminal() -> bool:
    """Tell whether stdout is a terminal."""
    return sys.stdout.isatty()


def use_colour() -> bool:
    """Tell whether stdout may have colour: a terminal that is not dumb, and no ``NO_COLOR``."""
    return to_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class OutputFailed(InspectorError):
    """Stdout takes nothing more: a full disk, say."""

    code = "cannot_write"
    exit_code = EXIT_CANNOT_WRITE


class ReaderGone(Exception):
    """Whoever read our stdout has closed it. Not an ``OSError``: the parser would leave with status 1 on its own."""


def write_bytes(data: bytes) -> None:
    """Write raw bytes to stdout.

    Raises:
        ReaderGone: nobody reads any more.
        OutputFailed: it cannot be written.
    """
    rest = memoryview(data)
    try:
        while rest:  # with PYTHONUNBUFFERED this is a raw file, which may take a part
            rest = rest[sys.stdout.buffer.write(rest) :]
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise OutputFailed(f"cannot write to stdout: {error.strerror}") from error


def write_json(text: bytes) -> None:
    """Write JSON to stdout: verbatim, or harmless where stdout is a terminal.

    Raises:
        ReaderGone: nobody reads any more.
        OutputFailed: it cannot be written.
    """
    write_bytes(escaped_json(text) if to_terminal() else text)


def write_line(text: str) -> None:
    """Write a line of text to stdout; where the locale cannot show it, in ASCII."""
    encoding = _encoding(sys.stdout)
    write_bytes(_shown_in(text, encoding).encode(encoding, "backslashreplace") + b"\n")


def write_object(data: Mapping[str, Any]) -> None:
    """Write one JSON object as a line, with the schema's version."""
    import orjson

    body = {"schema": SCHEMA, **data}
    try:
        line = orjson.dumps(body, default=str)
    except TypeError:  # the name of a file that is not UTF-8: its bytes become escapes
        line = json.dumps(body, default=str).encode()
    write_json(line + b"\n")
    flush()


def is_utf8(text: str) -> bool:
    """Tell whether a text can be encoded: one of the command line, or the name of a file, may hold any bytes as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encodable(text: str) -> str:
    """Return a text with what is no UTF-8 in it written out."""
    return text.encode("utf-8", "backslashreplace").decode()


def flush() -> None:
    """Hand everything written so far to the reader.

    Raises:
        ReaderGone: nobody reads any more.
        OutputFailed: it cannot be written.
    """
    try:
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise OutputFailed(f"cannot write to stdout: {error.strerror}") from error


def with_schema(line: bytes) -> bytes:
    """Return a line of a recording as a line of a stream: the schema's version in front, the rest verbatim."""
    return b'{"schema":%d,' % SCHEMA + line[1:]


def say(text: str) -> None:
    """Write a line of words to stderr."""
    with contextlib.suppress(OSError):  # stderr is closed: nobody to tell
        print(_shown_in(sanitized(text), _encoding(sys.stderr)), file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints words


def print_error(code: str, message: str, hint: str, *, as_json: bool) -> None:
    """Write an error to stderr, as words or as one JSON object."""
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
    """Return a text that an encoding has the characters for: itself, or its nearest in ASCII."""
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

"""Reconnects: which recordings are connections of one app, one soon after the other.

A recording says of its app only where it connected, for which model, through what, and with which library: that is what two
connections of one app have in common. Keys are never stored, so two apps that are alike in all of these look like one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inspector.core.read import object_at, text_at
from inspector.core.units import NS_PER_S
from inspector.errors import RecordingError
from inspector.recording.format import Header, parse_header
from inspector.recording.reader import RecordingReader

RECONNECT_S = 600
"""An app that lost its connection is back within minutes."""
NEIGHBOURS = 100
"""Recordings looked at on either side, in the order of names, which begin with the time unless the user chose others."""
HEADER_BYTES = 4096
"""More than a header has; an address may be long."""
FIRST_EVENT_BYTES = 1 << 16
"""More than the event with the handshake has."""


@dataclass(frozen=True, slots=True)
class RecordedConnection:
    """A connection as far as its recording identifies the app."""

    header: Header
    """Of the recording."""
    agent: str
    """``User-Agent`` of the app; ``""`` if the recording does not contain it."""


def connection_in(reader: RecordingReader) -> RecordedConnection:
    """Return the connection of a recording.

    Raises:
        RecordingError: the disk does not give the bytes.
    """
    line, _, _ = reader.part(FIRST_EVENT_BYTES, reader.start).partition(b"\n")
    event = reader.decode(line, 0)
    sent = (
        object_at(event.body or {}, "request_headers") if event.type == "inspector.opened" else {}
    )
    agents = (text_at(sent, name) for name in sent if name.lower() == "user-agent")
    return RecordedConnection(reader.header, next(agents, ""))


def is_reconnect(before: RecordedConnection, lasted_ns: int, after: RecordedConnection) -> bool:
    """Return whether a connection is of the same app as another one, and begins soon after it.

    Args:
        before: the other one.
        lasted_ns: length of the other one.
        after: the connection.
    """
    gap_s = _gap_s(before.header, after.header)
    if gap_s is None or not _is_same_app(before.header, after.header):
        return False
    is_other_library = bool(before.agent and after.agent) and before.agent != after.agent
    return not is_other_library and 0 <= gap_s - lasted_ns / NS_PER_S <= RECONNECT_S


def connection_before(path: Path) -> Iterator[Path | None]:
    """Yield the recording of the connection before, from the same folder, at last; None for each file that was looked at.

    Args:
        path: of a recording.
    """
    after = _connection_at(path)
    if after is None:
        return
    header = after.header
    found: list[tuple[float, Path]] = []
    for neighbour in _neighbours(path):
        yield None
        before = _header_of(neighbour)
        gap_s = None if before is None else _gap_s(before, header)
        if before is not None and gap_s is not None and gap_s > 0 and _is_same_app(before, header):
            found.append((gap_s, neighbour))
    # The nearest that has ended by then; connections of the same app may overlap.
    for _, candidate in sorted(found):
        yield None
        if _continues(candidate, after):
            yield candidate
            return


def _is_same_app(one: Header, other: Header) -> bool:
    return _app_of(one) == _app_of(other)


def _app_of(header: Header) -> tuple[str, str, str]:
    return header.source, header.url.partition("?")[0], header.model


def _gap_s(before: Header, header: Header) -> float | None:
    """Return the seconds between the beginnings of two recordings; None if a time is unknown."""
    try:
        begun = datetime.fromisoformat(header.started_at)
        return (begun - datetime.fromisoformat(before.started_at)).total_seconds()
    except (ValueError, TypeError):  # no time, or one with a zone and one without
        return None


def _neighbours(path: Path) -> list[Path]:
    """Return the files nearest to a recording in the order of names."""
    try:
        files = sorted(one for one in path.absolute().parent.iterdir() if one.suffix == path.suffix)
    except OSError:
        return []
    here = next((at for at, one in enumerate(files) if one.name == path.name), 0)
    return [*files[max(0, here - NEIGHBOURS) : here], *files[here + 1 : here + 1 + NEIGHBOURS]]


def _header_of(path: Path) -> Header | None:
    try:
        if not path.is_file():  # opening a pipe would wait for its writer
            return None
        with path.open("rb") as file:
            return parse_header(file.readline(HEADER_BYTES))
    except (OSError, RecordingError):
        return None


def _connection_at(path: Path) -> RecordedConnection | None:
    try:
        with closing(RecordingReader(path)) as reader:
            return connection_in(reader)
    except RecordingError:
        return None


def _continues(before: Path, after: RecordedConnection) -> bool:
    """Return whether a connection continues that of a recording."""
    try:
        with closing(RecordingReader(before)) as reader:
            last_us = reader.last_t_us()
            is_known = last_us is not None
            return is_known and is_reconnect(connection_in(reader), (last_us or 0) * 1000, after)
    except RecordingError:
        return False

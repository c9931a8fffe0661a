"""ImportRun: what an importer finds, written as an ordinary recording, and the summary of it.

Directions that the file does not state follow from the event types, and are counted. Times get one origin. Secrets are taken out
before anything is written.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from inspector import __version__
from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.core.session_fold import SESSION_TYPES, SessionFold
from inspector.errors import RecordingError
from inspector.importing.cleaning import Cleaner
from inspector.importing.directions import known_direction
from inspector.importing.found import (
    Found,
    FoundClosing,
    FoundFrame,
    FoundOpening,
    ImportNotes,
)
from inspector.importing.import_summary import ImportSummary
from inspector.importing.importers import importer_for
from inspector.importing.moments import Kind, TimeLine, are_milliseconds
from inspector.importing.refusal import refusal_by_head, refusal_of
from inspector.importing.source_file import SourceFile
from inspector.recording.format import Header, render, render_frame, render_header

LOOKED_AHEAD = 512
"""Events that are looked at before the first is written: the header has the first time, and their distances show its unit."""
LOOKED_AHEAD_BYTES = 8 << 20
BOTH_WAYS = frozenset({"session.input_audio.append"})
"""Types of both directions: a sideband gets the client's audio from the server."""
WRITE_BYTES = 1 << 20
"""Bytes written at a time."""

HINT = (
    "what can be imported: logs, JSON, HAR, mitmproxy flows, CSV and YAML with events of the Realtime API; "
    "see inspector import --help"
)


class ImportRun:
    """One import of one file."""

    def __init__(self, source: SourceFile, write: Callable[[bytes], object]) -> None:
        """Prepare an import.

        Args:
            source: the foreign file.
            write: called with parts of the recording.
        """
        self.lines = array("Q")
        """Line of the file for each event, from 1; 0 if unknown."""
        self._source = source
        self._write = write
        self._notes = ImportNotes()
        self._cleaner = Cleaner()
        self._times = TimeLine()
        self._session = SessionFold()
        self._summary = ImportSummary(str(source.path))
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._seq = 0
        self._frames = 0
        """Frames of the current session."""

    def run(self) -> ImportSummary:
        """Import the file.

        Raises:
            RecordingError: it contains no session, or cannot be read.
        """
        what = refusal_by_head(self._source.head())
        if what:
            raise _refused(self._source, what)
        importer = importer_for(self._source)
        self._summary.structure = importer.name
        found = importer.read(self._source, self._notes)
        first = list(_ahead(found))
        if not any(isinstance(one, FoundFrame) for one in first):
            raise _refused(self._source, refusal_of(self._source.head(), self._notes))
        self._begin(first)
        for each in first:
            self._take(each)
        del first
        for each in found:
            self._take(each)
        self._flush()
        return self._summed_up()

    def _begin(self, first: list[Found]) -> None:
        """Write the header, for which the first events are looked at."""
        self._times.is_ms = _are_ms(first)
        opening = next((one for one in first if isinstance(one, FoundOpening)), None)
        url = ""
        if opening is not None:
            self._cleaner.learn(opening.request_headers, opening.url)
            url = Cleaner().url(opening.url)
        timed = next((one.time for one in first if one.time is not None), None)
        started = TimeLine(first=timed).started_at
        self._write(render_header(Header(started, "import", url, _model(url), __version__)))

    def _take(self, found: Found) -> None:
        if isinstance(found, FoundFrame):
            self._frame(found)
        elif isinstance(found, FoundOpening):
            self._opening(found)
        else:
            self._closing(found)

    def _frame(self, found: FoundFrame) -> None:
        summary = self._summary
        direction, is_inferred = _direction(found)
        data = self._cleaner.data(found.data, found.gist, is_delta=found.type.endswith(".delta"))
        t_ns = self._times.at(found.time)
        is_plain = found.body is not None and b"\n" not in data and b"\r" not in data
        if is_plain and found.type not in SESSION_TYPES:
            self._seq += 1
            self._frames += 1
            self._write_line(render_frame(self._seq, t_ns, direction, found.type, data), found.line)
        else:
            self._whole_frame(found, t_ns, direction, data)
        summary.count(direction, is_inferred=is_inferred)
        if found.time is None:
            summary.untimed += 1
        if found.is_elided:
            summary.elide(self._seq)

    def _whole_frame(
        self, found: FoundFrame, t_ns: int | None, direction: Direction, data: bytes
    ) -> None:
        """Write a frame that begins or describes a session, or that is not JSON on one line."""
        _, body, problem = decode(data, is_text=found.is_text)
        self._log(
            Event(
                self._seq + 1,
                t_ns,
                direction,
                Origin.WIRE,
                found.type,
                data,
                found.is_text,
                body,
                problem,
            ),
            found.line,
        )

    def _opening(self, found: FoundOpening) -> None:
        self._cleaner.learn(found.request_headers, found.url)
        request = self._cleaner.headers(found.request_headers)
        response = self._cleaner.headers(found.response_headers)
        chosen = next(
            (value for name, value in response.items() if name.lower() == "sec-websocket-protocol"),
            None,
        )
        facts = {
            "url": self._cleaner.url(found.url),
            "status": found.status,
            "subprotocol": chosen,
            "request_headers": dict(request),
            "response_headers": dict(response),
        }
        self._local("inspector.opened", facts, self._times.at(found.time))

    def _closing(self, found: FoundClosing) -> None:
        facts: dict[str, Any] = {"code": found.code} if found.code is not None else {}
        reason = self._cleaner.data(found.reason.encode("utf-8", "replace")).decode()
        facts["reason"] = reason
        if found.by is not None:
            facts["by"] = found.by.value
        self._local("inspector.closed", facts, self._times.at(found.time))

    def _local(self, name: str, facts: dict[str, Any], t_ns: int | None) -> None:
        body = {"type": name, **facts}
        data = orjson.dumps(body)
        self._log(
            Event(self._seq + 1, t_ns, Direction.LOCAL, Origin.WIRE, name, data, True, body), 0
        )

    def _log(self, event: Event, line: int) -> None:
        self._seq = event.seq
        if event.type in SESSION_TYPES:
            if self._session.ends_with(event) and self._frames:
                self._summary.sessions += 1
                self._session, self._frames = SessionFold(), 0
            self._session.apply(event)
        self._frames += event.direction is not Direction.LOCAL
        self._write_line(render(event), line)

    def _write_line(self, rendered: bytes, line: int) -> None:
        self.lines.append(line)
        self._waiting.append(rendered)
        self._waiting_bytes += len(rendered)
        if self._waiting_bytes >= WRITE_BYTES:
            self._flush()

    def _flush(self) -> None:
        self._write(b"".join(self._waiting))
        self._waiting.clear()
        self._waiting_bytes = 0

    def _summed_up(self) -> ImportSummary:
        summary, notes, times = self._summary, self._notes, self._times
        summary.lost, summary.lost_lines = notes.lost_count, tuple(notes.lost)
        summary.skipped = dict(notes.skipped)
        summary.dropped = dict(self._cleaner.dropped)
        summary.unread_times = notes.unread_times + times.unread
        summary.backwards = times.backwards
        if times.first is not None:
            summary.time_key = max(times.sources, key=lambda each: times.sources[each])
            is_ms = times.is_ms and not times.first.has_unit
            summary.time_form = "ms since a start" if is_ms else times.first.form
            summary.time_kind = "absolute" if times.first.kind is Kind.EPOCH else "relative"
        return summary


def _ahead(found: Iterator[Found]) -> Iterator[Found]:
    """Yield the first of what was found."""
    size = 0
    for count, each in enumerate(found, 1):
        yield each
        size += len(each.data) if isinstance(each, FoundFrame) else 0
        if count >= LOOKED_AHEAD or size >= LOOKED_AHEAD_BYTES:
            return


def _are_ms(first: list[Found]) -> bool:
    """Return whether the numbers without a unit among the first times are milliseconds."""
    gaps: list[int] = []
    deltas: list[int] = []
    before: FoundFrame | None = None
    for each in first:
        if not isinstance(each, FoundFrame) or each.time is None or each.time.has_unit:
            continue
        if before is not None and before.time is not None:
            gap = each.time.ns - before.time.ns
            gaps.append(gap)
            if each.type == before.type and each.type.endswith(".delta"):
                deltas.append(gap)
        before = each
    return are_milliseconds(gaps, deltas)


def _direction(found: FoundFrame) -> tuple[Direction, bool]:
    """Return a frame's direction, and whether it was inferred."""
    known = known_direction(found.type)
    if found.direction is None:
        return known or Direction.SERVER, True
    is_told = found.is_absolute or found.type in BOTH_WAYS
    if known is not None and found.direction is not known and not is_told:
        # Who stands between the two receives what the client sends: the type tells the sides, the word only the way.
        return known, True
    return found.direction, False


def _model(url: str) -> str:
    try:
        query = parse_qs(urlsplit(url).query)
    except ValueError:
        return ""
    named = query.get("model") or query.get("deployment") or [""]
    return named[0]


def _refused(source: SourceFile, what: str) -> RecordingError:
    return RecordingError(
        f"{source.path} is not a recording, and contains no session to import: {what}",
        code="not_a_recording",
        hint=HINT,
    )

"""What a list of recordings says of each: length, turns, model, errors. Cheap, whatever the file's size.

A small file is indexed; of a larger one the kept index tells, and where there is none the beginning and the end are read at first.
What they do not tell is found out once all files of the list have been looked at, within a bound, or else left open.
What was found is kept beside the indexes, by size and time of change.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import compress
from pathlib import Path

import orjson

from inspector.analysis.turns import TurnIndex
from inspector.core.event import Direction
from inspector.core.log import DIRECTIONS, FLAG_ERROR, FLAG_UNDECODED, EventLog
from inspector.core.read import object_at, text_at
from inspector.errors import RecordingError
from inspector.recording.format import FileShape
from inspector.recording.index_file import index_path, read_whole_index
from inspector.recording.reader import RecordingReader

WHOLE_BYTES = 2 << 20
"""A file up to this size is indexed at once: some tens of milliseconds."""
LATER_BYTES = 32 << 20
"""A file up to this size is indexed later: half a second."""
LATER_ALL_BYTES = 128 << 20
"""Of all files of a list that are indexed later; those that come first count first."""
HEAD_BYTES = 128 << 10
"""Of a larger one: where its session and model are."""
TAIL_BYTES = 1 << 20
"""Where its last event is looked for."""
KEPT_FACTS = 500
VERSION = 4
_SESSION_TYPES = ("session.created", "session.updated", "transcription_session.created")

_IS_UNREAD = bytes(value & (FLAG_ERROR | FLAG_UNDECODED) == FLAG_UNDECODED for value in range(256))
"""By the flags of a row: 1 where it could not be decoded."""


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """What is known of a recording; None where that would take too long to find out."""

    size_bytes: int = 0
    """Of the file."""
    changed_ns: int = 0
    """Time of the last change, as the file system has it."""
    model: str = ""
    """That was asked for; ``""`` where nothing says."""
    source: str = ""
    """``live``, ``proxy``, ``sim`` or ``import``."""
    duration_us: int | None = None
    """From the first event to the last."""
    events: int | None = None
    """How many there are."""
    turns: int | None = None
    """How many the user took."""
    errors: int | None = None
    """How many events report a failure."""
    problem: str = ""
    """Why it cannot be opened; ``""`` where it can."""


class KnownFacts:
    """Facts, kept from one start of the program to the next. Not shared between threads."""

    def __init__(self, cache: Path) -> None:
        """Use a folder.

        Args:
            cache: where indexes are kept; facts are kept there too, and neither is ever required.
        """
        self._cache = cache
        self._file = cache / "facts.json"

    def read(self, paths: Sequence[Path]) -> Iterator[tuple[Path, RecordingFacts]]:
        """Yield the facts of files, the known ones first; of a file that has more to tell, once more at the end."""
        kept = self._load()
        unknown: list[tuple[Path, os.stat_result]] = []
        found: dict[str, RecordingFacts] = {}
        for path in paths:
            try:
                stat = path.stat()
            except OSError as error:
                yield path, RecordingFacts(problem=error.strerror or "cannot be opened")
                continue
            known = kept.get(str(path))
            if known is not None and (known.size_bytes, known.changed_ns) == (
                stat.st_size,
                stat.st_mtime_ns,
            ):
                found[str(path)] = known
                yield path, known
            else:
                unknown.append((path, stat))
        for path, stat in unknown:
            found[str(path)] = read_facts(path, stat, self._cache)
            yield path, found[str(path)]
        later = self._later(path for path in paths if _has_more_to_tell(found.get(str(path))))
        for path in later:
            with contextlib.suppress(OSError):
                found[str(path)] = read_facts(path, path.stat(), self._cache, LATER_BYTES)
                yield path, found[str(path)]
        if unknown or later:
            self._save(
                {**found, **{name: facts for name, facts in kept.items() if name not in found}}
            )

    def _later(self, paths: Iterable[Path]) -> list[Path]:
        """Return which files to index, as far as the bound allows; those whose index is there cost nothing."""
        room = LATER_ALL_BYTES
        chosen = []
        for path in paths:
            with contextlib.suppress(OSError):
                size = path.stat().st_size
                if index_path(self._cache, path).exists():
                    chosen.append(path)
                elif size <= min(LATER_BYTES, room):
                    room -= size
                    chosen.append(path)
        return chosen

    def _load(self) -> dict[str, RecordingFacts]:
        try:
            kept = orjson.loads(self._file.read_bytes())
            if kept.get("version") == VERSION:
                return {name: RecordingFacts(**known) for name, known in kept["facts"].items()}
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
            pass
        return {}

    def _save(self, facts: dict[str, RecordingFacts]) -> None:
        kept = {name: asdict(facts[name]) for name in list(facts)[:KEPT_FACTS]}
        new = self._file.with_suffix(f".{os.getpid()}.new")
        with contextlib.suppress(
            OSError, TypeError
        ):  # a name that is not UTF-8, or a folder that takes nothing
            self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(
                os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as file:
                file.write(orjson.dumps({"version": VERSION, "facts": kept}))
            new.replace(self._file)


def read_facts(
    path: Path,
    stat: os.stat_result,
    indexes: Path | None = None,
    whole_bytes: int | None = None,
) -> RecordingFacts:
    """Read what a file tells within a bounded time; never raises.

    Args:
        path: the file.
        stat: of the file, as it was looked up.
        indexes: folder of the kept indexes.
        whole_bytes: size up to which a file is read as a whole; ``WHOLE_BYTES`` where None.
    """
    known = RecordingFacts(stat.st_size, stat.st_mtime_ns)
    try:
        reader = RecordingReader(path)
    except RecordingError as error:
        return replace(known, problem=error.message.removeprefix(f"{path} is "))
    try:
        if not stat.st_size:
            return replace(known, problem="empty")
        log = reader.new_log()
        limit = WHOLE_BYTES if whole_bytes is None else whole_bytes
        is_whole = _fill(log, reader, stat.st_size, indexes, limit)
        last_t_us = log.end_us if is_whole else _last_t_us(reader, stat.st_size)
        return replace(
            known,
            model=_model(log) or reader.header.model,
            source=reader.header.source,
            duration_us=last_t_us,
            events=len(log) if is_whole else None,
            turns=_turns(log) if is_whole else None,
            errors=_errors(log) if is_whole else None,
        )
    except (OSError, ValueError, RecordingError) as error:
        return replace(known, problem=str(error))
    finally:
        reader.close()


def _has_more_to_tell(facts: RecordingFacts | None) -> bool:
    return facts is not None and not facts.problem and facts.turns is None


def _fill(
    log: EventLog, reader: RecordingReader, size: int, indexes: Path | None, whole_bytes: int
) -> bool:
    """Index a file as far as that is cheap; tell whether that is all of it."""
    if size <= whole_bytes:
        reader.index_rows(log, reader.start, size)
        return True
    kept = read_whole_index(index_path(indexes, reader.path), reader.fd, size) if indexes else None
    if kept and reader.shape is FileShape.OURS:
        for block in kept:
            log.take(block)
        return True
    reader.index_rows(log, reader.start, reader.start + HEAD_BYTES)
    return False


def _last_t_us(reader: RecordingReader, size: int) -> int | None:
    start = max(reader.start, size - TAIL_BYTES)
    tail = os.pread(reader.fd, size - start, start)
    lines = tail.split(b"\n")[1:]
    for line in reversed(lines):
        if line.strip():
            event = reader.decode(line, 0)
            if event.problem is None and event.t_ns is not None:
                return event.t_ns // 1000
    return None


def _model(log: EventLog) -> str:
    codes = log.kinds.matching(_SESSION_TYPES.__contains__)
    rows = [log.kind.index(code) for code in codes if code in log.kind]
    session = object_at(log.event(min(rows)).body or {}, "session") if rows else {}
    return text_at(session, "model")


def _turns(log: EventLog) -> int:
    turns = TurnIndex(log)
    turns.look_at(len(log))
    return turns.users


def _errors(log: EventLog) -> int:
    """Return how many rows report an error, as ``core.log.reports_error`` has it, without a step for each."""
    flags, directions = log.flags.tobytes(), log.direction.tobytes()
    failures = sum(flags.count(value) for value in range(256) if value & FLAG_ERROR)
    unread = compress(directions, flags.translate(_IS_UNREAD))
    return failures + sum(DIRECTIONS[code] is not Direction.CLIENT for code in unread)

"""RecordingFacts: length, turns, model and errors of a recording, for lists of recordings; cheap for files of any size.

A small file is indexed. For a larger one the cached index is used; without one only its beginning and end are read at first, and
the missing facts are determined after all files of the list were read, within a limit, or stay unknown. Facts are cached beside
the indexes, by file size and modification time.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

import orjson

from inspector.analysis.lint.finding import Finding
from inspector.analysis.turn_index import TurnIndex
from inspector.core.event import Direction
from inspector.core.log import DIRECTIONS, FLAG_ERROR, FLAG_UNDECODED, EventLog
from inspector.core.read import object_at, text_at
from inspector.errors import RecordingError
from inspector.price_file import price_stamp, prices_here
from inspector.recording.format import FileShape
from inspector.recording.index_file import index_path, read_whole_index
from inspector.recording.reader import RecordingReader

WHOLE_BYTES = 2 << 20
"""Files up to this size are indexed at once, which takes some tens of milliseconds."""
LATER_BYTES = 32 << 20
"""Files up to this size are indexed later, which takes half a second."""
LATER_ALL_BYTES = 128 << 20
"""Limit for all files of a list that are indexed later, in the order of the list."""
HEAD_BYTES = 128 << 10
"""Beginning of a larger file that is read for its session and model."""
KEPT_FACTS = 500
"""Recordings whose facts are cached; the file stays well under a megabyte."""
VERSION = 7
"""Version of the cache: increase it whenever a fact's meaning changes."""
_SESSION_TYPES = ("session.created", "session.updated", "transcription_session.created")

_IS_UNREAD = bytes(value & (FLAG_ERROR | FLAG_UNDECODED) == FLAG_UNDECODED for value in range(256))
"""A row's flags to 1 if it could not be decoded and reports no other error; a table for ``bytes.translate``."""


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """Facts about a recording; None for those that would take too long to determine."""

    size_bytes: int = 0
    """Size of the file."""
    changed_ns: int = 0
    """Modification time of the file, Unix time in nanoseconds."""
    model: str = ""
    """The model; ``""`` if unknown."""
    source: str = ""
    """``live``, ``proxy``, ``sim`` or ``import``."""
    duration_us: int | None = None
    """Time of the last event since the start."""
    events: int | None = None
    """Number of events."""
    turns: int | None = None
    """Number of turns."""
    errors: int | None = None
    """Number of events that report an error; without the harmless ones once the file was judged."""
    cost: str | None = None
    """What it cost, as a list says it; None while that is not known, ``""`` where nothing was billed."""
    verdict: tuple[tuple[str, str, str], ...] | None = None
    """What there is to know, the worst first: tone, words, and rule or ``""``; None while that is not known."""
    findings: tuple[tuple[str, str, int], ...] | None = None
    """What the rules find, the worst first: severity, rule and count; None while that is not known."""
    prices: str = ""
    """The prices that ``cost`` and ``verdict`` are based on; ``""`` if not yet known."""
    problem: str = ""
    """Why the file cannot be opened; ``""`` if it can."""


class KnownFacts:
    """Facts about recordings, cached between runs of the program. Not thread-safe."""

    def __init__(self, cache: Path) -> None:
        """Use a cache folder.

        Args:
            cache: folder of the indexes and the facts, neither of which is required to exist.
        """
        self._cache = cache
        self._file = cache / "facts.json"

    def read(self, paths: Sequence[Path]) -> Iterator[tuple[Path, RecordingFacts]]:
        """Yield the facts of files, cached ones first; files with facts that took longer are yielded again at the end."""
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
        later = self._later(path for path in paths if _is_incomplete(found.get(str(path))))
        for path in later:
            with contextlib.suppress(OSError):
                found[str(path)] = read_facts(path, path.stat(), self._cache, LATER_BYTES)
                yield path, found[str(path)]
        if unknown or later:
            self._save(
                {**found, **{name: facts for name, facts in kept.items() if name not in found}}
            )

    def read_verdicts(self, paths: Sequence[Path]) -> Iterator[tuple[Path, RecordingFacts]]:
        """Yield the facts of files with their verdict, after ``read``, file by file as far as the limit allows.

        Those that were judged at the same prices are not yielded again.
        """
        kept, stamp = self._load(), price_stamp()
        judged: dict[str, RecordingFacts] = {}
        room = LATER_ALL_BYTES
        for path in paths:
            known = kept.get(str(path))
            if known is None or known.problem or known.prices == stamp:
                continue
            room -= known.size_bytes
            if known.size_bytes > LATER_BYTES or room < 0:
                continue
            found = _judged(path, known, stamp)
            if found is not None:
                judged[str(path)] = found
                yield path, found
        if judged:
            self._save({**self._load(), **judged})

    def _later(self, paths: Iterable[Path]) -> list[Path]:
        """Return the files to index within the limit; files with a cached index do not count towards it."""
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
                return {name: _loaded(known) for name, known in kept["facts"].items()}
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
            pass
        return {}

    def _save(self, facts: dict[str, RecordingFacts]) -> None:
        kept = {name: asdict(facts[name]) for name in list(facts)[:KEPT_FACTS]}
        # Written under another name and renamed, so that a second instance never reads half a file.
        new = self._file.with_suffix(f".{os.getpid()}.new")
        # OSError: the folder cannot be written. TypeError: orjson refuses a file name that is not UTF-8.
        with contextlib.suppress(OSError, TypeError):
            self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(
                os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as file:
                file.write(orjson.dumps({"version": VERSION, "facts": kept}))
            new.replace(self._file)


def _loaded(kept: dict[str, Any]) -> RecordingFacts:
    """Return facts as they were kept; JSON knows no tuples."""
    told, found = kept.get("verdict"), kept.get("findings")
    parts = None if told is None else tuple((str(a), str(b), str(c)) for a, b, c in told)
    rules = None if found is None else tuple((str(a), str(b), int(c)) for a, b, c in found)
    return RecordingFacts(**{**kept, "verdict": parts, "findings": rules})


def _judged(path: Path, known: RecordingFacts, stamp: str) -> RecordingFacts | None:
    """Return facts with the verdict; None where the file has changed, or can no longer be read."""
    from inspector.recording.recorded_verdict import judgement_of, state_at_end

    try:
        stat = path.stat()
        if (stat.st_size, stat.st_mtime_ns) != (known.size_bytes, known.changed_ns):
            return None
        reader = RecordingReader(path)
    except (OSError, RecordingError):
        return None
    try:
        prices = prices_here()
        found = judgement_of(state_at_end(reader, prices), reader.header, prices)
    except (OSError, ValueError, RecordingError):
        return None
    finally:
        reader.close()
    cost = next((part.words for part in found.parts if part.is_total), "")
    told = tuple((part.tone.value, part.words, part.rule) for part in found.parts)
    errors = None if known.errors is None else found.faults
    return replace(
        known,
        cost=cost,
        verdict=told,
        prices=stamp,
        errors=errors,
        findings=_rules_of(found.findings),
    )


def _rules_of(findings: Sequence[Finding] | None) -> tuple[tuple[str, str, int], ...] | None:
    """Return the findings by severity and rule, the worst first, with their counts."""
    if findings is None:
        return None
    counts = Counter((finding.severity.value, finding.rule) for finding in findings)
    return tuple((severity, rule, count) for (severity, rule), count in counts.items())


def read_facts(
    path: Path,
    stat: os.stat_result,
    indexes: Path | None = None,
    whole_bytes: int | None = None,
) -> RecordingFacts:
    """Return the facts of a file that can be determined in bounded time; never raises.

    Args:
        path: the file.
        stat: the file's status.
        indexes: folder of the cached indexes.
        whole_bytes: size up to which a file is read completely; None for ``WHOLE_BYTES``.
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
        last_t_us = log.end_us if is_whole else reader.last_t_us()
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


def _is_incomplete(facts: RecordingFacts | None) -> bool:
    return facts is not None and not facts.problem and facts.turns is None


def _fill(
    log: EventLog, reader: RecordingReader, size: int, indexes: Path | None, whole_bytes: int
) -> bool:
    """Index a file as far as that is cheap; return whether the log is complete."""
    if size <= whole_bytes:
        reader.index_rows(log, reader.start, size)
        return True
    kept = read_whole_index(index_path(indexes, reader.path), reader.fd, size) if indexes else None
    if kept and reader.shape is FileShape.OURS:
        for block in kept:
            log.load_block(block)
        return True
    reader.index_rows(log, reader.start, reader.start + HEAD_BYTES)
    return False


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
    """Return the number of rows for which ``core.log.reports_error`` is true, without a Python step per row."""
    flags, directions = log.flags.tobytes(), log.direction.tobytes()
    failures = sum(flags.count(value) for value in range(256) if value & FLAG_ERROR)
    unread = compress(directions, flags.translate(_IS_UNREAD))
    return failures + sum(DIRECTIONS[code] is not Direction.CLIENT for code in unread)

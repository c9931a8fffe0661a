"""Grouping of a chunk's rows: the rules of ``core.groups``, applied to all rows at once with numpy.

The result must be the same as if every event were added to ``DeltaGroups``; a property test compares the two.
"""

from __future__ import annotations

import numpy as np

from inspector.core.event import Direction
from inspector.core.groups import RUN_BREAKERS, TRACK_PAUSE_US
from inspector.core.kinds import REPEATED, KindTable
from inspector.core.log import DIRECTION_CODE, NO_TIME_US
from inspector.recording.chunk import ChunkTrack, Groups, Runs
from inspector.recording.chunk_rows import NO_PART, Rows
from inspector.recording.spans import Ints, LineMask, WordColumn

_FOLDS = {"": 0, "run": 1, "part": 2, "track": 3}
_Edge = tuple[int, int] | None
"""Kind and row of a run at the edge of a chunk; None without one."""


def grouped(rows: Rows, kinds: KindTable) -> tuple[Groups, dict[int, Runs], Ints]:
    """Return the groups of the rows, the runs at the edges by direction, and each row's group (-1 for none)."""
    fold_of = np.array([_FOLDS[kinds[code].fold] for code in range(len(kinds))] or [0])
    fold = fold_of.take(rows.kind)
    is_server = rows.direction == DIRECTION_CODE[Direction.SERVER]
    fold[(fold != _FOLDS[""]) & ~is_server] = _FOLDS["run"]
    is_repeated = _of(kinds, REPEATED).take(rows.kind) & (fold == _FOLDS["part"])
    is_part = (fold == _FOLDS["part"]) & (rows.part != NO_PART) & ~is_repeated
    table = _GroupTable(rows)
    for code in _codes(rows, np.flatnonzero(fold_of == _FOLDS["part"])):
        at = np.flatnonzero(is_part & (rows.kind == code))
        if len(at):
            keys = rows.part[at]
            table.add(at, _changes(keys), keys)
    for code in _codes(rows, np.flatnonzero(fold_of == _FOLDS["track"])):
        at = _of_track(rows, code)
        if not len(at):
            continue
        t_us = _last_known(rows, at)
        first_known = int(np.argmax(t_us != NO_TIME_US))
        cut = np.zeros(len(at), bool)
        cut[first_known + 1 :] = np.diff(t_us[first_known:]) > TRACK_PAUSE_US
        # Whether this delta continues those before it, which have no time, depends on the chunk before; the merger decides.
        cut[first_known] = True
        table.add(at, cut)
    # A delta without the ids of a part forms a run with the deltas of its type around it.
    is_run = (fold == _FOLDS["run"]) | ((fold == _FOLDS["part"]) & ~is_part)
    is_breaker = _of(kinds, RUN_BREAKERS)
    edges: dict[int, tuple[_Edge, _Edge]] = {}
    for direction in DIRECTION_CODE.values():
        is_here = rows.direction == direction
        breaks = is_here & (fold == _FOLDS[""])
        if direction == DIRECTION_CODE[Direction.CLIENT]:
            breaks |= is_breaker.take(rows.kind)
        at = np.flatnonzero(is_here & is_run)
        found = _add_runs(table, rows, at, np.cumsum(breaks), is_repeated)
        if found is not None:
            edges[direction] = found
    groups, group = table.finish()

    def named(edge: _Edge) -> tuple[str, int] | None:
        if edge is None:
            return None
        code, row = edge
        says = int(rows.part[row]) if is_repeated[row] else ""
        return f"{kinds[code].name}\0{says}", int(group[row])

    return groups, {d: Runs(named(a), named(b)) for d, (a, b) in edges.items()}, group


def _of(kinds: KindTable, names: frozenset[str]) -> LineMask:
    """Return for each code whether its type is among ``names``."""
    return np.array([kinds[code].name in names for code in range(len(kinds))] or [False])


def _codes(rows: Rows, among: Ints) -> list[int]:
    """Return the kinds in ``among`` that have at least one row."""
    counts = np.bincount(rows.kind, minlength=int(among.max(initial=0)) + 1)
    return [code for code in among.tolist() if counts[code]]


def _changes(values: WordColumn) -> LineMask:
    """Return which values differ from the one before; the first counts as different."""
    changes = np.ones(len(values), bool)
    changes[1:] = values[1:] != values[:-1]
    return changes


def _add_runs(
    table: _GroupTable, rows: Rows, at: Ints, epoch: Ints, is_repeated: LineMask
) -> tuple[_Edge, _Edge] | None:
    """Add the runs of one direction; return those at the chunk's edges, or None if nothing begins, continues or ends one.

    Args:
        table: receives the groups.
        rows: all rows.
        at: the rows that are part of a run.
        epoch: for each row, the number of run-breaking rows up to it.
        is_repeated: the rows that fold only with rows of the same content.
    """
    if len(at):
        kind = rows.kind[at]
        cut = np.diff(epoch[at], prepend=-1) != 0
        cut |= np.diff(kind, prepend=-1) != 0
        cut |= _changes(np.where(is_repeated[at], rows.part[at], NO_PART))
        table.add(at, cut)
        first = (int(kind[0]), int(at[0])) if epoch[at[0]] == 0 else None
        last = (int(kind[-1]), int(at[-1])) if epoch[at[-1]] == epoch[-1] else None
        return first, last
    return (None, None) if len(epoch) and epoch[-1] else None


def tracks(rows: Rows, kinds: KindTable, group: Ints) -> dict[str, ChunkTrack]:
    """Return the tracks at the chunk's edges, by the type of their deltas; ``group`` is each row's group."""
    found = {}
    of_tracks = [code for code in range(len(kinds)) if kinds[code].fold == "track"]
    for code in _codes(rows, np.array(of_tracks, np.int64)):
        at = _of_track(rows, code)
        if not len(at):
            continue
        t_us = _last_known(rows, at)
        first_known = int(np.argmax(t_us != NO_TIME_US))
        first, known, last = group[at[[0, first_known, -1]]].tolist()
        found[kinds[code].name] = ChunkTrack(
            first, known, int(t_us[first_known]), last, int(t_us[-1])
        )
    return found


def _of_track(rows: Rows, code: int) -> Ints:
    """Return the server's rows of a kind; only the server's deltas form tracks."""
    return np.flatnonzero(
        (rows.kind == code) & (rows.direction == DIRECTION_CODE[Direction.SERVER])
    )


def _last_known(rows: Rows, at: Ints) -> Ints:
    """Return for each row in ``at`` the last known time up to it, ``NO_TIME_US`` before the first."""
    t_us = rows.t_us[at]
    latest = np.maximum.accumulate(np.where(t_us != NO_TIME_US, np.arange(len(at)), 0))
    known: Ints = t_us[latest]
    return known


class _GroupTable:
    """Groups of one chunk, assembled from stretches of rows that belong together."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._members: list[Ints] = []
        """Rows, in the order of their stretches."""
        self._stretches: list[Groups] = []

    def add(self, at: Ints, cut: LineMask, keys: WordColumn | None = None) -> None:
        """Add at least one row; a stretch begins at each ``cut``. Stretches with equal keys, if given, form one group."""
        cut[0] = True
        begins = np.flatnonzero(cut)
        counts = np.diff(begins, append=len(at))
        key = np.zeros(len(begins), np.uint64) if keys is None else keys[begins]
        audio_bytes = np.add.reduceat(self._rows.audio[at], begins)
        self._members.append(at)
        self._stretches.append(
            Groups(key, at[begins], at[begins + counts - 1], counts, audio_bytes)
        )

    def finish(self) -> tuple[Groups, Ints]:
        """Return the groups in the order of their first rows, and the group of each row."""
        result = np.full(len(self._rows.starts), -1, np.int64)
        if not self._stretches:
            nothing = np.zeros(0, np.int64)
            return Groups(nothing.astype(np.uint64), nothing, nothing, nothing, nothing), result
        key, head, last, count, audio_bytes = (
            np.concatenate([getattr(some, name) for some in self._stretches])
            for name in Groups.__slots__
        )
        # Keys of parts are odd numbers, so even ones are free to mark stretches without a key as groups of their own.
        identity = np.where(key == NO_PART, 2 * np.arange(len(key), dtype=np.uint64), key)
        # Sorted by identity, then by first row, the stretches of a group are adjacent and in order.
        order = np.lexsort((head, identity))
        is_first = _changes(identity[order])
        firsts = np.flatnonzero(is_first)
        lasts = np.append(firsts[1:], len(order)) - 1
        by_head = np.argsort(head[order[firsts]])
        number = np.empty(len(firsts), np.int64)
        number[by_head] = np.arange(len(firsts))
        groups = Groups(
            key[order[firsts]][by_head],
            head[order[firsts]][by_head],
            last[order[lasts]][by_head],
            np.add.reduceat(count[order], firsts)[by_head],
            np.add.reduceat(audio_bytes[order], firsts)[by_head],
        )
        group_of = np.empty(len(order), np.int64)
        group_of[order] = number[np.cumsum(is_first) - 1]
        result[np.concatenate(self._members)] = np.repeat(group_of, count)
        return groups, result

"""Which rows of a chunk belong together: deltas of one content part, runs of one type, tracks of sound.

The rules are those of ``core.groups``, for all rows at once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inspector.core.event import Direction
from inspector.core.groups import RUN_BREAKERS, TRACK_PAUSE_US
from inspector.core.kinds import KindTable
from inspector.core.log import DIRECTION_CODE
from inspector.recording.chunk import NO_TIME_US, Group, Runs, Track
from inspector.recording.chunk_rows import NO_PART, Rows
from inspector.recording.spans import Bools, Ints

_FOLDS = {"": 0, "run": 1, "part": 2, "track": 3}
_Edge = tuple[int, int] | None
"""Kind and row of a run at the edge of a chunk."""


def grouped(rows: Rows, kinds: KindTable) -> tuple[list[Group], dict[int, Runs], Ints]:
    """Return the groups of the rows, the runs at the edges by direction, and the group of each row (-1 for none)."""
    folds = np.array([_FOLDS[kinds[code].fold] for code in range(len(kinds))] or [0])
    fold = folds[rows.kind]
    is_part = (fold == _FOLDS["part"]) & (rows.part != NO_PART)
    table = _GroupTable(rows)
    for code in np.unique(rows.kind[is_part]).tolist():
        at = np.flatnonzero(is_part & (rows.kind == code))
        table.add(at, np.diff(rows.part[at], prepend=NO_PART) != 0, rows.part[at])
    for code in np.unique(rows.kind[fold == _FOLDS["track"]]).tolist():
        at = np.flatnonzero(rows.kind == code)
        cut = np.diff(rows.t_us[at], prepend=0) > TRACK_PAUSE_US
        # Whether a delta goes on with those before it that have no time, the chunk before knows.
        cut[_first_known(rows, at)] = True
        table.add(at, cut, None)
    breakers = [kinds.code(name) for name in RUN_BREAKERS]
    # A delta that does not say which part it is of goes with those of its type around it.
    is_run = np.isin(fold, (_FOLDS["run"], _FOLDS["part"])) & ~is_part
    edges: dict[int, tuple[_Edge, _Edge]] = {}
    for direction in DIRECTION_CODE.values():
        is_here = rows.direction == direction
        breaks = is_here & (fold == _FOLDS[""])
        if direction == DIRECTION_CODE[Direction.CLIENT]:
            breaks |= np.isin(rows.kind, breakers)
        found = _add_runs(table, rows, np.flatnonzero(is_here & is_run), np.cumsum(breaks))
        if found is not None:
            edges[direction] = found
    groups, group = table.finish()

    def named(edge: _Edge) -> tuple[str, int] | None:
        return (kinds[edge[0]].name, int(group[edge[1]])) if edge is not None else None

    return groups, {d: Runs(named(a), named(b)) for d, (a, b) in edges.items()}, group


def _add_runs(table: _GroupTable, rows: Rows, at: Ints, epoch: Ints) -> tuple[_Edge, _Edge] | None:
    """Add the runs of one direction; return those at the edges, None where what was open before stays open.

    Args:
        table: where they go.
        rows: all rows.
        at: those that are in a run.
        epoch: how many rows that break a run there were up to each row.
    """
    if len(at):
        kind = rows.kind[at]
        cut = np.diff(epoch[at], prepend=-1) != 0
        cut |= np.diff(kind, prepend=-1) != 0
        table.add(at, cut, None)
        first = (int(kind[0]), int(at[0])) if epoch[at[0]] == 0 else None
        last = (int(kind[-1]), int(at[-1])) if epoch[at[-1]] == epoch[-1] else None
        return first, last
    return (None, None) if len(epoch) and epoch[-1] else None


def tracks(rows: Rows, kinds: KindTable, group: Ints) -> dict[str, Track]:
    """Return how the tracks stand at the edges, by the type of their deltas; ``group`` is that of each row."""
    found = {}
    for code in np.unique(rows.kind).tolist():
        if kinds[code].fold == "track":
            at = np.flatnonzero(rows.kind == code)
            t_us, groups = rows.t_us[at].tolist(), group[at].tolist()
            known = _first_known(rows, at)
            found[kinds[code].name] = Track(
                groups[0], t_us[0], groups[known], t_us[known], groups[-1], t_us[-1]
            )
    return found


def _first_known(rows: Rows, at: Ints) -> int:
    """Return the first of some rows that says when it happened, 0 where none does; only rows at the beginning may not."""
    return int(np.argmax(rows.t_us[at] != NO_TIME_US))


class _GroupTable:
    """Groups of one chunk, put together from stretches of rows that are known to belong together."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._members: list[tuple[Ints, Ints]] = []
        """Rows, and how many of them each stretch has."""
        self._stretches: list[tuple[int, int, int, int, int, int]] = []
        """First row, number, last row, rows, bytes of audio, key."""

    def add(self, at: Ints, cut: Bools, keys: npt.NDArray[np.uint64] | None) -> None:
        """Add rows (never none); a stretch begins at each ``cut``. Without keys each is a group of its own."""
        cut[0] = True
        heads = np.flatnonzero(cut)
        counts = np.diff(heads, append=len(at))
        self._members.append((at, counts))
        number = len(self._stretches)
        self._stretches += zip(
            at[heads].tolist(),
            range(number, number + len(heads)),
            at[heads + counts - 1].tolist(),
            counts.tolist(),
            np.add.reduceat(self._rows.audio[at], heads).tolist(),
            [0] * len(heads) if keys is None else keys[heads].tolist(),
            strict=True,
        )

    def finish(self) -> tuple[list[Group], Ints]:
        """Return the groups in the order of their first rows, and the group of each row."""
        groups: list[Group] = []
        by_key: dict[int, int] = {}
        group_of = np.zeros(len(self._stretches), np.int64)
        for first, number, last, count, audio, key in sorted(self._stretches):
            known = by_key.get(key) if key else None
            if known is None:
                group_of[number] = len(groups)
                if key:
                    by_key[key] = len(groups)
                groups.append(Group(key, first, last, count, audio))
                continue
            group_of[number] = known
            group = groups[known]
            group.last, group.count = last, group.count + count
            group.audio_bytes += audio
        result = np.full(len(self._rows.starts), -1, np.int64)
        begin = 0
        for at, counts in self._members:
            result[at] = np.repeat(group_of[begin : begin + len(counts)], counts)
            begin += len(counts)
        return groups, result

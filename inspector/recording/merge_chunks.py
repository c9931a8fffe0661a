"""ChunkMerger: joins the chunks of a recording, in order, to blocks that an ``EventLog`` loads.

Groups are the difficulty: a part, run or track may span any number of chunks. The merger keeps those that are still open, and
gives a chunk's first group the number of the open one where they continue each other.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from inspector.core.groups import TRACK_PAUSE_US
from inspector.core.kinds import KindTable
from inspector.core.log import FLAG_FOLDED, NO_TIME_US, Block
from inspector.recording.chunk import Chunk, ChunkTrack, Groups


class ChunkMerger:
    """Assigns rows, types and groups their numbers across chunks."""

    def __init__(self) -> None:
        self._kinds = KindTable()
        self._rows = 0
        self._end_offset = 0
        self._last, self._count = array("i"), array("I")
        """Columns of all groups so far, as in ``DeltaGroups``."""
        self._audio_bytes = array("q")
        self._group_of_key: dict[int, int] = {}
        """Hash of a content part to its group; deltas of a part belong together however far apart they are."""
        self._open_runs: dict[int, tuple[str, int]] = {}
        """Code of a direction to the key and group of its open run."""
        self._open_tracks: dict[str, tuple[int, int]] = {}
        """Type of a track's deltas to its last group and its last known time."""

    def add(self, chunk: Chunk) -> Block:
        """Return the next chunk as a block with the numbers of the whole recording."""
        columns = dict(chunk.columns)
        count = len(columns["t_us"])
        kinds = [self._kinds.code(name) for name in chunk.kinds]
        if kinds != list(range(len(kinds))):
            columns["kind"] = np.array(kinds, columns["kind"].dtype)[columns["kind"]]
        known = self._known_groups(chunk)
        first_group = len(self._last)
        numbers, is_new = self._number(chunk.groups, known, self._joined_groups(chunk))
        columns["flags"] = columns["flags"].copy()
        columns["flags"][chunk.groups.head[~is_new]] |= FLAG_FOLDED
        # Rows without a group have -1, which selects the last element: the -1 appended here.
        columns["group"] = np.append(numbers, -1).astype(columns["group"].dtype)[columns["group"]]
        self._keep_open_runs(chunk, numbers)
        for name, track in chunk.tracks.items():
            is_known = track.last_t_us != NO_TIME_US
            last_t_us = track.last_t_us if is_known else self._last_of_track(name)
            self._open_tracks[name] = int(numbers[track.last]), last_t_us
        grown = list(known.values())
        block = Block(
            first_row=self._rows,
            end=self._end(columns),
            columns={name: column.tobytes() for name, column in columns.items()},
            kinds=self._kinds.names(),
            first_group=first_group,
            groups={
                "head": (self._rows + chunk.groups.head[is_new]).astype("i").tobytes(),
                "last": self._last[first_group:].tobytes(),
                "count": self._count[first_group:].tobytes(),
                "audio_bytes": self._audio_bytes[first_group:].tobytes(),
            },
            grown={
                "group": array("i", grown).tobytes(),
                "last": array("i", (self._last[number] for number in grown)).tobytes(),
                "count": array("I", (self._count[number] for number in grown)).tobytes(),
                "audio_bytes": array(
                    "q", (self._audio_bytes[number] for number in grown)
                ).tobytes(),
            },
        )
        self._rows += count
        return block

    def _end(self, columns: Mapping[str, Any]) -> int:
        """Return the byte offset up to which the file is indexed."""
        if len(columns["offset"]):
            self._end_offset = int(columns["offset"][-1]) + int(columns["length"][-1]) + 1
        return self._end_offset

    def _last_of_track(self, name: str) -> int:
        """Return the last known time of a track in the chunks so far, or ``NO_TIME_US``."""
        return self._open_tracks[name][1] if name in self._open_tracks else NO_TIME_US

    def _continues(self, name: str, track: ChunkTrack) -> bool:
        """Return whether a track's first delta with a known time in a chunk belongs to the group of the deltas before it."""
        last_us = self._last_of_track(name)
        is_known = NO_TIME_US not in (last_us, track.known_t_us)
        return not is_known or track.known_t_us - last_us <= TRACK_PAUSE_US

    def _joined_groups(self, chunk: Chunk) -> dict[int, int]:
        """Return the groups of a chunk that continue the chunk's own deltas without a time: group to their group."""
        return {
            track.known: track.first
            for name, track in chunk.tracks.items()
            if track.known != track.first and self._continues(name, track)
        }

    def _known_groups(self, chunk: Chunk) -> dict[int, int]:
        """Return the groups of the chunk that continue an earlier one: the chunk's number to the merged number."""
        known = {
            at: self._group_of_key[key]
            for at, key in enumerate(chunk.groups.key.tolist())
            if key in self._group_of_key
        }
        for direction, runs in chunk.runs.items():
            before = self._open_runs.get(direction)
            if runs.first is not None and before is not None and runs.first[0] == before[0]:
                known[runs.first[1]] = before[1]
        for name, track in chunk.tracks.items():
            open_track = self._open_tracks.get(name)
            # A first delta without a time always continues, as no pause can be measured.
            if open_track and (track.first != track.known or self._continues(name, track)):
                known[track.first] = open_track[0]
        return known

    def _number(
        self, groups: Groups, known: dict[int, int], joined: dict[int, int]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the merged number of each group of a chunk, and which groups are new."""
        is_new = np.ones(len(groups.key), bool)
        is_new[[*known, *joined]] = False
        numbers = len(self._last) - 1 + np.cumsum(is_new)
        numbers[list(known)] = list(known.values())
        numbers[list(joined)] = numbers[list(joined.values())]
        self._last.frombytes((self._rows + groups.last[is_new]).astype("i").tobytes())
        self._count.frombytes(groups.count[is_new].astype("I").tobytes())
        self._audio_bytes.frombytes(groups.audio_bytes[is_new].tobytes())
        of_parts = is_new & (groups.key != 0)
        self._group_of_key.update(
            zip(groups.key[of_parts].tolist(), numbers[of_parts].tolist(), strict=True)
        )
        for at in sorted((*known, *joined)):
            number = int(numbers[at])
            self._last[number] = self._rows + int(groups.last[at])
            self._count[number] += int(groups.count[at])
            self._audio_bytes[number] += int(groups.audio_bytes[at])
        return numbers, is_new

    def _keep_open_runs(self, chunk: Chunk, numbers: npt.NDArray[np.int64]) -> None:
        for direction, runs in chunk.runs.items():
            if runs.last is None:
                self._open_runs.pop(direction, None)
            else:
                self._open_runs[direction] = runs.last[0], int(numbers[runs.last[1]])

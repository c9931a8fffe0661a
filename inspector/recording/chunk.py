"""Chunk: a part of a recording, indexed as columns of rows with the groups that they form within the chunk.

A chunk is independent of all others, so that several can be indexed at once; ``merge_chunks`` joins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(slots=True)
class Groups:
    """The groups of a chunk's rows, by column, in the order of their first rows; shape (groups,) each."""

    key: npt.NDArray[np.uint64]
    """Hash of the content part; 0 for a run or a track."""
    head: npt.NDArray[np.int64]
    """First row."""
    last: npt.NDArray[np.int64]
    """Last row."""
    count: npt.NDArray[np.int64]
    """Number of rows."""
    audio_bytes: npt.NDArray[np.int64]
    """Decoded size of the rows' audio."""


@dataclass(slots=True)
class Runs:
    """The runs of one direction at the edges of a chunk."""

    first: tuple[str, int] | None
    """Key (type, and content of an error) and group of the run that may have begun in the chunk before; None without one."""
    last: tuple[str, int] | None
    """Key and group of the run that may continue in the next chunk; None without one."""


@dataclass(slots=True)
class ChunkTrack:
    """A track at the edges of a chunk: the groups of its first and last deltas, and their times in microseconds."""

    first: int
    """Group of the first delta."""
    known: int
    """Group of the first delta with a known time; that of the first delta if no time is known."""
    known_t_us: int
    """Time of that delta; ``NO_TIME_US`` if no time is known."""
    last: int
    """Group of the last delta."""
    last_t_us: int
    """Time of the last delta with a known time; ``NO_TIME_US`` if no time is known."""


@dataclass(slots=True)
class Chunk:
    """The indexed rows of one chunk; ``group`` and ``kind`` refer to the chunk's own tables."""

    columns: dict[str, npt.NDArray[Any]]
    """Columns as in ``EventLog``, shape (rows,) each."""
    kinds: list[str]
    """Event types, in the order of their codes."""
    groups: Groups
    """The groups of the rows."""
    runs: dict[int, Runs]
    """Code of the direction to its runs; a direction that is missing neither ends nor begins a run in this chunk."""
    tracks: dict[str, ChunkTrack]
    """Type of the deltas to their track."""

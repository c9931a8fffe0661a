"""One chunk of a recording as columns: the rows of its lines, and the groups that they form among themselves.

A chunk knows nothing of the others, so that several can be worked on at once; ``recording.stitch`` joins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(slots=True)
class Groups:
    """The groups among the rows of a chunk, by column and in the order of their first rows; shape (groups,) each."""

    key: npt.NDArray[np.uint64]
    """Of a content part; 0 for a run or track."""
    head: npt.NDArray[np.int64]
    """First row."""
    last: npt.NDArray[np.int64]
    """Last row."""
    count: npt.NDArray[np.int64]
    """How many rows."""
    audio_bytes: npt.NDArray[np.int64]
    """Decoded size of their audio."""


@dataclass(slots=True)
class Runs:
    """How the runs of one direction stand at the edges of a chunk."""

    first: tuple[str, int] | None
    """What is run (its type, and what it says where that counts) and group of the run that a chunk before may have begun."""
    last: tuple[str, int] | None
    """The same of the run that may go on in the next chunk."""


@dataclass(slots=True)
class ChunkTrack:
    """How a track stands at the edges of a chunk: the groups of its first and last deltas, and times in microseconds."""

    first: int
    """Group of the first delta."""
    known: int
    """Group of the first delta whose time is known; that of the first where none is."""
    known_t_us: int
    """When that came; ``NO_TIME_US`` where none is known."""
    last: int
    """Group of the last delta."""
    last_t_us: int
    """When the last came whose time is known; ``NO_TIME_US`` where none is."""


@dataclass(slots=True)
class Chunk:
    """The rows of one chunk; ``group`` and ``kind`` count from the chunk's own tables."""

    columns: dict[str, npt.NDArray[Any]]
    """As those of ``EventLog``, shape (rows,) each."""
    kinds: list[str]
    """Event types, by code."""
    groups: Groups
    runs: dict[int, Runs]
    """By the code of the direction; one that is not here leaves open what was open before."""
    tracks: dict[str, ChunkTrack]
    """By the type of their deltas."""

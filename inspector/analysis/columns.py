"""Columns of a slice of the log as numpy arrays, for filters. It is imported only when numpy is already loaded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from inspector.analysis.lint.finding import Finding
from inspector.analysis.lint.proofs import NO_PROOFS, Proofs
from inspector.analysis.turn_index import TurnIndex
from inspector.core.kinds import KindTable
from inspector.core.log import NO_TIME_US, EventLog


class Columns:
    """Copies of the columns of rows ``lo`` to ``hi``, made on first use.

    They are copies because the log's arrays cannot be resized while a numpy view of them exists (``BufferError``).
    """

    def __init__(
        self,
        log: EventLog,
        lo: int,
        hi: int,
        turns: TurnIndex | None,
        proofs: Proofs = NO_PROOFS,
    ) -> None:
        self._log = log
        self._proofs = proofs
        self._lo = lo
        self._hi = hi
        self._turns = turns

    def all(self) -> NDArray[np.bool_]:
        """Return a new mask with all rows set."""
        return np.ones(self._hi - self._lo, np.bool_)

    def none(self) -> NDArray[np.bool_]:
        """Return a new mask with no rows set."""
        return np.zeros(self._hi - self._lo, np.bool_)

    @property
    def kinds(self) -> KindTable:
        """The type table whose codes ``kind_in`` takes."""
        return self._log.kinds

    @cached_property
    def direction(self) -> NDArray[np.uint8]:
        """Direction codes."""
        return np.frombuffer(self._log.direction[self._lo : self._hi], np.uint8)

    @cached_property
    def origin(self) -> NDArray[np.uint8]:
        """Origin codes."""
        return np.frombuffer(self._log.origin[self._lo : self._hi], np.uint8)

    @cached_property
    def flags(self) -> NDArray[np.uint8]:
        """Flag bits."""
        return np.frombuffer(self._log.flags[self._lo : self._hi], np.uint8)

    @cached_property
    def turn(self) -> NDArray[np.int64]:
        """Turn numbers; 0 for rows outside of any turn."""
        if self._turns is None:
            return np.zeros(self._hi - self._lo, np.int64)
        self._turns.look_at(self._hi)
        starts = np.array(self._turns.starts, np.int64)
        numbers = np.concatenate(([0], np.array(self._turns.numbers, np.int64)))
        found: NDArray[np.int64] = numbers[
            np.searchsorted(starts, np.arange(self._lo, self._hi), "right")
        ]
        return found

    def kind_in(self, codes: list[int]) -> NDArray[np.bool_]:
        """Return which rows have one of these type codes."""
        wanted = np.zeros(len(self._log.kinds) or 1, np.bool_)
        wanted[codes] = True
        mask: NDArray[np.bool_] = wanted[
            np.frombuffer(self._log.kind[self._lo : self._hi], np.uint16)
        ]
        return mask

    def proving(self, holds: Callable[[Finding], bool]) -> NDArray[np.bool_]:
        """Return which rows prove a finding of some kind."""
        mask = self.none()
        rows = [seq - 1 - self._lo for seq in self._proofs.where(holds)]
        mask[[row for row in rows if 0 <= row < len(mask)]] = True
        return mask

    def number(self, field: str) -> NDArray[np.int64]:
        """Return ``t`` or ``dt`` in microseconds, or ``size`` in bytes; undefined where ``is_known`` is False."""
        if field == "size":
            size = np.frombuffer(self._log.size[self._lo : self._hi], np.uint32)
            return size.astype(np.int64)
        if field == "t":
            return self._t_us[1:]
        return np.diff(self._t_us)

    def is_known(self, field: str) -> NDArray[np.bool_]:
        """Return in which rows ``number`` is known; ``dt`` needs the times of two rows."""
        if field == "size":
            return self.all()
        is_known: NDArray[np.bool_] = self._t_us != NO_TIME_US
        return is_known[1:] if field == "t" else is_known[1:] & is_known[:-1]

    @cached_property
    def _t_us(self) -> NDArray[np.int64]:
        """The time of the row before the slice, then the times of its rows; the log's first row precedes itself (``dt`` 0)."""
        first = max(self._lo - 1, 0)
        t_us = np.frombuffer(self._log.t_us[first : self._hi], np.int64)
        return t_us if first < self._lo else np.concatenate((t_us[:1], t_us))


def rows_of(mask: NDArray[np.bool_], lo: int) -> NDArray[np.int32]:
    """Return the row numbers of a mask whose first entry is row ``lo``."""
    return (np.flatnonzero(mask) + lo).astype(np.int32)

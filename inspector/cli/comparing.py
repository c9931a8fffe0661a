"""Two recordings read, compared and printed: ``inspector diff``."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from inspector.analysis.comparison import (
    Comparison,
    FigurePair,
    compare,
    cost_pair,
    median_pair,
    rise_percent,
)
from inspector.analysis.comparison_json import comparison_json
from inspector.analysis.latency import Latency, latency_of
from inspector.analysis.ledger import CostLedger
from inspector.analysis.lint.linted_state import LintedState
from inspector.analysis.prices import PriceTable
from inspector.analysis.session_outline import OutlineReading, SessionOutline
from inspector.cli.comparison_table import comparison_lines
from inspector.cli.each_recording import STDIN
from inspector.cli.listing import opened
from inspector.cli.printing import flush, say, write_line, write_object
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.core.turn import Turn
from inspector.price_file import prices_here
from inspector.recording.lean import LeanReading
from inspector.recording.linted_reading import LintedReading
from inspector.recording.reader import RecordingReader

BESIDE_BYTES = 8 << 20
"""Size of a recording from which on it is worth a process of its own: about half a second of reading."""


@dataclass(frozen=True, slots=True)
class RiseLimits:
    """By how many percent B may be above A; None for any."""

    latency: float | None = None
    """Of the median wait."""
    cost: float | None = None
    """Of the cost of all."""


@dataclass(frozen=True, slots=True)
class OutlinedFile:
    """One recording as far as a comparison looks at it."""

    outline: SessionOutline
    notes: tuple[str, ...]
    """Remarks about the file."""


def print_comparison(a: str, b: str, limits: RiseLimits, *, as_json: bool, has_sound: bool) -> int:
    """Print what differs between two recordings; return 1 if anything does, or a limit is exceeded, else 0.

    Args:
        a: the earlier recording; ``-`` for stdin.
        b: the later recording; ``-`` for stdin.
        limits: for latency and cost.
        as_json: print one JSON object.
        has_sound: listen to the audio.

    Raises:
        RecordingError: one of the files is not a recording.
    """
    prices = prices_here(lambda why: say(f"note: {why}"))
    one, other = _both(a, b, prices, has_sound=has_sound)
    for name, file in (("A", one), ("B", other)):
        for note in file.notes:
            say(f"note: {name}: {note}")
    comparison = compare(one.outline, other.outline)
    exceeded = list(_exceeded(comparison, limits))
    if as_json:
        write_object({**comparison_json(comparison), "exceeded": exceeded})
    else:
        # Without a terminal 80 columns, or what COLUMNS says.
        for line in comparison_lines(comparison, shutil.get_terminal_size().columns):
            write_line(line)
        for words in exceeded:
            write_line(words)
    flush()
    return int(bool(comparison.differences or exceeded))


def _exceeded(comparison: Comparison, limits: RiseLimits) -> Iterator[str]:
    """Yield each limit that is exceeded, or that cannot be judged, since that does not prove that it holds."""
    if limits.latency is not None:
        yield from _over(
            "the median wait", median_pair(comparison), limits.latency, comparison.no_spreads
        )
    if limits.cost is not None:
        pair = cost_pair(comparison)
        why = ", ".join(
            f"{why} in {name}" for name, why in (("A", pair.why_a), ("B", pair.why_b)) if why
        )
        yield from _over("the cost", pair, limits.cost, why)


def _over(what: str, pair: FigurePair | None, limit: float, why: str) -> Iterator[str]:
    percent = None if pair is None else rise_percent(pair)
    if percent is None:
        yield f"{what} cannot be compared: {why}"
    elif percent > limit:
        yield f"{what} rose by {percent:,.0f} %, more than {limit:g} %"


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _both(
    a: str, b: str, prices: PriceTable, *, has_sound: bool
) -> tuple[OutlinedFile, OutlinedFile]:
    """Return both recordings; of two large ones, the second is read in another process meanwhile."""
    is_worth = all(name != STDIN and _size(name) >= BESIDE_BYTES for name in (a, b))
    if not is_worth:
        one = outlined(a, prices, has_sound=has_sound)
        return one, outlined(b, prices, has_sound=has_sound)
    beside = _Beside(b, prices, has_sound=has_sound)
    try:
        one = outlined(a, prices, has_sound=has_sound)
        return one, beside.result() or outlined(b, prices, has_sound=has_sound)
    finally:
        beside.close()


def _size(name: str) -> int:
    try:
        return Path(name).stat().st_size
    except (OSError, ValueError):
        return 0  # the reader says why


class _Beside:
    """A recording that is read in a fork of this process, which has no threads yet."""

    def __init__(self, name: str, prices: PriceTable, *, has_sound: bool) -> None:
        self._output, output = os.pipe()
        self._pid = os.fork()
        if self._pid:
            os.close(output)
            return
        status = 1
        try:
            os.close(self._output)
            with os.fdopen(output, "wb") as pipe:
                pickle.dump(outlined(name, prices, has_sound=has_sound), pipe)
            status = 0
        except Exception:  # noqa: BLE001 - the parent reads the file again, and reports what is wrong with it
            status = 1
        finally:
            # Without the parent's cleaning up: its buffers and files are not the child's.
            os._exit(status)

    def result(self) -> OutlinedFile | None:
        """Return the recording; None if it could not be read there."""
        with os.fdopen(self._output, "rb") as pipe:
            self._output = -1
            data = pipe.read()
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        found: OutlinedFile | None = pickle.loads(data) if status == 0 else None  # noqa: S301 - our own child wrote it
        return found

    def close(self) -> None:
        """End the child if its result is not wanted."""
        if self._output >= 0:
            os.close(self._output)
            self._output = -1
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0


def outlined(name: str, prices: PriceTable, *, has_sound: bool) -> OutlinedFile:
    """Return a recording as far as a comparison looks at it, read once.

    Args:
        name: of the file; ``-`` for stdin.
        prices: the price table.
        has_sound: listen to the audio of its turns.

    Raises:
        RecordingError: the file is not a recording.
    """
    with opened(None if name == STDIN else Path(name)) as reader:
        outline = OutlineReading()
        ledger = partial(CostLedger, prices, reader.header.day, model=reader.header.model)
        state = LintedState(new_ledger=ledger)
        reading = LintedReading(reader, state)

        def apply(event: Event) -> None:
            if state.begins(event):
                outline.end_session(state)
            state.apply(event)
            outline.apply(event, state)

        reading.apply = apply
        reading.run()
        costs = ledger()
        costs.update(state.usage)
        found = outline.outline(
            name,
            state,
            costs,
            state.rules.report(state, is_over=True),
            _Measure(reading, has_sound=has_sound),
            reader.header.started_at,
        )
        return OutlinedFile(found, tuple(_notes(reader, state)))


class _Measure:
    """Measure turns; listen to their sound if there is any, which takes numpy."""

    def __init__(self, reading: LeanReading, *, has_sound: bool) -> None:
        state = self._state = reading.state
        self._listener = None
        if has_sound and (state.input_audio.appends or state.output_audio.deltas):
            from inspector.analysis.turn_sound import Listener

            self._listener = Listener(reading)

    def __call__(self, turn: Turn) -> Latency:
        """Return the latency of a turn."""
        if self._listener is None:
            return latency_of(turn)
        heard = self._listener.listen(
            turn,
            is_input_elided=self._state.input_audio.is_elided,
            is_output_elided=self._state.output_audio.is_elided,
        )
        return latency_of(turn, heard)


def _notes(reader: RecordingReader, state: SessionState) -> Iterator[str]:
    if not reader.size:
        yield "the file is empty"
    if reader.torn_tail():
        yield "the last line is incomplete; the recording was cut off there"
    yield from reader.time_notes()
    if state.turns.sessions > 1:
        yield f"the file holds {state.turns.sessions} sessions; its settings are those of the last"

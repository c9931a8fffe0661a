"""The waterfall of a turn: its phases as stretches of time from the end of the user's input on, and cells of fixed time that show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from inspector.analysis.latency import Latency
from inspector.core.turn import ToolCall, Turn, TurnMark
from inspector.core.units import NS_PER_MS, NS_PER_US

ZOOMS_MS = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000)
"""Lengths of a cell: steps that the eye can count in."""
ROOM_AFTER = 1.5
"""The longest wait fits with as much beside it, so that the beginning of its answer is seen too."""
SCALE_CELLS = 10
"""Cells from one time on the scale to the next."""
OVER_MS = 1_000
"""From here on the scale counts in seconds."""


class Phase(NamedTuple):
    """A phase of a turn as it is drawn and explained."""

    letter: str
    """In its cells; ``""`` for the answer, which is drawn as a bar, and for what is only pending."""
    words: str
    """For the legend."""
    definition: str
    """Its figure in ``analysis.definitions``; ``""`` without one."""


PHASES: Mapping[str, Phase] = {
    "endpointing": Phase("e", "end of speech", "endpointing_ms"),
    "commit": Phase("c", "commit", "commit_ms"),
    "response_start": Phase("r", "response start", "response_start_ms"),
    "model": Phase("m", "model", "first_audio_ms"),
    "tool": Phase("t", "tool", "tool_ms"),
    "leading_silence": Phase("s", "silence", "leading_silence_ms"),
    "playout": Phase("p", "playout", "playout_ms"),
    "answer": Phase("", "answer", "generation_ms"),
    "stop": Phase("b", "barge-in stop", "barge_in_stop_ms"),
    "transcription": Phase("", "transcription", "transcription_ms"),
    "pending": Phase("", "pending", ""),
}
"""The phases in the order in which they happen."""
PHASE_OF: Mapping[str, str] = {"endpointing_rest": "endpointing"}
"""Parts of a wait that are drawn as another phase; all others are drawn as their own."""


class Stretch(NamedTuple):
    """A stretch of time that is drawn as one phase."""

    phase: str
    """Key of ``PHASES``."""
    begin_ms: float
    """From the end of the user's input, or from what else the turn counts from."""
    end_ms: float
    """Never before ``begin_ms``."""
    seq: int
    """The event that proves its end; 0 if it has not ended."""
    owner: str = ""
    """As in the part of the wait."""


class Bars(NamedTuple):
    """What is drawn for a turn."""

    main: tuple[Stretch, ...]
    """The wait, the answer, and what stops it."""
    tools: tuple[Stretch | None, ...]
    """One for each tool call of the turn; None without a time."""
    transcription: Stretch | None
    """None if there is no transcript, or no time to count from."""
    cut_ms: float | None
    """When the user spoke over the answer; None if the user did not."""


def bars(turn: Turn, latency: Latency, now_ns: int, *, is_last: bool) -> Bars:
    """Return what is drawn for a turn.

    Args:
        turn: the turn.
        latency: its wait.
        now_ns: the session time by now, or that of the cursor: what goes on is drawn up to it.
        is_last: no turn follows: it may still be answered.
    """
    zero_ns = _zero_ns(turn, latency)
    if zero_ns is None:
        return Bars((), tuple(None for _ in turn.tools), None, None)
    now_ms = max(0.0, (now_ns - zero_ns) / NS_PER_MS)
    waits = _waits(latency)
    at_ms = waits[-1].end_ms if waits else 0.0
    cut_ms = _after(turn.cut, zero_ns)
    if turn.reply is not None:
        after = _answer(turn, zero_ns, at_ms, now_ms)
    elif is_last and _is_running(turn) and latency.anchor is not None:
        after = [Stretch("pending", at_ms, max(at_ms, now_ms), 0)]
    else:
        after = []
    tools = tuple(_tool(tool, zero_ns, now_ms, is_last=is_last) for tool in turn.tools)
    return Bars((*waits, *after), tools, _transcription(turn, latency), cut_ms)


def _zero_ns(turn: Turn, latency: Latency) -> int | None:
    start = latency.start
    return turn.began.t_ns if start is None or start.t_ns is None else start.t_ns


def _after(mark: TurnMark | None, zero_ns: int) -> float | None:
    """Return how long after the zero a mark is, at least 0; None if its time is unknown."""
    if mark is None or mark.t_ns is None:
        return None
    return max(0.0, (mark.t_ns - zero_ns) / NS_PER_MS)


def _waits(latency: Latency) -> list[Stretch]:
    found, at_ms = [], 0.0
    for part in latency.parts:
        phase = PHASE_OF.get(part.key, part.key)
        found.append(Stretch(phase, at_ms, at_ms + part.ms, part.seq[-1], part.owner))
        at_ms += part.ms
    return found


def _is_running(turn: Turn) -> bool:
    """Return True if an answer may still come."""
    if turn.is_history:
        return False
    last = turn.answers[-1] if turn.answers else None
    return last is None or last.done is None or (last.status == "completed" and bool(turn.tools))


def _answer(turn: Turn, zero_ns: int, at_ms: float, now_ms: float) -> list[Stretch]:
    """Return the answer as long as it is heard or written, and how long it went on after the user spoke over it."""
    reply = turn.reply
    if reply is None:
        return []
    done_ms = _after(reply.done, zero_ns)
    seq = reply.done.seq if reply.done is not None else 0
    begin_ms = _after(reply.played or reply.sound, zero_ns)
    end_ms: float | None = done_ms
    if begin_ms is not None:
        length_ns = reply.done.audio_ns if reply.done is not None else None
        if length_ns is not None and done_ms is not None:
            # Audio that comes slower than it plays is heard in pieces, until the last one has come.
            end_ms = max(begin_ms + length_ns / NS_PER_MS, done_ms)
    # What is played later than now has not been heard yet.
    end_ms = now_ms if end_ms is None else min(end_ms, now_ms)
    cut_ms, silenced_ms = _after(turn.cut, zero_ns), _after(turn.silenced, zero_ns)
    if cut_ms is None or turn.cut is None:
        return [Stretch("answer", at_ms, max(at_ms, end_ms), seq)]
    found = [Stretch("answer", at_ms, max(at_ms, min(end_ms, cut_ms)), turn.cut.seq)]
    if silenced_ms is not None and turn.silenced is not None and silenced_ms > cut_ms:
        found.append(Stretch("stop", max(at_ms, cut_ms), silenced_ms, turn.silenced.seq, "app"))
    return found


def _tool(tool: ToolCall, zero_ns: int, now_ms: float, *, is_last: bool) -> Stretch | None:
    begin_ms, end_ms = _after(tool.asked, zero_ns), _after(tool.answered, zero_ns)
    if begin_ms is None or (end_ms is None and not is_last):
        return None
    seq = tool.answered.seq if tool.answered is not None else 0
    return Stretch(
        "tool",
        begin_ms,
        max(begin_ms, now_ms if end_ms is None else end_ms),
        seq,
        f"tool:{tool.name}",
    )


def _transcription(turn: Turn, latency: Latency) -> Stretch | None:
    ms = latency.figures.get("transcription_ms")
    if ms is None or turn.transcribed is None:
        return None
    return Stretch("transcription", 0.0, ms, turn.transcribed.seq)


class TurnSpan(NamedTuple):
    """When a turn began and ended."""

    number: int
    begin_us: int
    end_us: int


def turn_spans(turns: Sequence[Turn], from_us: int, to_us: int, now_us: int) -> list[TurnSpan]:
    """Return the spans of the turns that overlap a stretch of session time; without those that have no time.

    Args:
        turns: oldest first.
        from_us: the beginning of the stretch.
        to_us: its end.
        now_us: the session time by now: the last turn lasts until then if its answer goes on.
    """
    found: list[TurnSpan] = []
    next_us: int | None = None
    for turn in reversed(turns):
        if turn.began.t_ns is None:
            continue
        begin_us = turn.began.t_ns // NS_PER_US
        end_us = _end_us(turn)
        if next_us is None:
            is_over = turn.answers and turn.answers[-1].done is not None
            end_us = min(end_us, now_us) if is_over else now_us
        else:
            end_us = min(end_us, next_us)
        next_us = begin_us
        if begin_us < to_us and end_us >= from_us:
            found.append(TurnSpan(turn.number, begin_us, max(begin_us, end_us)))
        if end_us < from_us:
            break
    return found[::-1]


def _end_us(turn: Turn) -> int:
    """Return when the last of a turn happened: its input, its answers, or when they stopped to be heard."""
    marks = [turn.began, turn.speech_stopped, turn.committed, turn.silenced]
    marks += [one.done for one in turn.answers]
    ends_ns = [mark.t_ns for mark in marks if mark is not None and mark.t_ns is not None]
    for one in turn.answers:
        if one.played is not None and one.played.t_ns is not None and one.done is not None:
            is_cut = turn.cut is not None
            ends_ns += [] if is_cut else [one.played.t_ns + (one.done.audio_ns or 0)]
    return max(ends_ns) // NS_PER_US


def painted(
    stretches: Iterable[Stretch], cell_ms: int, from_cell: int, width: int
) -> list[Stretch | None]:
    """Return for each cell the stretch that covers most of it; None where nothing is.

    Args:
        stretches: any number.
        cell_ms: length of a cell.
        from_cell: the first cell, counted from the zero.
        width: how many cells.
    """
    cells: list[Stretch | None] = [None] * width
    covered = [0.0] * width
    for stretch in stretches:
        first = max(0, int(stretch.begin_ms // cell_ms) - from_cell)
        last = min(width - 1, int(stretch.end_ms // cell_ms) - from_cell)
        for place in range(first, last + 1):
            begin_ms = (place + from_cell) * cell_ms
            over = min(stretch.end_ms, begin_ms + cell_ms) - max(stretch.begin_ms, begin_ms)
            if over > covered[place]:
                cells[place], covered[place] = stretch, over
    return cells


def fitting_cell_ms(waits_ms: Sequence[float], width: int) -> int:
    """Return the shortest cell with which the longest wait fits, and the beginning of its answer."""
    longest = max(waits_ms, default=0.0) * ROOM_AFTER
    return next((ms for ms in ZOOMS_MS if ms * width >= longest), ZOOMS_MS[-1])


def scale(cell_ms: int, from_cell: int, width: int) -> str:
    """Return a line with the times at every tenth cell, like ``0         500 ms    1 s``."""
    line = ""
    for place in range(-from_cell % SCALE_CELLS, width, SCALE_CELLS):
        text = time_words((place + from_cell) * cell_ms)
        if place >= len(line) + bool(line) and place + len(text) <= width:
            line = f"{line:<{place}}{text}"
    return f"{line:<{width}}"


def time_words(ms: int) -> str:
    """Return a time on the scale: ``0``, ``500 ms`` or ``2.5 s``."""
    if not ms:
        return "0"
    return f"{ms} ms" if ms < OVER_MS else f"{ms / 1000:g} s"

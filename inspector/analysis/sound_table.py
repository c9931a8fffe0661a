"""The sound of a session as a table: a row per figure with a column per side, the echo, the encodings, and a row per answer.

Texts and definitions for the command and the screen alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from inspector.analysis.definitions import SOUND_BY_NAME, Definition
from inspector.analysis.echo_search import Echo
from inspector.analysis.sound_bench import AnswerSound, BenchReport, SideSound, SoundFigure
from inspector.analysis.sound_content import ENCODING_NAMES

UNKNOWN = "?"
LIKELY_SHARE = 0.02
"""Encodings that are less likely are not listed."""


class SoundColumn(StrEnum):
    """A column of the table."""

    MICROPHONE = "microphone"
    ANSWERS = "answers"


@dataclass(frozen=True, slots=True)
class SoundCell:
    """One cell."""

    text: str
    """The figure with its unit; ``""`` if the side has no such figure, ``?`` if it is unknown."""
    reason: str = ""
    """Why it is unknown."""
    note: str = ""
    """What qualifies it."""
    seq: int = 0
    """The event at which it can be seen; 0 for none."""


@dataclass(frozen=True, slots=True)
class SoundRow:
    """One row."""

    title: str
    cells: tuple[SoundCell, SoundCell]
    """Of the microphone and of the answers."""
    definition: Definition | None = None


def sound_rows(report: BenchReport) -> list[SoundRow]:
    """Return the rows of a report, in reading order."""
    return [
        *_figure_rows(report),
        *_encoding_rows(report),
        *_echo_rows(report.echo),
        *_answer_rows(report),
    ]


def figure_text(figure: SoundFigure, definition: Definition) -> str:
    """Return a figure with its unit; ``?`` if it is unknown."""
    return UNKNOWN if figure.value is None else value_text(figure.value, definition.unit)


def value_text(value: float, unit: str) -> str:
    """Return a value with its unit."""
    if unit == "%":
        return _percent(value)
    if unit == "×":
        return f"{value:,.2f}×"
    if unit in ("dBFS", "dB"):
        return f"{value:.1f} {unit}".replace("-", "−")
    if unit == "ms":
        digits = 1 if abs(value) < 100 and value != int(value) else 0
        return f"{value:,.{digits}f} ms".replace("-", "−")
    return f"{value:,.0f} {unit}".rstrip().replace("-", "−")


def _percent(share: float) -> str:
    percent = share * 100
    if not percent:
        return "0 %"
    if abs(percent) < 0.005:
        return "under 0.01 %"
    return f"{percent:.{2 if abs(percent) < 1 else 1 if abs(percent) < 10 else 0}f} %".replace(
        "-", "−"
    )


def _figure_rows(report: BenchReport) -> list[SoundRow]:
    first = SoundRow(
        "declared format",
        (_format_cell(report.microphone), _format_cell(report.answers)),
    )
    names = [name for name in SOUND_BY_NAME if any(name in side.figures for side in report.sides)]
    rows = [first]
    for name in names:
        definition = SOUND_BY_NAME[name]
        cells = tuple(_cell(side, name, definition) for side in report.sides)
        rows.append(SoundRow(definition.title, (cells[0], cells[1]), definition))
    return rows


def _format_cell(side: SideSound) -> SoundCell:
    if side.format:
        return SoundCell(side.format, seq=side.figures["events"].seq)
    return SoundCell(UNKNOWN, side.figures["audio_ms"].reason)


def _cell(side: SideSound, name: str, definition: Definition) -> SoundCell:
    figure = side.figures.get(name)
    if figure is None:
        return SoundCell("")
    return SoundCell(figure_text(figure, definition), figure.reason, figure.note, figure.seq)


def _encoding_rows(report: BenchReport) -> list[SoundRow]:
    definition = SOUND_BY_NAME["encoding"]
    cells = tuple(SoundCell(*_encoding(side)) for side in report.sides)
    return [SoundRow(definition.title, (cells[0], cells[1]), definition)]


def _encoding(side: SideSound) -> tuple[str, str, str, int]:
    """Return (the likeliest, why it is unknown, the others, an event)."""
    seq = side.figures["events"].seq
    if not side.encodings:
        reason = side.figures["level_dbfs"].reason or "too faint, or too little of it"
        return UNKNOWN, reason, "", 0
    best, *others = side.encodings
    told = [
        f"{ENCODING_NAMES[one.name]} {_percent(one.likelihood)}"
        for one in others
        if one.likelihood >= LIKELY_SHARE
    ]
    note = ", ".join(told)
    if best.name not in (side.declared, "wav"):
        note = "; ".join(filter(None, (f"declared is {ENCODING_NAMES[side.declared]}", note)))
    return f"{ENCODING_NAMES[best.name]} {_percent(best.likelihood)}", "", note, seq


def _echo_rows(echo: Echo) -> list[SoundRow]:
    nothing = SoundCell("")
    if echo.confidence is None or echo.delay_ms is None or echo.level_db is None:
        heard = f"in {echo.answers} answer{'s' * (echo.answers != 1)}"
        text = UNKNOWN if echo.reason else "none"
        cell = SoundCell(text, echo.reason, "" if echo.reason else heard)
        return [SoundRow("echo", (cell, nothing), SOUND_BY_NAME["echo_delay_ms"])]
    note = f"{echo.confidence}: {echo.heard} of {echo.answers} answers are heard in the microphone"
    delay = SoundCell(value_text(echo.delay_ms, "ms"), "", note, echo.seq)
    level = SoundCell(
        value_text(echo.level_db, "dB"),
        "",
        f"correlation {echo.correlation or 0:.2f}, in {echo.windows} windows of up to 1 s",
        echo.seq,
    )
    return [
        SoundRow("echo, delay", (delay, nothing), SOUND_BY_NAME["echo_delay_ms"]),
        SoundRow("echo, level", (level, nothing), SOUND_BY_NAME["echo_level_db"]),
    ]


def _answer_rows(report: BenchReport) -> list[SoundRow]:
    return [_answer_row(number, one) for number, one in enumerate(report.answers.answers, 1)]


def _answer_row(number: int, one: AnswerSound) -> SoundRow:
    silence = (
        "nothing audible"
        if one.leading_silence_ms is None
        else value_text(one.leading_silence_ms, "ms")
    )
    note = f"{value_text(one.audio_ms, 'ms')} of audio"
    if one.underruns:
        times = "underrun" if one.underruns == 1 else "underruns"
        note += f", {one.underruns} {times} of {value_text(one.underrun_ms or 0, 'ms')}"
    if one.item_id:
        note += f", {one.item_id}"
    cell = SoundCell(silence, "", note, one.seq)
    title = f"answer {number}: leading silence"
    return SoundRow(title, (SoundCell(""), cell), SOUND_BY_NAME["leading_silence_ms"])


def striking_lines(report: BenchReport) -> Sequence[str]:
    """Return what stands out of a report, in words."""
    lines = [*_echo_words(report.echo)]
    for name, side in zip(SoundColumn, report.sides, strict=True):
        lines += (f"{name}: {words}" for words in _striking(side))
    return lines


class _Remark(NamedTuple):
    """What is remarkable about a figure."""

    figure: str
    is_striking: Callable[[float], bool]
    words: str
    """With the figure's text at ``{}``."""


_REMARKS = (
    _Remark("digital_silence", lambda share: share >= 0.98, "only digital silence ({})"),
    _Remark("clipped", lambda share: share >= 0.001, "{} of the samples are clipped"),
    _Remark("level_dbfs", lambda level: level < -60, "hardly any sound: {}"),
    _Remark("speech_dbfs", lambda level: level < -45, "faint: {} without the silence"),
    _Remark("dc_offset", lambda share: abs(share) >= 0.01, "a DC offset of {}"),
    _Remark("underruns", lambda count: count >= 1, "{} in what was heard"),
)
"""Figures beyond these values are worth a line; -45 dBFS is where transcription and turn detection begin to suffer."""


def _striking(side: SideSound) -> Iterator[str]:
    rate = side.figures.get("real_rate_hz")
    if rate is not None and "looks like" in rate.note:
        yield f"the rate {rate.note}"
    best = side.encodings[0] if side.encodings else None
    if best is not None and best.name != side.declared:
        yield (
            f"declared {ENCODING_NAMES[side.declared]}, looks like {ENCODING_NAMES[best.name]} "
            f"({_percent(best.likelihood)})"
        )
    for remark in _REMARKS:
        figure = side.figures.get(remark.figure)
        if figure is not None and figure.value is not None and remark.is_striking(figure.value):
            definition = SOUND_BY_NAME[remark.figure]
            text = figure_text(figure, definition)
            unit = (
                "" if definition.unit else f" {definition.title.removesuffix('s' * (text == '1'))}"
            )
            yield remark.words.format(f"{text}{unit}")


def _echo_words(echo: Echo) -> Iterator[str]:
    if echo.confidence is not None and echo.delay_ms is not None and echo.level_db is not None:
        yield (
            f"the microphone hears {echo.heard} of {echo.answers} answers ({echo.confidence}), {echo.delay_ms:,.0f} ms late, "
            f"at {value_text(echo.level_db, 'dB')}"
        )

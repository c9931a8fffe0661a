"""A recording into files of other formats; each appears whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from inspector.cli.listing import opened
from inspector.cli.output import flush, say, write_bytes, write_line, write_object
from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.errors import EXIT_CANNOT_WRITE, ExportError, UsageError
from inspector.export.sound import Sound
from inspector.export.target import written
from inspector.export.text import transcript
from inspector.export.wav import Plan, plans, write_wav
from inspector.recording.reader import RecordingReader


def export_text(source: Path | None, target: Path | None) -> None:
    """Write a transcript.

    Args:
        source: the recording; None is stdin.
        target: the file; None is stdout.

    Raises:
        RecordingError: it is no recording.
        ExportError: the target cannot be written.
    """
    with opened(source) as reader:
        lines = transcript(_events(reader))
        if target is None:
            for line in lines:
                write_line(line)
            flush()
            return
        with written(target, source) as file:
            for line in lines:
                file.write(line.encode("utf-8", "replace") + b"\n")
    say(f"wrote {target}")


def export_wav(source: Path | None, what: str, output: str | None, *, as_json: bool) -> None:
    """Write the sound of a recording.

    Args:
        source: the recording; None is stdin.
        what: one of ``inspector.export.wav.WHAT``.
        output: a file, a folder for ``items``, ``-`` for stdout; None for a name made from the recording's.
        as_json: print one JSON object about the files.

    Raises:
        RecordingError: it is no recording.
        ExportError: it has no such audio, or the target cannot be written.
    """
    if output == "-" and what == "items":
        raise UsageError("items are several files, so they cannot go to stdout", hint="-o DIR")
    with opened(source) as reader:
        sound = Sound(_indexed(reader))
        made = plans(sound, what)
        if output == "-":
            write_wav(sound, made[0], write_bytes)
            flush()
            return
        files = []
        for plan, path in zip(made, _targets(made, what, source, output), strict=True):
            with written(path, source) as file:
                write_wav(sound, plan, file.write)
            files.append((plan, path))
        _report(files, reader, len(sound.damaged_rows), as_json=as_json)


def _indexed(reader: RecordingReader) -> EventLog:
    log = reader.new_log()
    reader.index_rows(log, reader.start, reader.size)
    return log


def _events(reader: RecordingReader) -> Iterator[Event]:
    log = _indexed(reader)
    for row in range(len(log)):
        yield log.read(row)


def _targets(made: list[Plan], what: str, source: Path | None, output: str | None) -> list[Path]:
    stem = source.stem if source is not None else "session"
    if what == "items":
        folder = Path(output) if output is not None else Path(f"{stem}-items")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ExportError(
                f"cannot make {folder}: {error.strerror}",
                code="cannot_write",
                exit_code=EXIT_CANNOT_WRITE,
            ) from error
        return [folder / f"{plan.name}.wav" for plan in made]
    if output is not None:
        return [Path(output)]
    return [Path(f"{stem}.wav" if what == "stereo" else f"{stem}-{what}.wav")]


def _report(
    files: list[tuple[Plan, Path]], reader: RecordingReader, damaged: int, *, as_json: bool
) -> None:
    if as_json:
        write_object(
            {
                "recording": str(reader.path),
                "files": [
                    {
                        "path": str(path),
                        "seconds": round(plan.frames / plan.rate_hz, 6),
                        "rate_hz": plan.rate_hz,
                        "channels": len(plan.channels),
                    }
                    for plan, path in files
                ],
                "damaged_pieces": damaged,
            }
        )
        return
    if damaged:
        say(f"note: {damaged:,} pieces of audio are not base64; silence stands in their place")
    for plan, path in files:
        sides = "stereo" if len(plan.channels) == 2 else "mono"
        say(f"wrote {path}: {plan.frames / plan.rate_hz:.3f} s, {sides}, {plan.rate_hz:,} Hz")

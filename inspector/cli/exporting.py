"""A recording into files of other formats; each appears whole, or not at all."""

from __future__ import annotations

from pathlib import Path

from inspector.cli.listing import opened
from inspector.cli.printing import flush, say, write_bytes, write_line, write_object
from inspector.core.log import EventLog
from inspector.errors import EXIT_CANNOT_WRITE, ExportError, UsageError
from inspector.export.formats import Exported, ExportedFile, Format
from inspector.export.output_file import written
from inspector.recording.reader import RecordingReader

STDOUT = "-"


def export_recording(
    source: Path | None, to: Format, part: str, output: str | None, *, as_json: bool
) -> None:
    """Write a recording in a format.

    Args:
        source: the recording; None is stdin.
        to: the format.
        part: one of its parts; ``""`` where it has none.
        output: a file, a folder where there are several, ``-`` for stdout; None for stdout where it is text, else for a
            name made from the recording's.
        as_json: print one JSON object about the files.

    Raises:
        RecordingError: it is no recording.
        ExportError: it has nothing of the kind, or the target cannot be written.
        UsageError: several files cannot go to stdout.
    """
    is_stdout = output == STDOUT or (output is None and to.is_text)
    if is_stdout and part in to.several:
        raise UsageError(f"{part} are several files, so they cannot go to stdout", hint="-o DIR")
    with opened(source) as reader:
        made = to.export(_indexed(reader), part)
        if is_stdout:
            _print(made.files[0], to)
            return
        paths = _targets(made, to, part, source, output)
        for file, path in zip(made.files, paths, strict=True):
            with written(path, source) as target:
                file.write(target.write)
        if as_json:
            files = [{"path": str(p), **f.facts} for f, p in zip(made.files, paths, strict=True)]
            write_object({"recording": str(reader.path), "files": files, **made.facts()})
            return
    if made.note():
        say(f"note: {made.note()}")
    for file, path in zip(made.files, paths, strict=True):
        say(f"wrote {path}{': ' * bool(file.words)}{file.words}")


def _indexed(reader: RecordingReader) -> EventLog:
    log = reader.new_log()
    reader.index_rows(log, reader.start, reader.size)
    return log


def _print(file: ExportedFile, to: Format) -> None:
    if to.is_text:
        # Line by line, so that a locale that lacks a character gets an escape of it.
        file.write(lambda line: write_line(line.decode("utf-8", "replace").removesuffix("\n")))
    else:
        file.write(write_bytes)
    flush()


def _targets(
    made: Exported, to: Format, part: str, source: Path | None, output: str | None
) -> list[Path]:
    stem = source.stem if source is not None else "session"
    if part in to.several:
        folder = Path(output) if output is not None else Path(f"{stem}-{part}")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ExportError(
                f"cannot make {folder}: {error.strerror}",
                code="cannot_write",
                exit_code=EXIT_CANNOT_WRITE,
            ) from error
        return [folder / f"{file.name}{to.suffix}" for file in made.files]
    if output is not None:
        return [Path(output)]
    is_default = not to.parts or part == to.parts[0]
    return [Path(f"{stem}{'' if is_default else f'-{part}'}{to.suffix}")]

"""Export of a recording to files; each file appears complete or not at all."""

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
    """Export a recording.

    Args:
        source: the recording; None for stdin.
        to: the format.
        part: one of the format's parts; ``""`` if it has none.
        output: a file, a folder for several files, or ``-`` for stdout; None for stdout if the format is text, else for
            a name derived from the recording's.
        as_json: print one JSON object about the files.

    Raises:
        RecordingError: the source is not a recording.
        ExportError: the recording has nothing to export, or the target cannot be written.
        UsageError: several files cannot go to stdout.
    """
    is_stdout = output == STDOUT or (output is None and to.is_text)
    if is_stdout and part in to.several:
        raise UsageError(
            f"{part} makes several files, which cannot go to stdout", hint="use -o DIR"
        )
    with opened(source) as reader:
        exported = to.export(_indexed(reader), part)
        if is_stdout:
            _print(exported.files[0], to)
            return
        paths = _targets(exported, to, part, source, output)
        for file, path in zip(exported.files, paths, strict=True):
            with written(path, source) as target:
                file.write(target.write)
        if as_json:
            pairs = zip(exported.files, paths, strict=True)
            files = [{"path": str(path), **file.facts} for file, path in pairs]
            write_object({"recording": str(reader.path), "files": files, **exported.facts()})
            return
    if exported.note():
        say(f"note: {exported.note()}")
    for file, path in zip(exported.files, paths, strict=True):
        say(f"wrote {path}{': ' * bool(file.words)}{file.words}")


def _indexed(reader: RecordingReader) -> EventLog:
    log = reader.new_log()
    reader.index_rows(log, reader.start, reader.size)
    return log


def _print(file: ExportedFile, to: Format) -> None:
    if to.is_text:
        # Line by line: a locale that lacks a character then gets an escape in its place.
        file.write(lambda line: write_line(line.decode("utf-8", "replace").removesuffix("\n")))
    else:
        file.write(write_bytes)
    flush()


def _targets(
    exported: Exported, to: Format, part: str, source: Path | None, output: str | None
) -> list[Path]:
    stem = source.stem if source is not None else "session"
    if part in to.several:
        folder = Path(output) if output is not None else Path(f"{stem}-{part}")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ExportError(
                f"cannot create {folder}: {error.strerror}",
                code="cannot_write",
                exit_code=EXIT_CANNOT_WRITE,
            ) from error
        return [folder / f"{file.name}{to.suffix}" for file in exported.files]
    if output is not None:
        return [Path(output)]
    is_default = not to.parts or part == to.parts[0]
    return [Path(f"{stem}{'' if is_default else f'-{part}'}{to.suffix}")]

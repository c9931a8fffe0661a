"""Recordings on disk: format, writer, reader, and the bulk scanner that indexes large files."""

"""Recordings on disk: the format, the writer and the readers."""

"""Foreign files as sessions: a reader for each structure, one scanner for all text, and the writer of the recording that results."""

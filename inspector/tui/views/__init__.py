"""The views of a session, one folder each."""

"""The session form without its screen: fields, edits, checks, and the server's answers to updates."""

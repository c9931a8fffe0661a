"""The view of a session's sound: its figures, and the VAD lab."""

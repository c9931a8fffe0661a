"""The session as a form: its fields, editors, dialogs, presets and history of updates."""

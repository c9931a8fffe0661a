"""Sending by hand: the editor, the buttons, their dialogs, and the server's reaction to what was sent."""

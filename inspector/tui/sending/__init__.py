"""What a user sends by hand: the editor, the buttons, the dialogs, and what became of each."""

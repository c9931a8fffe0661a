"""What several rooms of the screen share: keys and key names, dialogs, help, pages of text, meters, status lines, themes."""

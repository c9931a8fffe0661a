"""The conversation: items in the server's order, words, cuts, calls."""

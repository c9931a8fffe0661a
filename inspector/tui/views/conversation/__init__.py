"""The conversation view: items in the server's order with their text, truncations and calls."""

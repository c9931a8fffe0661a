"""How long each turn took, and what the user waited for."""

"""Sound as numbers: PCM16 and G.711 arithmetic."""

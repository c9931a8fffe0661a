"""The session view: the settings in effect, limits and usage."""

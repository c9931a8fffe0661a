"""The session page: settings in force, limits, usage."""

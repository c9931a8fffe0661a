"""Connections: sources of a session's frames, the proxy between app and server, and the simulator's port."""

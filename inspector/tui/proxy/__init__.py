"""The proxy's screens: the list of sessions, one session of an app, the frames that are paused."""

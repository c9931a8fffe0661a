"""The proxy's screens: the list of sessions, one proxied session, and its held frames."""

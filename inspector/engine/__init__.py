"""Running sessions: the synchronous pipeline that every frame passes, its sound, the proxy, and replays of recordings."""

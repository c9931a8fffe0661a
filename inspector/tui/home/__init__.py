"""The home screen: recordings, profiles, the simulator, themes."""

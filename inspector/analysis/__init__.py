"""Pure questions asked of events."""

"""What the session used and cost."""

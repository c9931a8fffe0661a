"""What is wrong in the session, why, and what to change."""

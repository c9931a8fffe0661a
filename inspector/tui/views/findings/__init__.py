"""The Findings view: what is wrong with the session, why, and what to change."""

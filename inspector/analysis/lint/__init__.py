"""Findings: what is wrong in a session, why, and what to change."""

"""Realtime Inspector: see, steer, record and replay sessions of the OpenAI Realtime API."""

__version__ = "0.1.0"

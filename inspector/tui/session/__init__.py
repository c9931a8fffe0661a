"""The screen of one live or replayed session: its model, header, hints, sound controls and transport."""

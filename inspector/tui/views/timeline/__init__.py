"""The timeline view: audio, speech, responses and marks over time."""

"""The timeline: sound, speech, responses and marks over time."""

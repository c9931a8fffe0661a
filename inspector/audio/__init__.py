"""Audio: codecs, levels, playback scheduling and sound files; ``device`` and ``portaudio`` reach the sound card."""

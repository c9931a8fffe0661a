"""Voice, speech recognition and speech detection with the libraries of the ``voice`` extra, each used if it is installed."""

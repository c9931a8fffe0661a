"""Voice, recognizer and speech detection with the libraries of the ``voice`` extra; each is used where it is installed."""

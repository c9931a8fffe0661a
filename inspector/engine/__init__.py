"""A session at work: the one synchronous pipeline every frame goes through, and the same view of a recording."""

"""A brain for the simulator that asks a model over HTTP, at any endpoint with OpenAI's chat completions API."""

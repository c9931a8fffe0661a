"""The simulator's brain as a model behind HTTP: any endpoint that speaks OpenAI's chat completions."""

"""Everything that relies on private or undocumented Textual, each with the version that it was written for."""

"""Everything that relies on private or undocumented parts of Textual, with the version that it was written for."""

"""The driver of the engine over what happens now: sources in, commits out. `replay` is that over what was recorded."""

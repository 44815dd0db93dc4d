"""The live service around the engine: sources in, commits out."""

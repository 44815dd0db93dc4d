"""The nouns of the program. This package imports nothing of ours."""

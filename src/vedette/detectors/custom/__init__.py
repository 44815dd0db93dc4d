"""Rules that users write over the measures of windows."""

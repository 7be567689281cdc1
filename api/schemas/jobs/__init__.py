"""Of long work."""

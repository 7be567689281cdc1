"""Of the running service."""

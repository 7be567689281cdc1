"""Commands that ask the running service."""

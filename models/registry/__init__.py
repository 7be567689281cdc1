"""Versions on disk, and which of them is in production."""

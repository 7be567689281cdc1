"""Asking a large language model: keys, endpoint, calls."""

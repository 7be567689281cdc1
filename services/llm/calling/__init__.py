"""Calls to an OpenAI-compatible endpoint: keys, spacing, failures, raw replies."""

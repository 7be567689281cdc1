"""Calls to an OpenAI-compatible endpoint: keys, spacing, failures, replies as they come."""

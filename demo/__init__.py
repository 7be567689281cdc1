"""A demonstration endpoint that stands in for an LLM without an account; its answers are marked."""

"""Signals for many symbols in one batch, and the filters that they pass."""

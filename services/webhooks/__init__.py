"""Signals for receivers without a socket: kept, signed, delivered at least once."""

"""Writes and reads that survive a store that is slow, full or down."""

"""Columns by theme, and the sets that they make."""

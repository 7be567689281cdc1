"""Stores behind one port: SQLite embedded by default, MongoDB by URL."""

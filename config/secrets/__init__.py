"""Secrets that the service makes by itself and keeps in files."""

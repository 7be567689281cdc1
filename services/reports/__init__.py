"""Analyses and features as tables for a terminal."""

"""Candles in, numbers out."""

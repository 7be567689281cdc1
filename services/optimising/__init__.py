"""Searches for better settings of trades: candles and parameters in, a verdict with its figures out."""

"""Searches for better settings of trades: candles and an order in, a verdict with its figures out."""

"""Backtests: candles and an order in, figures with a signed run card out."""

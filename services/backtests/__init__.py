"""Backtests: candles and parameters in, figures with a signed run card out."""

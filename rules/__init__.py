"""The rules: pure functions from candles and indicators to a verdict."""

"""What indicators say of a market: pure functions, from candles to a verdict."""

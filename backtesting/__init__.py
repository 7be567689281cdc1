"""The same judgement on the past: pure functions from candles to trades and their figures."""

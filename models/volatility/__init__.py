"""Volatility of the candles to come: its forecast, its skill, and bands of prices that it scales."""

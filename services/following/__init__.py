"""Forecasts that the service makes by itself at each closed candle, so that they can be held against what comes."""

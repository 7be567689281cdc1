"""Forecasts that the service makes by itself at each closed candle, so that they can be compared with later prices."""

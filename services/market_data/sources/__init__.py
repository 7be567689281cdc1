"""Sources of candles, one module for each."""

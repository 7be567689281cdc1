"""Where candles come from, one module for each source."""

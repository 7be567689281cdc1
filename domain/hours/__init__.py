"""When markets trade, and the longer candles that follow from it."""

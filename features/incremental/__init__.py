"""Features candle by candle: small machines that keep what the next row needs of the past."""

"""`candles` and what every command on files of candles shares: reading them, and the markets in their names."""

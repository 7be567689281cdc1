"""Files of candles that clients send: read by a process of their own, which a damaged or hostile file may end."""

"""Settings of trades searched by walk-forward: judgements are made once, and traded by each of the settings."""

"""What the models in production say, of which candles, and what follows for prices."""

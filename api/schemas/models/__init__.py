"""Of forecasts and models."""

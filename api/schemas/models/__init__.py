"""Bodies and answers of forecasts and models."""

"""Those who turn a market context into an analysis."""

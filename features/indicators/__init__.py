"""The catalogue of indicators, those that the rules read, support and resistance."""

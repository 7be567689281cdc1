"""From feature tables to training data."""

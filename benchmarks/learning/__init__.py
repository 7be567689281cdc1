"""What the learners find in a market whose best forecast is known."""

"""Evidence from the past: results of plans, and the curve through them."""

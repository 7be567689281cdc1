"""Evidence of plans: the measured record, and what a plan is worth by it."""

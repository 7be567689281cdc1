"""How good a model is, how sure of that we may be, and whether it may serve."""

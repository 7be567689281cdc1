"""Commands on the past of a market: what its figures would be worth, and what would falsify them."""
